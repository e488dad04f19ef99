"""The tables of the case desk: offences, levels and outcomes are data, read strictly, not code."""

from __future__ import annotations

import difflib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from matcher_service.cases import parameters
from matcher_service.cases.errors import BadTable, CaseRefused

DATA = Path(__file__).parent / "data"

Code = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9_.-]{1,32}\z")]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class OffenceClass(StrEnum):
    """How grave the law of the conviction calls it."""

    AGGRAVATED_FELONY = "aggravated_felony"
    FELONY = "felony"
    MISDEMEANOR = "misdemeanor"
    INFRACTION = "infraction"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Offence(_Strict):
    """One code; `group` is what tables of levels speak of."""

    code: Code
    name: Prose
    group: Code


class OffenceTable(_Strict):
    """All codes that a conviction can be entered with."""

    format: Literal[1]
    version: Code
    source: Prose
    offences: Annotated[tuple[Offence, ...], Field(min_length=1, max_length=2000)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({one.code for one in self.offences}) != len(self.offences):
            raise ValueError("offences: a code stands there twice")
        return self

    @property
    def groups(self) -> frozenset[str]:
        """All groups."""
        return frozenset(one.group for one in self.offences)

    def find(self, code: str) -> Offence:
        """The offence of `code`. Raises CaseRefused, which names those that are like it."""
        wanted = code.strip().upper()
        for one in self.offences:
            if one.code.upper() == wanted:
                return one
        near = _near(wanted, [one.code.upper() for one in self.offences])
        words = {word for one in self.offences for word in _words(one.name)}
        alike = set(_near(code.strip().lower(), sorted(words), parameters.NEAR_WORD))
        found = [one for one in self.offences if _words(one.name) & alike]
        found += [one for one in self.offences if one.code.upper() in near and one not in found]
        raise CaseRefused(
            "offence_code",
            f"'{code[:32]}' is not in the table of offences (version {self.version})",
            near=tuple(f"{one.code} {one.name}" for one in found[: parameters.NEAR_CODES]),
        )


class Rule(_Strict):
    """A number of convictions that are all of these classes, groups and sentences; an empty list stands for any."""

    classes: Annotated[tuple[OffenceClass, ...], Field(min_length=1)]
    groups: tuple[Code, ...] = ()
    codes: tuple[Code, ...] = ()
    sentence_days_over: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=1, le=100)]


class Level(_Strict):
    """A level, and the rules of which any one is enough."""

    level: Annotated[int, Field(ge=1, le=3)]
    words: Prose
    any_of: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=50)]


class LevelTable(_Strict):
    """Levels from convictions, gravest first. `secondary` says that nobody has compared it with the original."""

    format: Literal[1]
    version: Code
    title: Prose
    source: Prose
    secondary: bool
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=3)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        numbers = [one.level for one in self.levels]
        if numbers != sorted(set(numbers)):
            raise ValueError("levels: each once, the gravest (1) first")
        return self


class Outcome(_Strict):
    """What an evaluation can come to, and the actions that go with it.

    `retracts` is the cause for which the identification is then taken back; `while_challenged` says whether it can be
    entered while somebody challenges the identification.
    """

    code: Code
    words: Prose
    actions: Annotated[tuple[Code, ...], Field(min_length=1)]
    retracts: Literal["wrong_hit"] | None = None
    while_challenged: bool = False


class OutcomeTable(_Strict):
    """The closed list of outcomes and actions."""

    format: Literal[1]
    version: Code
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    actions: dict[Code, Prose]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for one in self.outcomes:
            unknown = set(one.actions) - set(self.actions)
            if unknown:
                raise ValueError(
                    f"outcomes: '{one.code}' names actions that have no words: {sorted(unknown)}"
                )
        return self

    def find(self, code: str, action: str) -> Outcome:
        """The outcome of `code`, if `action` goes with it. Raises CaseRefused."""
        known = [one.code for one in self.outcomes]
        if code not in known:
            raise CaseRefused(
                "outcome",
                f"'{code[:32]}' is none; there are: {', '.join(known)}",
                near=tuple(_near(code, known)),
            )
        found = self.outcomes[known.index(code)]
        if action not in found.actions:
            raise CaseRefused(
                "action", f"'{action[:32]}' does not go with '{code}'; these do: {', '.join(found.actions)}"
            )
        return found


_T = TypeVar("_T", OffenceTable, LevelTable, OutcomeTable)


def read_table(kind: type[_T], content: bytes, source: str) -> _T:
    """Read a table. Raises BadTable that names the first field that is wrong."""
    if len(content) > parameters.MAX_TABLE_BYTES:
        raise BadTable(source, "", f"has {len(content)} bytes, at most {parameters.MAX_TABLE_BYTES} are read")
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:120]
        raise BadTable(source, field, first["msg"].removeprefix("Value error, ")[:300]) from None


def read_levels(content: bytes, source: str) -> LevelTable:
    """A table of levels that speaks of groups and codes that there are. Raises BadTable."""
    table = read_table(LevelTable, content, source)
    groups, codes = offences().groups, {one.code for one in offences().offences}
    for i, level in enumerate(table.levels):
        for j, rule in enumerate(level.any_of):
            for field, named, known in (("groups", rule.groups, groups), ("codes", rule.codes, codes)):
                for name in named:
                    if name not in known:
                        near = ", ".join(_near(name, sorted(known))) or "none like it"
                        raise BadTable(
                            source, f"levels.{i}.any_of.{j}.{field}",
                            f"'{name}' is in no offence of the table of offences (near: {near})",
                        )  # fmt: skip
    return table


@cache
def offences() -> OffenceTable:
    """The table of offences that is shipped."""
    return read_table(OffenceTable, (DATA / "offences.json").read_bytes(), "offences.json")


@cache
def outcomes() -> OutcomeTable:
    """The outcomes that are shipped."""
    return read_table(OutcomeTable, (DATA / "outcomes.json").read_bytes(), "outcomes.json")


def shipped_levels() -> dict[str, Path]:
    """The tables of levels that are shipped, by version."""
    return {path.stem.removeprefix("levels-"): path for path in sorted(DATA.glob("levels-*.json"))}


def _words(name: str) -> set[str]:
    return set(name.lower().replace(",", " ").split())


def _near(word: str, known: list[str], cutoff: float = parameters.NEAR_CODE) -> list[str]:
    return difflib.get_close_matches(word, known, n=parameters.NEAR_CODES, cutoff=cutoff)
