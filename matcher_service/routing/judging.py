"""The decision itself: one function of the facts of a submission, the rules, and the time. Default deny.

It asks nothing but what it is given, so that the same question can be asked again years later.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from interchange.charges import CLEARED, ChargeClass, Disposition, Transaction
from matcher_service.routing.conditions import Answer, Conditions
from matcher_service.routing.rules import Mode, Rule, RuleState

if TYPE_CHECKING:
    from datetime import datetime

    from matcher_service.routing.rules import Place, Snapshot


class Verdict(StrEnum):
    """What is to become of a submission in a repository."""

    SEARCH = "search"
    SKIP = "skip"
    PARK = "park"  # something that the rule asks for is missing
    DEFER = "defer"  # it is not so far yet: an arrest where the rule asks for a conviction


class ReasonCode(StrEnum):
    """Why."""

    RULE = "rule"
    EVERYTHING = "everything"
    UNKNOWN_AGENCY = "unknown_agency"
    AGENCY_INACTIVE = "agency_inactive"
    NO_RULE = "no_rule"
    NOT_YET = "not_yet"
    NOT_ACCEPTED = "not_accepted"  # the owner of the repository does not take it
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    ENDED = "ended"
    TRANSACTION = "transaction"
    FINGERS = "fingers"
    CHARGE_CLASS = "charge_class"
    CLEARED = "cleared"
    NOT_ACCUSED = "not_accused"  # a victim, a witness: no rule and no mode opens anything
    CHARGE_MISSING = "charge_missing"
    DISPOSITION_MISSING = "disposition_missing"
    DISPOSITION_AWAITED = "disposition_awaited"
    # Recorded where the rule that let it be searched was gone when the search was done.
    SWITCHED_OFF = "switched_off"
    # Not by the register: the repository's owner searched it from the desk, by role.
    OWNER = "owner"


class AgencyState(StrEnum):
    """What is known of the agency that a submission comes from."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision may depend on. `jurisdiction` is the register's number of it."""

    ori: str
    agency: AgencyState
    jurisdiction: int | None
    transaction: Transaction
    charge_class: ChargeClass | None
    disposition: Disposition | None
    fingers: int

    def encoded(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)


