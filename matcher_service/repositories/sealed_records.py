"""Records on their way into the database and out of it: sealed under the key of their person, or of their submission.

What was stored before there were keys is read as it is, until `matcher-service retention seal` has sealed it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from interchange.logs import facts
from matcher_service.repositories.retention_tables import PersonKey, SubmissionKey
from matcher_service.retention.errors import RecordErased, RecordKeyError
from matcher_service.retention.vault import MAGIC, VAULT, RecordKey, Sample, Vault, VaultDoor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import Session


log = logging.getLogger("matcher.retention")


class Part(StrEnum):
    """What is sealed of a submission."""

    PAYLOAD = "payload"
    REPLY = "reply"
    IMAGE = "image"  # of one of its prints


def is_sealed(data: bytes) -> bool:
    """Whether these bytes were sealed here."""
    return data.startswith(MAGIC)


def vault_of(session: Session) -> Vault | None:
    """The vault of the session's database; None if it is to have none. Raises RecordKeyError."""
    door = session.info.get(VAULT)
    if not isinstance(door, VaultDoor):
        return None

    def sample() -> Sample | None:
        person = session.execute(
            select(PersonKey.sealed_key, PersonKey.identity_id)
            .where(PersonKey.destroyed_at.is_(None))
            .limit(1)
        ).one_or_none()
        if person is not None:
            return person[0], about_person(person[1])
        from matcher_service.repositories.schema import StoredSubmission

        submission = session.execute(
            select(SubmissionKey.sealed_key, StoredSubmission.tcn)
            .join(StoredSubmission, StoredSubmission.id == SubmissionKey.submission_id)
            .where(SubmissionKey.destroyed_at.is_(None))
            .limit(1)
        ).one_or_none()
        return None if submission is None else (submission[0], about_submission(submission[1]))

    return door.vault(sample=sample)


# -- templates


def sealed_record(session: Session, record: bytes, *, identity: str, encounter: str) -> bytes:
    """A template as it is stored, under the key of its person, which is made if there is none."""
    return seal_with(person_key(session, identity), record, identity=identity, encounter=encounter)


def seal_with(key: RecordKey | None, record: bytes, *, identity: str, encounter: str) -> bytes:
    """A template as it is stored, under its person's key; as it is without one."""
    return record if key is None else key.seal(record, _of_template(identity, encounter))


def open_record(session: Session, stored: bytes, *, identity: str, encounter: str) -> bytes:
    """A template as it was enrolled. Raises RecordErased, RecordKeyError."""
    key = session.scalar(select(PersonKey.sealed_key).where(PersonKey.identity_id == identity))
    if is_sealed(stored) and not key:
        raise RecordErased(identity)
    return next(opened_records(session, [(identity, encounter, stored, key)]))


def opened_records(session: Session, rows: Iterable[tuple[str, str, bytes, bytes | None]]) -> Iterator[bytes]:
    """Templates as they were enrolled, of rows (identity, encounter, stored, its person's sealed key).

    Rows of one person are best together: a key is opened once for them. What was damaged, or has no key any more, is
    empty: it stops nobody else's. Raises RecordKeyError if the centre's key is not there, or not the right one.
    """
    vault: Vault | None = None
    last: bytes | None = None
    key: RecordKey | None = None
    for identity, encounter, stored, sealed_key in rows:
        if not stored.startswith(MAGIC):
            yield stored
            continue
        if key is None or sealed_key != last:
            if not sealed_key:
                yield b""
                continue
            vault = vault or _needed(session)
            key, last = vault.open_key(sealed_key, about_person(identity)), sealed_key
        try:
            yield key.open(stored, _of_template(identity, encounter))
        except InvalidTag:
            log.error("a stored print is not what was stored", extra=facts(encounter=encounter))  # noqa: TRY400
            yield b""


def person_key(session: Session, identity: str) -> RecordKey | None:
    """The key of a person, made if there is none; None where there is no vault. Raises RecordErased."""
    vault = vault_of(session)
    if vault is None:
        return None
    row = session.get(PersonKey, identity)
    if row is None:
        sealed, key = vault.new_key(about_person(identity))
        session.add(PersonKey(identity_id=identity, sealed_key=sealed, made_at=datetime.now(UTC)))
        return key
    if row.destroyed_at is not None:
        raise RecordErased(identity)
    return vault.open_key(row.sealed_key, about_person(identity))


# -- submissions


def seal_part(
    session: Session, submission_id: int, tcn: str, part: Part, plain: bytes, *, number: int = 0
) -> bytes:
    """A part of a submission as it is stored, under a key that is made if there is none; `number`: which image."""
    vault = vault_of(session)
    if vault is None or not plain:
        return plain
    row = session.get(SubmissionKey, submission_id)
    if row is None:
        sealed, key = vault.new_key(about_submission(tcn))
        session.add(SubmissionKey(submission_id=submission_id, sealed_key=sealed, made_at=datetime.now(UTC)))
    elif row.destroyed_at is not None:
        raise RecordErased(tcn)
    else:
        key = vault.open_key(row.sealed_key, about_submission(tcn))
    return key.seal(plain, _of_part(tcn, part, number))


def open_part(
    session: Session, submission_id: int, tcn: str, part: Part, stored: bytes | None, *, number: int = 0
) -> bytes:
    """A part as it came; empty where there is none. Raises RecordErased, RecordKeyError."""
    if stored is None or not is_sealed(stored):
        return stored or b""
    sealed_key = session.scalar(
        select(SubmissionKey.sealed_key).where(SubmissionKey.submission_id == submission_id)
    )
    if not sealed_key:
        raise RecordErased(tcn)
    key = _needed(session).open_key(sealed_key, about_submission(tcn))
    try:
        return key.open(stored, _of_part(tcn, part, number))
    except InvalidTag:
        raise RecordKeyError(
            None, f"what is stored of {tcn} is not what was stored; restore the database"
        ) from None


def payload_of(session: Session, submission_id: int) -> bytes:
    """What came with a submission; empty if it was erased, or never was. Raises RecordKeyError."""
    from matcher_service.repositories.schema import StoredSubmission

    row = session.execute(
        select(StoredSubmission.tcn, StoredSubmission.payload).where(StoredSubmission.id == submission_id)
    ).one_or_none()
    return b"" if row is None else open_part(session, submission_id, row[0], Part.PAYLOAD, row[1])


def about_person(identity: str) -> bytes:
    """What the key of a person is sealed for."""
    return b"person\0" + identity.encode()


def about_submission(tcn: str) -> bytes:
    """What the key of a submission is sealed for."""
    return b"submission\0" + tcn.encode()


def _of_template(identity: str, encounter: str) -> bytes:
    return f"template\0{identity}\0{encounter}".encode()


def _of_part(tcn: str, part: Part, number: int) -> bytes:
    which = f"\0{number}" if part is Part.IMAGE else ""
    return f"{part}\0{tcn}{which}".encode()


def _needed(session: Session) -> Vault:
    vault = vault_of(session)
    if vault is None:
        raise RecordKeyError(None, "records here are sealed; name the file that holds the key to them")
    return vault
