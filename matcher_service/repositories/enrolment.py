"""Who is enrolled where: repositories, their identities and encounters, and what changed since."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import delete, func, select

from interchange.messages import MAX_REPOSITORIES
from matcher_service.errors import BadRepository, UnknownIdentity, UnknownRepository
from matcher_service.repositories.retention_tables import GalleryState, PersonKey
from matcher_service.repositories.schema import (
    Encounter,
    EnrolledTemplate,
    GalleryChange,
    Identity,
    Repository,
)
from matcher_service.repositories.sealed_records import opened_records, person_key, seal_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.repositories.database import Database
    from matcher_service.repositories.prints import NewPrint

# Shorter than `interchange.fields.Name`, because timings are called "search." and this.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?")
# SQLite takes at most 32,766 values in one statement.
_IDS_PER_QUERY = 1000
# Number and identity of the newest change where there was none yet.
NO_CHANGE = (0, "0" * 32)
_PRINTS = (
    select(
        Identity.id,
        Encounter.id,
        EnrolledTemplate.position,
        EnrolledTemplate.finger_quality,
        EnrolledTemplate.record,
        PersonKey.sealed_key,
    )
    .join(Encounter, Encounter.identity_id == Identity.id)
    .join(EnrolledTemplate, EnrolledTemplate.encounter_id == Encounter.id)
    .outerjoin(PersonKey, PersonKey.identity_id == Identity.id)
    .order_by(EnrolledTemplate.id)
)


@dataclass(frozen=True, slots=True)
class RepositorySummary:
    """A repository and how much is in it."""

    name: str
    owner: str
    identities: int
    prints: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an enrolment made: opaque ids. `new` is False where the very same prints were there already."""

    identity: str
    encounter: str
    new: bool = True


@dataclass(frozen=True, slots=True)
class StoredPrint:
    """A print in a repository; `record` is ISO/IEC 19794-2:2005 with one view."""

    identity: str
    encounter: str
    position: int
    finger_quality: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """Identities of one repository whose prints changed, and where in the log of changes to go on from.

    Attributes:
        last_seq: number of the newest of these changes.
        last_identity: whose it was.
        identities: each once.
        erase: number of the newest of these changes after which no file may keep anything of the identity; 0 if none.
    """

    last_seq: int
    last_identity: str
    identities: tuple[str, ...]
    erase: int = 0


