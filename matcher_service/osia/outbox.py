"""What is to be posted, in the database: in the transaction of what it tells of, so that both are there or neither."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from matcher_service.notify.addresses import read_url
from matcher_service.notify.errors import NoticeRefused
from matcher_service.osia import parameters
from matcher_service.osia.errors import OsiaRefusal
from matcher_service.repositories.osia_tables import OsiaMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.accounts.key_file import Sealer
    from matcher_service.repositories.osia_tables import OsiaSubscription, OsiaTask

CONFIRMATION, TOLD, CALLBACK = "confirmation", "told", "callback"
QUEUED, RECEIVED, DEAD, CANCELLED = "queued", "received", "dead", "cancelled"


class Outbox:
    """Makes messages, and opens what is sealed in them."""

    def __init__(self, sealer: Callable[[], Sealer]) -> None:
        self._sealer = sealer

    def tell(
        self,
        session: Session,
        to: OsiaSubscription,
        *,
        subject: str,
        words: str | None,
        now: datetime,
        identification: int | None = None,
    ) -> OsiaMessage:
        """To a subscription; without words they are written when it is first sent."""
        made = self._made(to.client, TOLD, to.address, subject, now)
        made.subscription_id, made.identification_id = to.id, identification
        if words is not None:
            self.write(made, to.topic, words)
        session.add(made)
        return made

    def ask_to_confirm(self, session: Session, to: OsiaSubscription, token: str, *, now: datetime) -> None:
        """Its token, to the address."""
        made = self._made(to.client, CONFIRMATION, to.address, "", now)
        made.subscription_id = to.id
        words = "Confirm with GET /v1/subscriptions/confirm?token=..., or nothing more comes here."
        self._seal(made, _message(made, to.topic, words, token=token))
        session.add(made)

    def answer(self, session: Session, task: OsiaTask, status: int, result: object, *, now: datetime) -> None:
        """The result of a task, to its callback."""
        wrong = status >= 400
        subject = "application/error+json" if wrong else "application/json"
        made = self._made(task.client, CALLBACK, task.callback, subject, now)
        made.task_id = made.number = task.id
        self._seal(made, {"code": status, "message": result} if wrong else result)
        session.add(made)

    def write(self, row: OsiaMessage, topic: str, words: str) -> None:
        """Give it its body."""
        self._seal(row, _message(row, topic, words))

    def body_of(self, row: OsiaMessage) -> bytes:
        """What is posted. Raises KeyFileError."""
        assert row.body is not None  # only what was taken has none any more
        return self._sealer().open(row.body, account=f"osia:{row.number}")

    def seal(self, plain: bytes, *, number: str) -> bytes:
        """For the tasks, whose questions are sealed in the same way."""
        return self._sealer().seal(plain, account=f"osia:{number}")

    def open(self, sealed: bytes, *, number: str) -> bytes:
        """What was sealed. Raises KeyFileError."""
        return self._sealer().open(sealed, account=f"osia:{number}")

    def _seal(self, row: OsiaMessage, tree: object) -> None:
        body = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
        row.body = self.seal(body, number=row.number)

    def _made(self, client: str, kind: str, address: str, subject: str, now: datetime) -> OsiaMessage:
        return OsiaMessage(
            number=secrets.token_hex(16),
            client=client,
            kind=kind,
            subject=subject,
            body=None,
            lane=_lane(address),
            state=QUEUED,
            retried=False,
            attempts=0,
            made_at=now,
            next_at=now,
        )


def has_room(session: Session, client: str, *, more: int = 1) -> bool:
    """Whether a client has so few messages waiting that more may be added."""
    waiting = session.scalar(
        select(func.count(OsiaMessage.id)).where(OsiaMessage.client == client, OsiaMessage.state == QUEUED)
    )
    return (waiting or 0) + more <= parameters.MAX_MESSAGES


def checked_address(address: str, name: str, networks: tuple[str, ...]) -> str:
    """One that may be posted to, as notification's webhooks may. Raises OsiaRefusal."""
    try:
        read_url(address, networks=networks)
    except NoticeRefused as error:
        raise OsiaRefusal(400, f"{name}: {error}") from None
    return address


def _lane(address: str) -> int:
    parts = urlsplit(address)
    return int.from_bytes(sha256(f"{parts.scheme}://{parts.netloc}".encode()).digest()[:7], "big")


def _message(row: OsiaMessage, topic: str, words: str, **more: str) -> dict[str, Any]:
    """OSIA's Message."""
    said = {"subject": row.subject} if row.subject else {}
    return {
        "type": "SubscriptionConfirmation" if row.kind == CONFIRMATION else "Notification",
        "topic": topic,
        "message": words,
        "messageId": row.number,
        **said,
        "timestamp": row.made_at.isoformat(timespec="seconds"),
        **more,
    }
