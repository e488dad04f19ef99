"""What a client's reference ids mean, and what its requests were answered: all that the database knows of clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from matcher_service.abis import parameters
from matcher_service.abis.failures import AbisFailure, Reason
from matcher_service.auditing import record
from matcher_service.errors import UnknownIdentity
from matcher_service.repositories import Repositories
from matcher_service.repositories.abis_tables import AbisAnswer, AbisReference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from matcher_service.abis.settings import AbisClient
    from matcher_service.repositories import Database, NewPrint


def actor(client: AbisClient) -> str:
    """As the audit names it."""
    return f"system:abis/{client.token}"


class References:
    """Of all clients; each sees its own. Not for several threads at once within one client."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._repositories = Repositories(database)

    def count(self, client: AbisClient) -> int:
        """How many it has."""
        query = select(func.count(AbisReference.reference_id)).where(AbisReference.client == client.token)
        with self._database.read() as session:
            return session.scalar(query) or 0

    def identity(self, client: AbisClient, reference_id: str) -> str | None:
        """Whom it means."""
        with self._database.read() as session:
            found = session.get(AbisReference, (client.token, reference_id))
            return None if found is None else found.identity_id

    def of_identities(self, client: AbisClient, identities: Iterable[str]) -> dict[str, list[str]]:
        """The client's reference ids of each identity that has one."""
        query = (
            select(AbisReference.identity_id, AbisReference.reference_id)
            .where(AbisReference.client == client.token, AbisReference.identity_id.in_(list(identities)))
            .order_by(AbisReference.reference_id)
        )
        made: dict[str, list[str]] = {}
        with self._database.read() as session:
            for identity, reference in session.execute(query):
                made.setdefault(identity, []).append(reference)
        return made

    def insert(
        self, client: AbisClient, reference_id: str, prints: Sequence[NewPrint], *, request_id: str
    ) -> None:
        """Enrol somebody under a new reference id. Raises AbisFailure, UnknownRepository, StoreError."""
        if self.identity(client, reference_id) is not None:
            raise AbisFailure(Reason.REFERENCE_EXISTS, "the referenceId is there already")
        enrolled = self._repositories.enroll(client.repository, prints)
        try:
            with self._database.write() as session:
                session.add(
                    AbisReference(
                        client=client.token,
                        reference_id=reference_id,
                        identity_id=enrolled.identity,
                        made=enrolled.new,
                        inserted_at=datetime.now(UTC),
                    )
                )
                session.flush()
                _note(session, "abis.insert", client, request_id, fingers=len(prints))
        except Exception:
            if enrolled.new:
                self._repositories.remove(client.repository, enrolled.identity)
            raise

    def delete(self, client: AbisClient, reference_id: str, *, request_id: str) -> None:
        """Forget a reference id, and whom it means if nobody else means the same. Raises AbisFailure, StoreError."""
        with self._database.write() as session:
            found = session.get(AbisReference, (client.token, reference_id))
            if found is None:
                raise AbisFailure(Reason.REFERENCE_NOT_FOUND, "no such referenceId")
            identity, made = found.identity_id, found.made
            session.delete(found)
            session.flush()
            other = session.scalars(
                select(AbisReference).where(AbisReference.identity_id == identity).limit(1)
            ).first()
            if other is not None:
                other.made = other.made or made
            _note(session, "abis.delete", client, request_id, removed=made and other is None)
        if made and other is None:
            try:
                self._repositories.remove(client.repository, identity)
            except UnknownIdentity:
                return  # somebody expunged it meanwhile

    def identified(self, client: AbisClient, request_id: str, *, outcome: str, candidates: int) -> None:
        """Into the audit, before the answer goes out."""
        with self._database.write() as session:
            _note(session, "abis.identify", client, request_id, outcome=outcome, candidates=candidates)

    # -- answers

    def answered(self, client: AbisClient, request_id: str, body: bytes) -> str | None:
        """What this very request was answered. Raises AbisFailure where the id was used for another one."""
        with self._database.read() as session:
            found = session.get(AbisAnswer, (client.token, request_id))
            if found is None:
                return None
            if found.request_sha256 != sha256(body).hexdigest():
                raise AbisFailure(Reason.BAD_STRUCTURE, "the requestId was used for another request")
            return found.answer

    def keep_answer(self, client: AbisClient, request_id: str, body: bytes, answer: str) -> None:
        """For `ANSWER_KEPT_DAYS`."""
        now = datetime.now(UTC)
        with self._database.write() as session:
            old = now - timedelta(days=parameters.ANSWER_KEPT_DAYS)
            session.execute(delete(AbisAnswer).where(AbisAnswer.answered_at < old))
            session.merge(
                AbisAnswer(
                    client=client.token,
                    request_id=request_id,
                    request_sha256=sha256(body).hexdigest(),
                    answer=answer,
                    answered_at=now,
                )
            )


def _note(
    session: Session, action: str, client: AbisClient, request_id: str, **details: str | float | bool
) -> None:
    record(
        session,
        action,
        actor=actor(client),
        purpose=client.purpose,
        subject=request_id,
        repository=client.repository,
        details=details,
    )
