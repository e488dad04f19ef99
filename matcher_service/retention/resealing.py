"""Sealing what was stored before there were keys, and changing the centre's own key. Both survive a crash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from matcher_service.auditing import record
from matcher_service.repositories.image_tables import SubmissionImage
from matcher_service.repositories.retention_tables import PersonKey, SubmissionKey
from matcher_service.repositories.schema import Encounter, EnrolledTemplate, StoredSubmission
from matcher_service.repositories.sealed_records import (
    Part,
    about_person,
    about_submission,
    is_sealed,
    seal_part,
    sealed_record,
    vault_of,
)
from matcher_service.retention import parameters
from matcher_service.retention.errors import RecordKeyError
from matcher_service.retention.vault import KEY_BYTES, Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

    Watch = Callable[[Iterator[int], int], Iterable[int]]


@dataclass(slots=True)
class Sealed:
    """How much was sealed, and how much had been before."""

    templates: int = 0
    submissions: int = 0
    before: int = 0


def seal_all(database: Database, *, by: str, watch: Watch | None = None) -> Sealed:
    """Seal every template and submission that is not yet. Raises RecordKeyError where there is no key, StoreError.

    While it runs all goes on: both forms are read.
    """
    done = Sealed()
    with database.read() as session:
        if vault_of(session) is None:
            raise RecordKeyError(None, "name a file for the key to the records first")
        total = sum(
            session.scalar(select(func.count(column))) or 0
            for column in (EnrolledTemplate.id, StoredSubmission.id)
        )
    walked = _walk(database, done)
    for _ in walked if watch is None else watch(walked, total):
        pass
    with database.write() as session:
        told = {"templates": done.templates, "submissions": done.submissions}
        record(session, "retention.seal", actor=by, purpose="sealing at rest", details=told)
    database.settle()
    return done


def _walk(database: Database, done: Sealed) -> Iterator[int]:
    after = 0
    while (last := _templates(database, after, done)) is not None:
        after, count = last
        yield from range(count)
    after = 0
    while (last := _submissions(database, after, done)) is not None:
        after, count = last
        yield from range(count)


def _templates(database: Database, after: int, done: Sealed) -> tuple[int, int] | None:
    query = (
        select(EnrolledTemplate, Encounter.identity_id)
        .join(Encounter, Encounter.id == EnrolledTemplate.encounter_id)
        .where(EnrolledTemplate.id > after)
        .order_by(EnrolledTemplate.id)
        .limit(parameters.SEAL_BATCH)
    )
    with database.write() as session:
        rows = session.execute(query).all()
        for row, identity in rows:
            if is_sealed(row.record):
                done.before += 1
                continue
            row.record = sealed_record(session, row.record, identity=identity, encounter=row.encounter_id)
            done.templates += 1
        return (rows[-1][0].id, len(rows)) if rows else None


def _submissions(database: Database, after: int, done: Sealed) -> tuple[int, int] | None:
    query = (
        select(StoredSubmission)
        .where(StoredSubmission.id > after)
        .order_by(StoredSubmission.id)
        .limit(parameters.SEAL_BATCH)
    )
    with database.write() as session:
        rows = session.scalars(query).all()
        _seal_images(session, {row.id: row.tcn for row in rows})
        for row in rows:
            plain = [
                data for data in (row.payload, row.reply) if data is not None and data and not is_sealed(data)
            ]
            if not plain:
                done.before += 1
                continue
            if row.payload and not is_sealed(row.payload):
                row.payload = seal_part(session, row.id, row.tcn, Part.PAYLOAD, row.payload)
            if row.reply and not is_sealed(row.reply):
                row.reply = seal_part(session, row.id, row.tcn, Part.REPLY, row.reply)
            done.submissions += 1
        return (rows[-1].id, len(rows)) if rows else None


def _seal_images(session: Session, tcns: Mapping[int, str]) -> None:
    query = select(SubmissionImage).where(SubmissionImage.submission_id.in_(tcns))
    for one in session.scalars(query):
        if one.picture and not is_sealed(one.picture):
            number, tcn = one.submission_id, tcns[one.submission_id]
            one.picture = seal_part(session, number, tcn, Part.IMAGE, one.picture, number=one.number)


def change_key(database: Database, *, by: str) -> int:
    """A new key for the centre: all keys that are in use are sealed with it; how many. The old one is overwritten.

    From then on, keys in copies of the database that were made before can be opened by nobody. No matcher may run
    meanwhile. Raises RecordKeyError, StoreError.
    """
    new_key = os.urandom(KEY_BYTES)
    with database.write() as session:
        old = vault_of(session)
        if old is None:
            raise RecordKeyError(None, "name a file for the key to the records first")
        new = Vault(new_key)
        count = 0
        for person in session.scalars(select(PersonKey).where(PersonKey.destroyed_at.is_(None))):
            person.sealed_key = old.passed_to(new, person.sealed_key, about_person(person.identity_id))
            count += 1
        query = select(SubmissionKey, StoredSubmission.tcn).join(
            StoredSubmission, StoredSubmission.id == SubmissionKey.submission_id
        )
        for row, tcn in session.execute(query.where(SubmissionKey.destroyed_at.is_(None))):
            row.sealed_key = old.passed_to(new, row.sealed_key, about_submission(tcn))
            count += 1
        record(session, "retention.key_changed", actor=by, purpose="key change", details={"keys": count})
        session.flush()
        database.door.change(new_key, session.commit)
    database.settle()
    return count
