"""What the register is filled with: jurisdictions, agencies, activations, each checked for itself."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from matcher_service.routing.conditions import BadCondition, Conditions, conditions_of
from matcher_service.routing.rules import RuleState

if TYPE_CHECKING:
    from collections.abc import Iterable

STATE, COUNTY = "state", "county"
ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")
_CODE = re.compile(r"US-([A-Z]{2})(?:-([0-9]{3}))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?")
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@")


class BadEntry(ValueError):  # noqa: N818 - reads as what it is
    """An entry that cannot be. Attributes: field, reason."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JurisdictionEntry:
    """A state or a county; `line` is where it stood in a file, 0 elsewhere."""

    code: str
    kind: str
    fips: str
    name: str
    parent: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyEntry:
    """An agency."""

    ori: str
    name: str
    jurisdiction: str
    active: bool = True
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationEntry:
    """A version of an activation as it is proposed; times in UTC. `replaces` is the version that it takes over from."""

    jurisdiction: str
    repository: str
    from_at: datetime
    until_at: datetime | None = None
    state: RuleState = RuleState.ACTIVE
    conditions: Conditions = field(default_factory=Conditions)
    signed_by: str
    document_sha256: str
    reason: str
    replaces: int | None = None
    line: int = 0

    def tree(self) -> dict[str, Any]:
        """As JSON values, without the line."""
        made = asdict(self)
        del made["line"]
        made["from_at"] = write_time(self.from_at)
        made["until_at"] = None if self.until_at is None else write_time(self.until_at)
        return made


def checked_jurisdiction(entry: JurisdictionEntry) -> JurisdictionEntry:
    """The same. Raises BadEntry."""
    found = _CODE.fullmatch(entry.code)
    if found is None:
        raise BadEntry("code", "is US-XX for a state or US-XX-NNN for a county, such as US-MO-019")
    if entry.kind not in {STATE, COUNTY}:
        raise BadEntry("kind", "is 'state' or 'county'")
    if (entry.kind == COUNTY) != bool(found[2]):
        raise BadEntry("kind", f"does not fit the code {entry.code}")
    if entry.kind == STATE:
        if not re.fullmatch(r"[0-9]{2}", entry.fips):
            raise BadEntry("fips", "of a state has two digits")
        if entry.parent:
            raise BadEntry("parent", "a state lies in no other jurisdiction")
    else:
        if not re.fullmatch(r"[0-9]{5}", entry.fips):
            raise BadEntry("fips", "of a county has five digits")
        if entry.fips[2:] != found[2]:
            raise BadEntry("fips", f"ends in {entry.fips[2:]}, but the code in {found[2]}")
        if entry.parent != f"US-{found[1]}":
            raise BadEntry("parent", f"is US-{found[1]} for this code")
    check_text("name", entry.name, 100)
    return entry


def checked_agency(entry: AgencyEntry) -> AgencyEntry:
    """The same. Raises BadEntry."""
    if not ORI.fullmatch(entry.ori):
        raise BadEntry(
            "ori", "has nine characters, two letters and seven letters or digits, such as MO0100000"
        )
    check_text("name", entry.name, 100)
    if not _CODE.fullmatch(entry.jurisdiction):
        raise BadEntry("jurisdiction", "is a code such as US-MO-019")
    return entry


def checked_activation(entry: ActivationEntry) -> ActivationEntry:
    """The same. Raises BadEntry."""
    if not _CODE.fullmatch(entry.jurisdiction):
        raise BadEntry("jurisdiction", "is a code such as US-MO-019")
    if not _REPOSITORY.fullmatch(entry.repository):
        raise BadEntry("repository", "is the name of a repository: small letters, digits, and - _ . inside")
    if entry.until_at is not None and entry.until_at <= entry.from_at:
        raise BadEntry("until", "is not after the beginning")
    check_text("signed_by", entry.signed_by, 200)
    if not _SHA256.fullmatch(entry.document_sha256):
        raise BadEntry("document_sha256", "is the SHA-256 of the signed document, 64 of 0-9 and a-f")
    check_text("reason", entry.reason, 300)
    return entry


def activation_of_tree(tree: dict[str, Any]) -> ActivationEntry:
    """What `ActivationEntry.tree` made. Raises BadEntry."""
    more = dict(tree)
    try:
        more["conditions"] = conditions_of(more["conditions"])
        more["state"] = RuleState(more["state"])
    except (BadCondition, ValueError) as error:
        raise BadEntry("conditions", str(error)) from None
    until = more["until_at"]
    more["from_at"] = read_time("from_at", more["from_at"])
    more["until_at"] = None if until is None else read_time("until_at", until)
    return checked_activation(ActivationEntry(**more))


def without_lines(entries: Iterable[ActivationEntry]) -> list[ActivationEntry]:
    """As they are wherever they came from."""
    return [replace(entry, line=0) for entry in entries]


def check_text(field: str, text: str, most: int) -> None:
    """Raises BadEntry for what is empty, too long, over several lines, or a formula to a spreadsheet."""
    if not text or text != text.strip() or len(text) > most or not all(c.isprintable() for c in text):
        raise BadEntry(field, f"is 1 to {most} characters on one line, without spaces around it")
    if text.startswith(_FORMULA):
        raise BadEntry(field, "begins with a character that a spreadsheet takes for a formula")


def read_time(field: str, text: str) -> datetime:
    """A date (its beginning, in UTC) or a time with its zone, ISO 8601. Raises BadEntry."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadEntry(
            field, "is a date such as 2011-02-08, or a time such as 2011-02-08T05:00:00Z"
        ) from None
    if when.tzinfo is None:
        if len(text) != len("2011-02-08"):
            raise BadEntry(field, "has a time without its zone; write Z at the end for UTC")
        when = when.replace(tzinfo=UTC)
    if not 1970 <= when.year <= 2200:
        raise BadEntry(field, "the year is not between 1970 and 2200")
    return when.astimezone(UTC)


def write_time(when: datetime) -> str:
    """The inverse of `read_time`, to the microsecond."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")
