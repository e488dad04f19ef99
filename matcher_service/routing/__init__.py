"""Routing: which repositories a submission is searched in, by which rule, and why. Default deny."""

from matcher_service.routing.carrying import images_carried
from matcher_service.routing.conditions import Answer, BadCondition, Conditions, conditions_of
from matcher_service.routing.deciding import decide, latest, still_allowed, withdraw
from matcher_service.routing.dispositions import Reported, report_disposition
from matcher_service.routing.errors import BadRegisterFile, NotInRegister, RegisterRefused, UnknownSubmission
from matcher_service.routing.facts import Arrival, read_facts, write_facts
from matcher_service.routing.judging import AgencyState, Decision, Facts, ReasonCode, Verdict, judge
from matcher_service.routing.replay import Why, why
from matcher_service.routing.rules import Mode, Place, Rule, RuleState, Snapshot, governing

__all__ = [
    "AgencyState",
    "Answer",
    "Arrival",
    "BadCondition",
    "BadRegisterFile",
    "Conditions",
    "Decision",
    "Facts",
    "Mode",
    "NotInRegister",
    "Place",
    "ReasonCode",
    "RegisterRefused",
    "Reported",
    "Rule",
    "RuleState",
    "Snapshot",
    "UnknownSubmission",
    "Verdict",
    "Why",
    "conditions_of",
    "decide",
    "governing",
    "images_carried",
    "judge",
    "latest",
    "read_facts",
    "report_disposition",
    "still_allowed",
    "why",
    "withdraw",
    "write_facts",
]