def decode_facts(text: str) -> Facts:
    """What `Facts.encoded` wrote."""
    tree = json.loads(text)
    charge, disposition = tree["charge_class"], tree["disposition"]
    return Facts(
        ori=tree["ori"],
        agency=AgencyState(tree["agency"]),
        jurisdiction=tree["jurisdiction"],
        transaction=Transaction(tree["transaction"]),
        charge_class=None if charge is None else ChargeClass(charge),
        disposition=None if disposition is None else Disposition(disposition),
        fingers=tree["fingers"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided for one repository, by which version of which activation, and why in words.

    Attributes:
        conditions: those of the rule that decided; None where there was none.
        registry_version: the register's clock at that moment.
    """

    repository: str
    repository_id: int
    verdict: Verdict
    answer: Answer
    reason_code: ReasonCode
    words: str
    activation: int | None
    activation_version: int | None
    conditions: Conditions | None
    registry_version: int
    decided_at: datetime

    @property
    def outcome(self) -> tuple[str, str, str, int | None, int | None]:
        """What two decisions have to have in common to be the same."""
        return (
            self.verdict,
            self.answer,
            self.reason_code,
            self.activation,
            self.activation_version,
        )


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a rule, or the lack of one, comes to."""

    verdict: Verdict
    code: ReasonCode
    words: str
    rule: Rule | None = None


def judge(facts: Facts, snapshot: Snapshot, *, repository_id: int, repository: str, at: datetime) -> Decision:
    """Whether a submission with these facts is searched in that repository, by the register in `snapshot`."""
    found = _finding(facts, snapshot, repository_id, repository, at)
    conditions = None if found.rule is None else found.rule.conditions
    answer = Answer.NONE
    if found.verdict is Verdict.SEARCH:
        answer = Answer.FIRST if conditions is None else conditions.answer
    return Decision(
        repository=repository,
        repository_id=repository_id,
        verdict=found.verdict,
        answer=answer,
        reason_code=found.code,
        words=found.words,
        activation=None if found.rule is None else found.rule.activation,
        activation_version=None if found.rule is None else found.rule.version,
        conditions=conditions,
        registry_version=snapshot.version,
        decided_at=at,
    )


def _finding(facts: Facts, snapshot: Snapshot, repository_id: int, repository: str, at: datetime) -> _Finding:
    if facts.disposition is Disposition.NOT_ACCUSED:
        words = "Nobody is accused of anything here: no rule opens anything to it, and nothing is shared."
        return _no(ReasonCode.NOT_ACCUSED, words)
    if snapshot.mode is Mode.EVERYTHING:
        return _Finding(
            Verdict.SEARCH,
            ReasonCode.EVERYTHING,
            "The rules are not in force: this matcher searches everything (routing.mode).",
        )
    if facts.agency is not AgencyState.ACTIVE or facts.jurisdiction is None:
        return _no_agency(facts)
    chain = snapshot.chain(facts.jurisdiction)
    if not chain:
        return _no(ReasonCode.UNKNOWN_AGENCY, "Its jurisdiction is not in the register.")
    decided = snapshot.deciding(facts.jurisdiction, repository_id, at)
    if decided is None:
        return _not_decided(chain, snapshot, repository_id, repository)
    return _by(decided[1], decided[0], facts, repository, at)


def _no_agency(facts: Facts) -> _Finding:
    who = f"agency {facts.ori}" if facts.ori else "an agency that was not named"
    if facts.agency is AgencyState.INACTIVE:
        return _no(ReasonCode.AGENCY_INACTIVE, f"It comes from {who}, which is not active any more.")
    return _no(ReasonCode.UNKNOWN_AGENCY, f"It comes from {who}, which is not in the register.")


def _not_decided(chain: list[Place], snapshot: Snapshot, repository_id: int, repository: str) -> _Finding:
    """No rule has begun."""
    for place in chain:
        versions = snapshot.rules.get((place.id, repository_id))
        if versions:
            return _not_yet(place, repository, versions[0].from_at)
    return _no(ReasonCode.NO_RULE, f"No rule opens '{repository}' to submissions of {chain[0].words}.")


def _not_yet(place: Place, repository: str, begins: datetime) -> _Finding:
    return _no(
        ReasonCode.NOT_YET,
        f"The rule of {place.words} for '{repository}' begins on {begins:%Y-%m-%d %H:%M}Z only.",
    )


def _by(rule: Rule, place: Place, facts: Facts, repository: str, at: datetime) -> _Finding:
    """What the rule of one jurisdiction says."""
    which = f"Version {rule.version} of the rule of {place.words} for '{repository}'"
    if rule.state is RuleState.SUSPENDED:
        return _no(ReasonCode.SUSPENDED, f"{which} suspends it since {_day(rule.from_at)}.", rule)
    if rule.state is RuleState.ENDED:
        return _no(ReasonCode.ENDED, f"{which} ended it on {_day(rule.from_at)}.", rule)
    if rule.until_at is not None and rule.until_at <= at:
        return _no(ReasonCode.EXPIRED, f"{which} ran out on {_day(rule.until_at)}.", rule)
    return _by_conditions(rule, which, facts)


def _by_conditions(rule: Rule, which: str, facts: Facts) -> _Finding:
    asked = rule.conditions
    if asked.transactions and facts.transaction not in asked.transactions:
        return _no(ReasonCode.TRANSACTION, f"{which} does not cover transactions {facts.transaction}.", rule)
    if facts.fingers < asked.min_fingers:
        words = f"{which} asks for {asked.min_fingers} fingers, this has {facts.fingers}."
        return _no(ReasonCode.FINGERS, words, rule)
    if facts.disposition in CLEARED:
        return _no(ReasonCode.CLEARED, f"The matter ended: {facts.disposition}. Nothing is shared.", rule)
    return (
        (_by_charge(rule, which, facts) if asked.charge_classes else None)
        or (_by_disposition(rule, which, facts) if asked.dispositions else None)
        or _Finding(Verdict.SEARCH, ReasonCode.RULE, f"{which}, signed by {rule.signed_by}, covers it.", rule)
    )


def _by_charge(rule: Rule, which: str, facts: Facts) -> _Finding | None:
    if facts.charge_class is None:
        words = f"{which} goes by the class of the charge, which was not given yet."
        return _Finding(Verdict.PARK, ReasonCode.CHARGE_MISSING, words, rule)
    if facts.charge_class in rule.conditions.charge_classes:
        return None
    return _no(ReasonCode.CHARGE_CLASS, f"{which} does not cover a charge '{facts.charge_class}'.", rule)


def _by_disposition(rule: Rule, which: str, facts: Facts) -> _Finding | None:
    if facts.disposition is None:
        words = f"{which} goes by the disposition, which was not given yet."
        return _Finding(Verdict.PARK, ReasonCode.DISPOSITION_MISSING, words, rule)
    if facts.disposition in rule.conditions.dispositions:
        return None
    wanted = " or ".join(rule.conditions.dispositions)
    words = f"{which} waits for the disposition {wanted}; it is '{facts.disposition}'."
    return _Finding(Verdict.DEFER, ReasonCode.DISPOSITION_AWAITED, words, rule)


def _no(code: ReasonCode, words: str, rule: Rule | None = None) -> _Finding:
    return _Finding(Verdict.SKIP, code, words, rule)


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d}"