class Repositories:
    """Enrolment and its undoing. Every change is committed, and visible to the next search, on return."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, owner: str = "") -> bool:
        """Make a repository; False if there is one of that name.

        Raises BadRepository for a name that a reply could not hold, or for more of them than it could.
        """
        if not NAME.fullmatch(name):
            raise BadRepository(name, "use 1 to 40 of a-z, 0-9, '.', '_' and '-', with no sign at the ends")
        with self._database.write() as session:
            if _find(session, name) is not None:
                return False
            if (session.scalar(select(func.count(Repository.id))) or 0) >= MAX_REPOSITORIES:
                raise BadRepository(
                    name, f"there are {MAX_REPOSITORIES} already, and no more can be searched"
                )
            session.add(Repository(name=name, owner=owner, created_at=datetime.now(UTC)))
            return True

    def names(self) -> list[str]:
        """All repositories, by name."""
        with self._database.read() as session:
            return list(session.scalars(select(Repository.name).order_by(Repository.name)))

    def summaries(self) -> list[RepositorySummary]:
        """All repositories with their sizes, by name."""
        query = (
            select(
                Repository.name,
                Repository.owner,
                func.count(Identity.id.distinct()),
                func.count(EnrolledTemplate.id),
            )
            .outerjoin(Identity, Identity.repository_id == Repository.id)
            .outerjoin(Encounter, Encounter.identity_id == Identity.id)
            .outerjoin(EnrolledTemplate, EnrolledTemplate.encounter_id == Encounter.id)
            .group_by(Repository.id, Repository.name, Repository.owner)
            .order_by(Repository.name)
        )
        with self._database.read() as session:
            return [RepositorySummary(*row) for row in session.execute(query)]

    def enroll(
        self,
        repository: str,
        prints: Sequence[NewPrint],
        *,
        identity: str | None = None,
        also: Callable[[Session, Enrolled], None] | None = None,
    ) -> Enrolled:
        """One encounter with these prints, for `identity`, or for a new one.

        `also` is done in the same transaction, where the encounter is a new one; what it raises undoes all.

        Raises UnknownRepository, UnknownIdentity, and ValueError without a print.
        """
        return self._enroll(repository, [prints], identity=identity, also=also)[0]

    def enroll_many(self, repository: str, people: Iterable[Sequence[NewPrint]]) -> list[Enrolled]:
        """A new identity for each person, in one transaction.

        Those already there, print for print, are not enrolled again. Raises UnknownRepository, and ValueError
        for a person without a print.
        """
        return self._enroll(repository, people)

    def remove(self, repository: str, identity: str) -> None:
        """Forget an identity with all its encounters. Raises UnknownRepository, UnknownIdentity."""
        with self._database.write() as session:
            where = _get(session, repository, to_change=True)
            _check_identity(session, where, identity)
            session.execute(delete(Identity).where(Identity.id == identity))
            session.execute(delete(PersonKey).where(PersonKey.identity_id == identity))
            session.add(GalleryChange(repository_id=where.id, identity_id=identity))

    def prints(self, repository: str, identities: Iterable[str] | None = None) -> list[StoredPrint]:
        """The prints of some identities, or of all. Raises UnknownRepository."""
        with self._database.read() as session:
            query = _PRINTS.where(Identity.repository_id == _get(session, repository).id)
            if identities is None:
                return _opened(session, session.execute(query).all())
            wanted = list(identities)
            return [
                one
                for start in range(0, len(wanted), _IDS_PER_QUERY)
                for one in _opened(
                    session,
                    session.execute(
                        query.where(Identity.id.in_(wanted[start : start + _IDS_PER_QUERY]))
                    ).all(),
                )
            ]

    def print_pages(self, repository: str, size: int) -> Iterator[list[StoredPrint]]:
        """All prints of a repository, `size` at a time, so that a million need no more memory than a few.

        What is enrolled or removed meanwhile may be in it or not. Raises UnknownRepository.
        """
        after = 0
        while True:
            with self._database.read() as session:
                where = Identity.repository_id == _get(session, repository).id
                query = _PRINTS.add_columns(EnrolledTemplate.id).where(where, EnrolledTemplate.id > after)
                rows = session.execute(query.limit(size)).all()
                if not rows:
                    return
                after = rows[-1][-1]
                page = _opened(session, rows)
            yield page

    def count_prints(self, repository: str) -> int:
        """How many prints a repository has. Raises UnknownRepository."""
        query = (
            select(func.count(EnrolledTemplate.id))
            .join(Encounter, Encounter.id == EnrolledTemplate.encounter_id)
            .join(Identity, Identity.id == Encounter.identity_id)
        )
        with self._database.read() as session:
            return session.scalar(query.where(Identity.repository_id == _get(session, repository).id)) or 0

    def last_change(self, repository: str) -> tuple[int, str]:
        """Number of a repository's newest change, and whose it was. Raises UnknownRepository."""
        with self._database.read() as session:
            row = session.execute(
                select(GalleryChange.seq, GalleryChange.identity_id)
                .where(GalleryChange.repository_id == _get(session, repository).id)
                .order_by(GalleryChange.seq.desc())
                .limit(1)
            ).first()
            return NO_CHANGE if row is None else (row[0], row[1])

    def changes_since(
        self, repository: str, seq: int, identity: str = NO_CHANGE[1], *, limit: int = 1000
    ) -> Changes | None:
        """What changed in a repository after number `seq`, oldest first, at most `limit` changes.

        None if there is no change of that number, or it was not that of `identity`: then this is not the database
        that the number came from, or not as it was. Raises UnknownRepository.
        """
        with self._database.read() as session:
            query = (
                select(GalleryChange.seq, GalleryChange.identity_id, GalleryChange.erase)
                .where(GalleryChange.repository_id == _get(session, repository).id, GalleryChange.seq >= seq)
                .order_by(GalleryChange.seq)
                .limit(limit + (seq > 0))
            )
            rows = [(row[0], row[1], row[2]) for row in session.execute(query)]
        if seq > 0:
            if not rows or rows[0][:2] != (seq, identity):
                return None
            rows = rows[1:]
        last_seq, last_identity = rows[-1][:2] if rows else (seq, identity)
        erase = max((number for number, _, erased in rows if erased), default=0)
        return Changes(last_seq, last_identity, tuple(dict.fromkeys(row[1] for row in rows)), erase)

    def to_erase(self, repository: str, instance: str) -> int:
        """The newest change that the files of this matcher's gallery have yet to be rid of; 0 if there is none.

        Notes that this matcher has such files. Raises UnknownRepository.
        """
        with self._database.write() as session:
            where = _get(session, repository)
            newest = session.scalar(
                select(func.max(GalleryChange.seq)).where(
                    GalleryChange.repository_id == where.id, GalleryChange.erase.is_(True)
                )
            )
            state = session.get(GalleryState, (instance, where.id))
            if state is None:
                # Opened for the first time, or made before there was an expungement: rid of nothing yet.
                state = GalleryState(
                    instance=instance, repository_id=where.id, purged_seq=0, opened_at=datetime.now(UTC)
                )
                session.add(state)
            return newest if newest is not None and newest > state.purged_seq else 0

    def note_erased(self, repository: str, instance: str, seq: int) -> None:
        """The files of this matcher's gallery hold nothing any more of what was erased up to change `seq`."""
        with self._database.write() as session:
            where = _get(session, repository)
            state = session.get(GalleryState, (instance, where.id))
            if state is None:
                state = GalleryState(
                    instance=instance, repository_id=where.id, purged_seq=0, opened_at=datetime.now(UTC)
                )
                session.add(state)
            if seq > state.purged_seq:
                state.purged_seq, state.purged_at = seq, datetime.now(UTC)

    def _enroll(
        self,
        repository: str,
        people: Iterable[Sequence[NewPrint]],
        *,
        identity: str | None = None,
        also: Callable[[Session, Enrolled], None] | None = None,
    ) -> list[Enrolled]:
        now = datetime.now(UTC)
        done: list[Enrolled] = []
        with self._database.write() as session:
            where = _get(session, repository, to_change=True)
            if identity is not None:
                _check_identity(session, where, identity)
            for prints in people:
                if not prints:
                    raise ValueError("an encounter needs at least one print")
                if identity is None and (known := _same_prints(session, where, prints)) is not None:
                    done.append(known)
                    continue
                person = identity or uuid4().hex
                if identity is None:
                    session.add(Identity(id=person, repository_id=where.id, created_at=now))
                    session.flush()
                encounter = Encounter(id=uuid4().hex, identity_id=person, enrolled_at=now)
                session.add(encounter)
                session.flush()
                key = person_key(session, person)
                session.add_all(
                    EnrolledTemplate(
                        encounter_id=encounter.id,
                        position=p.position,
                        finger_quality=p.finger_quality,
                        record=seal_with(key, p.record, identity=person, encounter=encounter.id),
                        sha256=p.sha256,
                    )
                    for p in prints
                )
                session.add(GalleryChange(repository_id=where.id, identity_id=person))
                session.flush()
                done.append(Enrolled(person, encounter.id))
                if also is not None:
                    also(session, done[-1])
        return done


