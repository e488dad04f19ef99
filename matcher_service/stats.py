"""What is in the repositories, counted; and, if asked, every stored print read and checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, make_url, select

from interchange.errors import TemplateError
from interchange.fingers import finger_name
from interchange.template_format import TemplateFormat
from matcher_service.errors import UnknownRepository
from matcher_service.repositories.prints import read_single
from matcher_service.repositories.retention_tables import PersonKey
from matcher_service.repositories.schema import Encounter, EnrolledTemplate, Identity, Repository
from matcher_service.repositories.sealed_records import opened_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from matcher_service.repositories import Database

    Watch = Callable[[Iterator[Any], int], Iterable[Any]]

# A stored record has one view: its number of minutiae is the last byte of the view's header.
_COUNT_AT = TemplateFormat.ISO_19794_2_2005.header_bytes + 3
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MAX_PROBLEMS_LISTED = 50


@dataclass(slots=True)
class RepositoryStats:
    """One repository.

    Attributes:
        name: of it.
        owner: the agency, or empty.
        identities: people in it.
        encounters: enrolments of them.
        by_position: prints by finger position.
        minutiae: prints by their number of minutiae.
        quality: prints by finger quality, 0 to 100.
        record_bytes: of all records together.
        problems: of a verification, by encounter: what is wrong with a stored print; the first of them.
        damaged: how many prints have a problem; None if nobody looked.
    """

    name: str
    owner: str
    identities: int
    encounters: int
    by_position: Counter[int] = field(default_factory=Counter[int])
    minutiae: Counter[int] = field(default_factory=Counter[int])
    quality: Counter[int] = field(default_factory=Counter[int])
    record_bytes: int = 0
    problems: list[str] = field(default_factory=list[str])
    damaged: int | None = None

    @property
    def prints(self) -> int:
        """Number of prints."""
        return self.by_position.total()

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "name": self.name,
            "owner": self.owner,
            "identities": self.identities,
            "encounters": self.encounters,
            "prints": self.prints,
            "by_finger": {finger_name(at): count for at, count in sorted(self.by_position.items())},
            "minutiae": spread(self.minutiae),
            "quality": spread(self.quality),
            "record_bytes": self.record_bytes,
            "verified": None
            if self.damaged is None
            else {"damaged": self.damaged, "problems": self.problems},
        }


def repository_stats(
    database: Database, name: str, *, verify: bool = False, watch: Watch | None = None
) -> RepositoryStats:
    """Count one repository; with `verify`, read every print as a search would, and check it against its digest.

    `watch` is given the rows and their number, and gives them on: a place for a progress bar. Raises
    UnknownRepository, StoreError.
    """
    with database.read() as session:
        found = session.execute(
            select(Repository.id, Repository.owner).where(Repository.name == name)
        ).one_or_none()
        if found is None:
            raise UnknownRepository(
                name, list(session.scalars(select(Repository.name).order_by(Repository.name)))
            )
        of_it = Identity.repository_id == found.id
        stats = RepositoryStats(
            name,
            found.owner,
            session.scalar(select(func.count(Identity.id)).where(of_it)) or 0,
            session.scalar(select(func.count(Encounter.id)).join(Identity).where(of_it)) or 0,
            damaged=0 if verify else None,
        )
        total = (
            session.scalar(
                select(func.count(EnrolledTemplate.id)).join(Encounter).join(Identity).where(of_it)
            )
            or 0
        )
        query = (
            select(
                EnrolledTemplate.position,
                EnrolledTemplate.finger_quality,
                EnrolledTemplate.record,
                EnrolledTemplate.sha256,
                EnrolledTemplate.encounter_id,
                Identity.id.label("identity"),
                PersonKey.sealed_key,
            )
            .join(Encounter, Encounter.id == EnrolledTemplate.encounter_id)
            .join(Identity, Identity.id == Encounter.identity_id)
            .outerjoin(PersonKey, PersonKey.identity_id == Identity.id)
            .where(of_it)
            .order_by(EnrolledTemplate.id)
            .execution_options(yield_per=5000)
        )
        rows: Iterator[Any] = iter(session.execute(query))
        for row in rows if watch is None else watch(rows, total):
            stats.by_position[row.position] += 1
            stats.quality[row.finger_quality] += 1
            stored = (row.identity, row.encounter_id, row.record, row.sealed_key)
            record = next(opened_records(session, [stored]))
            stats.record_bytes += len(record)
            seen = record[_COUNT_AT : _COUNT_AT + 1]
            if seen:
                stats.minutiae[seen[0]] += 1
            problem = _problem(row, record) if verify else None
            if problem is not None:
                stats.damaged = (stats.damaged or 0) + 1
                if len(stats.problems) < MAX_PROBLEMS_LISTED:
                    stats.problems.append(
                        f"encounter {row.encounter_id}, {finger_name(row.position)}: {problem}"
                    )
    return stats


def spread(counted: Counter[int]) -> dict[str, int] | None:
    """Least, quantiles and most of what was counted; None of nothing."""
    if not counted:
        return None
    ordered = sorted(counted)
    return {
        "least": ordered[0],
        **{f"p{round(100 * q)}": _quantile(counted, ordered, q) for q in _QUANTILES},
        "most": ordered[-1],
    }


def database_bytes(database_url: str) -> int | None:
    """Size of SQLite's files together; None for a database elsewhere."""
    parsed = make_url(database_url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    files = [Path(parsed.database + ending) for ending in ("", "-wal", "-shm")]
    return sum(file.stat().st_size for file in files if file.exists())


def _quantile(counted: Counter[int], ordered: list[int], share: float) -> int:
    passed, wanted = 0, share * counted.total()
    for value in ordered:
        passed += counted[value]
        if passed >= wanted:
            return value
    return ordered[-1]


def _problem(row: Any, record: bytes) -> str | None:  # noqa: ANN401 - a row of the query above
    if sha256(record).hexdigest() != row.sha256:
        return "its bytes are not those that were stored (digest differs)"
    try:
        position, minutiae = read_single(record)
    except TemplateError as error:
        return f"cannot be read: {error}"
    if (position, minutiae.finger_quality) != (row.position, row.finger_quality):
        return "its record says another finger or quality than the table"
    return None
