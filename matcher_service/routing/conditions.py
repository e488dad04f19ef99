"""The conditions of an activation: for which submissions it holds, when the answer is given, when anybody is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from interchange.charges import ChargeClass, Disposition, Transaction
from matcher_service.routing.parameters import CONDITIONS_REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_RETENTION_HINT = 100


class Answer(StrEnum):
    """When what is found in a repository is answered."""

    FIRST = "first"  # at once, in the rapid reply
    SECOND = "second"  # after review and evaluation
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What an activation asks of a submission, and what it grants. An empty tuple asks nothing.

    Attributes:
        transactions: types of transaction that are searched.
        charge_classes: classes of charge that are searched; without one reported, the submission is parked.
        dispositions: dispositions that are searched; until one of them is reported, the search is put off.
        min_fingers: fewer fingers are not searched.
        answer: "first" or "second".
        notify_charge_classes: classes of charge of which subscribers are told.
        notify_dispositions: dispositions from which on subscribers are told; until then a notification is held.
        needs_second_examiner: whether a second examiner has to agree, blind.
        retention_hint: which retention the parties agreed on, for `retention`; free text.
        images: whether submissions may carry images of their prints, for those who review in that repository.
    """

    transactions: tuple[Transaction, ...] = ()
    charge_classes: tuple[ChargeClass, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    min_fingers: int = 1
    answer: Answer = Answer.SECOND
    notify_charge_classes: tuple[ChargeClass, ...] = ()
    notify_dispositions: tuple[Disposition, ...] = ()
    needs_second_examiner: bool = True
    retention_hint: str = ""
    images: bool = False

    def encoded(self) -> str:
        """As JSON: always the same text for the same conditions."""
        tree = {one.name: getattr(self, one.name) for one in fields(self)}
        if not self.images:  # as it was written before there were any
            del tree["images"]
        return json.dumps(tree, separators=(",", ":"), sort_keys=True)


NAMES = tuple(one.name for one in fields(Conditions))
_LISTS: dict[str, type[StrEnum]] = {
    "transactions": Transaction,
    "charge_classes": ChargeClass,
    "dispositions": Disposition,
    "notify_charge_classes": ChargeClass,
    "notify_dispositions": Disposition,
}


class BadCondition(ValueError):  # noqa: N818 - reads as what it is
    """A condition that cannot be. Attributes: field, reason."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


def conditions_of(tree: dict[str, object]) -> Conditions:
    """From plain values by name, strictly; what is not there is as in `Conditions`. Raises BadCondition."""
    made: dict[str, Any] = {}
    for name, value in tree.items():
        if name in _LISTS:
            made[name] = _words(name, value)
        elif name in _SINGLE:
            made[name] = _SINGLE[name](name, value)
        else:
            raise BadCondition(name, f"is no condition; known are {', '.join(NAMES)}")
    return Conditions(**made)


@lru_cache(maxsize=CONDITIONS_REMEMBERED)
def decode_conditions(text: str) -> Conditions:
    """What `Conditions.encoded` wrote. Raises BadCondition."""
    tree = json.loads(text)
    if not isinstance(tree, dict):
        raise BadCondition("conditions", "is not an object")
    return conditions_of(cast("dict[str, object]", tree))


def in_words(conditions: Conditions) -> str:
    """For a person: what the rule covers."""
    parts = [
        "any transaction" if not conditions.transactions else "transactions " + _or(conditions.transactions),
        "any charge" if not conditions.charge_classes else "charges: " + _or(conditions.charge_classes),
        "any disposition" if not conditions.dispositions else "dispositions: " + _or(conditions.dispositions),
    ]
    if conditions.min_fingers > 1:
        parts.append(f"at least {conditions.min_fingers} fingers")
    parts.append(
        "answered " + ("in the rapid reply" if conditions.answer is Answer.FIRST else "after review")
    )
    if conditions.notify_charge_classes:
        parts.append("told of " + _or(conditions.notify_charge_classes) + " only")
    if conditions.notify_dispositions:
        parts.append("told only once " + _or(conditions.notify_dispositions))
    if conditions.needs_second_examiner:
        parts.append("by two examiners")
    if conditions.images:
        parts.append("with images of the prints")
    return ", ".join(parts)


def _fingers(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10:
        raise BadCondition(name, "is a number of fingers, 1 to 10")
    return value


def _answer(name: str, value: object) -> Answer:
    if value not in {Answer.FIRST, Answer.SECOND}:
        raise BadCondition(name, "is 'first' or 'second'")
    return Answer(cast("str", value))


def _yes_or_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadCondition(name, "is true or false")
    return value


def _line(name: str, value: object) -> str:
    if (
        not isinstance(value, str)
        or len(value) > MAX_RETENTION_HINT
        or not all(c.isprintable() for c in value)
    ):
        raise BadCondition(name, f"is a text of at most {MAX_RETENTION_HINT} characters on one line")
    return value


_SINGLE: dict[str, Callable[[str, object], object]] = {
    "min_fingers": _fingers,
    "answer": _answer,
    "needs_second_examiner": _yes_or_no,
    "retention_hint": _line,
    "images": _yes_or_no,
}


def _words(name: str, value: object) -> tuple[StrEnum, ...]:
    kind = _LISTS[name]
    if not isinstance(value, list | tuple):
        raise BadCondition(name, "is a list")
    found: list[StrEnum] = []
    for word in cast("Iterable[object]", value):
        try:
            found.append(kind(cast("str", word)))
        except ValueError:
            raise BadCondition(name, f"'{str(word)[:40]}' is not in the table: {', '.join(kind)}") from None
    if len(set(found)) != len(found):
        raise BadCondition(name, "names one twice")
    order = list(kind)
    return tuple(sorted(found, key=order.index))


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)