def _opened(session: Session, rows: Sequence[Any]) -> list[StoredPrint]:
    """Rows of `_PRINTS`, their records as they were enrolled."""
    records = opened_records(session, ((row[0], row[1], row[4], row[5]) for row in rows))
    return [
        StoredPrint(row[0], row[1], row[2], row[3], record) for row, record in zip(rows, records, strict=True)
    ]


def _find(session: Session, name: str) -> Repository | None:
    return session.scalar(select(Repository).where(Repository.name == name))


def _get(session: Session, name: str, *, to_change: bool = False) -> Repository:
    """The repository; `to_change` until the transaction ends, one at a time.

    So the numbers of a repository's changes become visible in their order, and who follows them misses none.
    SQLite has but one writer anyway.
    """
    query = select(Repository).where(Repository.name == name)
    found = session.scalar(query.with_for_update() if to_change else query)
    if found is None:
        raise UnknownRepository(
            name, list(session.scalars(select(Repository.name).order_by(Repository.name)))
        )
    return found


def _check_identity(session: Session, where: Repository, identity: str) -> None:
    found = session.get(Identity, identity)
    if found is None or found.repository_id != where.id:
        raise UnknownIdentity(identity, where.name)


def _same_prints(session: Session, where: Repository, prints: Sequence[NewPrint]) -> Enrolled | None:
    """An encounter in this repository that has exactly these records: a repeated enrolment is none."""
    digests = {p.sha256 for p in prints}
    query = (
        select(Identity.id, Encounter.id)
        .join(Encounter, Encounter.identity_id == Identity.id)
        .join(EnrolledTemplate, EnrolledTemplate.encounter_id == Encounter.id)
        .where(Identity.repository_id == where.id, EnrolledTemplate.sha256.in_(digests))
        .distinct()
    )
    for person, encounter in session.execute(query).all():
        there = session.scalars(
            select(EnrolledTemplate.sha256).where(EnrolledTemplate.encounter_id == encounter)
        )
        if set(there) == digests:
            return Enrolled(person, encounter, new=False)
    return None
