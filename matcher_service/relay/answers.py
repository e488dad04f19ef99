"""What the centre above answered, kept at the state, and passed on to the kiosk as the state's own rule says.

The kiosk had the state's rapid reply long before. What is passed on comes to it as a second one, each repository of the
centre above under the name that the centre has here: ``national.immigration``.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from interchange.errors import MessageError
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import Reply, decode_message, encode_message
from interchange.topics import Down, down
from matcher_service import routing
from matcher_service.auditing import record
from matcher_service.cases.seconds import StoredSecond
from matcher_service.relay import parameters
from matcher_service.relay.ending import WITHDRAWN, nothing_follows
from matcher_service.relay.errors import RelayRefused
from matcher_service.relay.wording import for_kiosk, still_promised
from matcher_service.repositories.relay_tables import RelayItem, RelayReply
from matcher_service.repositories.schema import StoredSubmission

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from matcher_service.relay.outbox import RelayOutbox
    from matcher_service.relay.settings import RelaySettings
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.relay")

_LABEL = "relayed:"
_ACTOR = "system:relay"
WAITING, KEPT, PASSED = "waiting", "kept", "passed"


def passed_message(told: StoredSecond) -> Outgoing:
    """A reply of the centre above on its way to the kiosk; its label comes back with the PUBACK."""
    return Outgoing(
        topic=down(told.device, Down.REPLY),
        payload=told.payload,
        label=f"{_LABEL}{told.id}",
        correlation=told.tcn.encode(),
    )


def is_passed(label: str) -> bool:
    """Whether a PUBACK with this label speaks of one of these."""
    return label.startswith(_LABEL)


class RelayAnswers:
    """See the module. Raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        settings: RelaySettings,
        outbox: RelayOutbox,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._outbox = outbox
        self._now = now
        self._monotonic = monotonic
        self._published: dict[int, float] = {}

    def keep(self, reply: Reply, payload: bytes) -> bool:
        """Store it, once, and pass it on if the rule says so at once. False if it was here, or nothing of ours."""
        digest = sha256(payload).hexdigest()
        with self._database.write() as session:
            item = session.get(RelayItem, reply.tcn)
            known = session.scalar(
                select(RelayReply.id).where(RelayReply.tcn == reply.tcn, RelayReply.sha256 == digest)
            )
            if item is None or known is not None:
                return False
            row = RelayReply(
                tcn=reply.tcn,
                sha256=digest,
                stage=reply.stage,
                payload=payload,
                received_at=self._now(),
                state=self._rule(session, reply, item),
            )
            session.add(row)
            session.flush()
            if reply.stage == "first":
                self._outbox.answered(session, reply.tcn)
            if row.state == PASSED:
                self._pass(session, row, by=_ACTOR)
            replies = session.scalars(select(RelayReply.payload).where(RelayReply.tcn == reply.tcn))
            item.owed = bool(still_promised([decode_message(Reply, one) for one in replies]))
            self._record(session, "relay.answer", reply.tcn, by=_ACTOR, stage=reply.stage, state=row.state)
            return True

    def pass_on(self, tcn: str, *, by: str, role: str = "") -> int:
        """A person's word: pass on what waits, or was kept, of one submission; how many. Raises RelayRefused."""
        with self._database.write() as session:
            item = session.get(RelayItem, tcn)
            if item is None:
                raise RelayRefused(tcn, "did not go up from here; see: matcher-service relay status --list")
            if item.held_by is not None:
                raise RelayRefused(tcn, f"is held by {item.held_by}; first: matcher-service relay send {tcn}")
            rows = session.scalars(
                select(RelayReply)
                .where(RelayReply.tcn == tcn, RelayReply.state.in_([WAITING, KEPT]))
                .order_by(RelayReply.id)
            ).all()
            passed = sum(self._pass(session, row, by=by) for row in rows)
            if passed:
                self._record(session, "relay.pass-on", tcn, by=by, role=role, replies=passed)
            return passed

    def keep_here(self, tcn: str, *, by: str, reason: str, role: str = "") -> int:
        """A person's word: keep here what waits of one submission; how many. The kiosk is not left to wait for it."""
        with self._database.write() as session:
            rows = session.scalars(
                select(RelayReply).where(RelayReply.tcn == tcn, RelayReply.state == WAITING)
            ).all()
            for row in rows:
                row.state = KEPT
            if rows:
                item = session.get(RelayItem, tcn)
                if item is not None and not item.owed:  # otherwise more is to come, and to be decided
                    nothing_follows(session, tcn, centre=self._settings.repository, now=self._now())
                self._record(session, "relay.keep", tcn, by=by, role=role, purpose=reason, replies=len(rows))
            return len(rows)

    def waiting(self) -> list[RelayReply]:
        """Those that wait for a person's word, the oldest first."""
        query = select(RelayReply).where(RelayReply.state == WAITING).order_by(RelayReply.id)
        with self._database.read() as session:
            return list(session.scalars(query))

    def all_of(self, tcn: str) -> list[RelayReply]:
        """All that came back of one submission."""
        query = select(RelayReply).where(RelayReply.tcn == tcn).order_by(RelayReply.id)
        with self._database.read() as session:
            return list(session.scalars(query))

    # -- as second responses of the state: see `seconds`

    def untold(self, device: str | None = None) -> list[StoredSecond]:
        """Those passed on that no listener was given."""
        return self._told(RelayReply.told_at.is_(None), device=device)

    def to_publish(self) -> list[StoredSecond]:
        """As `untold`, without those that were published a moment ago."""
        now = self._monotonic()
        recent = {k: at for k, at in self._published.items() if now - at < parameters.PUBLISH_AGAIN_S}
        found = [one for one in self.untold() if one.id not in recent]
        self._published = recent | {one.id: now for one in found}
        return found

    def of(self, tcn: str) -> list[StoredSecond]:
        """What stands for one submission, told or not."""
        return self._told(RelayReply.tcn == tcn)

    def mark_told(self, label: str) -> None:
        """The broker took it for a kiosk that listens; `label` is that of `passed_message`."""
        number = int(label.removeprefix(_LABEL))
        with self._database.write() as session:
            session.execute(
                update(RelayReply)
                .where(RelayReply.id == number, RelayReply.told_at.is_(None))
                .values(told_at=self._now())
            )

    # -- inside

    def _rule(self, session: Session, reply: Reply, item: RelayItem) -> str:
        if reply.taken_back and self._said_before(session, reply.tcn):
            return PASSED
        rule = self._settings.pass_first if reply.stage == "first" else self._settings.pass_second
        if item.held_by is not None:
            rule = "word"
        return {"always": PASSED, "never": KEPT, "word": WAITING}[rule]

    def _said_before(self, session: Session, tcn: str) -> bool:
        query = select(RelayReply.id).where(RelayReply.tcn == tcn, RelayReply.state == PASSED)
        return session.scalar(query.limit(1)) is not None

    def _pass(self, session: Session, row: RelayReply, *, by: str) -> bool:
        """Make what the kiosk is told. Asked once more: what the rules here shut meanwhile says no more than that."""
        submission = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == row.tcn))
        reply = decode_message(Reply, row.payload)
        if not self._allowed(session, submission) and not reply.taken_back:
            row.state = WITHDRAWN
            nothing_follows(session, row.tcn, centre=self._settings.repository, now=self._now())
            return False
        others = session.scalars(
            select(RelayReply.payload).where(RelayReply.tcn == row.tcn, RelayReply.id != row.id)
        )
        told = for_kiosk(
            reply,
            others=[decode_message(Reply, other) for other in others],
            centre=self._settings.repository,
            more=self._settings.pass_second != "never",  # noqa: S105 - no password
        )
        row.state, row.passed_by, row.passed_at = PASSED, by[:80], self._now()
        row.for_kiosk = encode_message(told)
        return True

    def _told(self, *where: ColumnElement[bool], device: str | None = None) -> list[StoredSecond]:
        """Asked once more before anything leaves: what the rules have closed meanwhile stays here."""
        query = (
            select(
                RelayReply.id,
                RelayReply.tcn,
                StoredSubmission.device,
                RelayReply.for_kiosk,
                StoredSubmission.id,
            )
            .join(StoredSubmission, StoredSubmission.tcn == RelayReply.tcn)
            .where(RelayReply.for_kiosk.is_not(None), *where)
            # The newest: what a kiosk that is gone for good never takes keeps no other's from going out.
            .order_by(RelayReply.id.desc())
            .limit(parameters.PASS_ROWS)
        )
        if device is not None:
            query = query.where(StoredSubmission.device == device)
        with self._database.read() as session:
            return [
                StoredSecond(number, tcn, to, payload)
                for number, tcn, to, payload, submission in session.execute(query).all()[::-1]
                if payload is not None
                and (not decode_message(Reply, payload).repositories or self._allowed(session, submission))
            ]

    def _allowed(self, session: Session, submission: int | None) -> bool:
        return submission is not None and routing.still_allowed(
            session, submission, self._settings.repository, now=self._now()
        )

    def _record(
        self,
        session: Session,
        action: str,
        tcn: str,
        *,
        by: str,
        role: str = "",
        purpose: str = "relay",
        **more: str | int,
    ) -> None:
        record(
            session,
            action,
            actor=by,
            role=role,
            purpose=purpose,
            subject=tcn,
            repository=self._settings.repository,
            details=more,
        )


def readable(payload: bytes) -> Reply | None:
    """A stored reply, for a person."""
    try:
        return decode_message(Reply, payload)
    except MessageError as error:
        log.warning("reply cannot be read", extra=facts(field=error.field, reason=error.reason))
        return None
