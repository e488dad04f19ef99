"""The case desk of agencies that were told: cases, levels from convictions, evaluation, second response."""

from matcher_service.cases.desk import Desk
from matcher_service.cases.errors import BadTable, CaseError, CaseRefused, CaseTaken, UnknownCase
from matcher_service.cases.levelling import levels_in_force, put_in_force
from matcher_service.cases.levels import Convicted, Levelled, level_of
from matcher_service.cases.looking import CaseRow, CaseState, CaseView
from matcher_service.cases.opening import open_case, withdraw
from matcher_service.cases.responding import Finding, second_response
from matcher_service.cases.seconds import SecondResponses, StoredSecond, is_second, second_message
from matcher_service.cases.tables import (
    LevelTable,
    OffenceClass,
    offences,
    outcomes,
    read_levels,
    shipped_levels,
)

__all__ = [
    "BadTable",
    "CaseError",
    "CaseRefused",
    "CaseRow",
    "CaseState",
    "CaseTaken",
    "CaseView",
    "Convicted",
    "Desk",
    "Finding",
    "LevelTable",
    "Levelled",
    "OffenceClass",
    "SecondResponses",
    "StoredSecond",
    "UnknownCase",
    "is_second",
    "level_of",
    "levels_in_force",
    "offences",
    "open_case",
    "outcomes",
    "put_in_force",
    "read_levels",
    "second_message",
    "second_response",
    "shipped_levels",
    "withdraw",
]
