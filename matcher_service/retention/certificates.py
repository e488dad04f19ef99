"""Certificates of deletion: what was destroyed, signed, without anything by which a print could be had again.

As a file: {"content": {...}, "signature": base64, "key": PEM}. The signature is over the content written as JSON with
sorted keys and no spaces, UTF-8.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import select

from matcher_service.auditing import record
from matcher_service.auditing.errors import NoSigningKey
from matcher_service.auditing.keys import HeadPublicKey
from matcher_service.repositories.notice_tables import Notification, Subscriber
from matcher_service.repositories.retention_tables import DeletionCertificate, GalleryState
from matcher_service.repositories.schema import Repository
from matcher_service.retention.errors import BadCertificate, RetentionRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from matcher_service.auditing.keys import HeadKey

FORMAT: Final = "whorl-deletion-certificate/1"
_MOST_BYTES = 4 * 1024 * 1024


def canonical(content: dict[str, Any]) -> str:
    """As it is signed."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def issue(row: DeletionCertificate, content: dict[str, Any], key: HeadKey) -> None:
    """Write the content into the row, signed, as its next issue."""
    row.issue += 1
    content |= {"issue": row.issue, "key": key.public.id, "algorithm": key.public.algorithm}
    content["complete"] = not row.pending
    row.content = canonical(content)
    row.signature = base64.b64encode(key.sign(row.content.encode())).decode("ascii")


def complete(session: Session, row: DeletionCertificate, key: HeadKey, *, now: datetime) -> bool:
    """Take in what has come since: receipts of retractions, galleries that are rid of it. False if nothing has."""
    content = cast("dict[str, Any]", json.loads(row.content))
    retractions = retractions_of(session, content["identifications"])
    galleries = galleries_of(session, row)
    pending = any(one["received_at"] is None for one in retractions) or any(
        one["rid_of_it_at"] is None for one in galleries
    )
    fresh = {"retractions": retractions, "galleries": galleries}
    if row.signature and fresh == {name: content.get(name) for name in fresh} and pending == row.pending:
        return False
    row.pending = pending
    issue(row, content | fresh | {"issued_at": now.isoformat()}, key)
    return True


def complete_all(session: Session, key: HeadKey, *, now: datetime) -> int:
    """Those that wait for something; how many were issued anew."""
    waiting = session.scalars(select(DeletionCertificate).where(DeletionCertificate.pending.is_(True))).all()
    return sum(complete(session, row, key, now=now) for row in waiting)


def retractions_of(session: Session, identifications: Sequence[int]) -> list[dict[str, Any]]:
    """Who had to be told that it is taken back, and whether the receipt is there."""
    query = (
        select(Notification.number, Subscriber.name, Notification.state, Notification.received_at)
        .join(Subscriber, Subscriber.id == Notification.subscriber_id)
        .where(Notification.identification_id.in_(identifications), Notification.kind == "retraction")
        .order_by(Notification.id)
    )
    return [
        {
            "number": number,
            "subscriber": name,
            "state": state,
            "received_at": None if received is None else received.isoformat(),
        }
        for number, name, state, received in session.execute(query)
    ]


def galleries_of(session: Session, row: DeletionCertificate) -> list[dict[str, Any]]:
    """The matchers that keep files of that repository, and when these were rid of it."""
    if row.change_seq is None or row.repository_id is None:
        return []
    query = select(GalleryState).where(GalleryState.repository_id == row.repository_id)
    return [
        {
            "matcher": one.instance,
            "rid_of_it_at": one.purged_at.isoformat()
            if one.purged_at is not None and one.purged_seq >= row.change_seq
            else None,
        }
        for one in session.scalars(query.order_by(GalleryState.instance))
    ]


def listed(session: Session, repository: str = "", *, limit: int = 500) -> list[DeletionCertificate]:
    """The newest first; with a name, those of that repository."""
    query = select(DeletionCertificate).order_by(DeletionCertificate.id.desc()).limit(limit)
    if repository:
        query = query.join(Repository, Repository.id == DeletionCertificate.repository_id)
        query = query.where(Repository.name == repository)
    return list(session.scalars(query))


def find(session: Session, number: str) -> DeletionCertificate:
    """By its number. Raises RetentionRefused."""
    row = session.scalar(select(DeletionCertificate).where(DeletionCertificate.number == number))
    if row is None:
        raise RetentionRefused(
            number[:32] or "certificate", "there is none; see: matcher-service retention certificates"
        )
    return row


def hand_out(
    session: Session,
    number: str,
    *,
    key: HeadKey,
    known: Sequence[HeadPublicKey],
    by: str,
    role: str = "",
    repository: str = "",
    now: datetime,
) -> str:
    """A certificate as it stands by now, as a file, and in the audit; with a name, one of that repository only.

    `known` are the keys that may have signed it. Raises RetentionRefused.
    """
    row = find(session, number)
    content = cast("dict[str, Any]", json.loads(row.content))
    if repository and content["repository"] != repository:
        raise RetentionRefused(number[:32], f"is no certificate of {repository}")
    if row.pending:
        complete(session, row, key, now=now)
    record(
        session,
        "retention.certificate",
        actor=by,
        role=role,
        purpose="handing out",
        subject=number,
        repository=content["repository"],
    )
    named = json.loads(row.content)["key"]
    return as_file(row, next((one for one in known if one.id == named), key.public))


def as_file(row: DeletionCertificate, public: HeadPublicKey) -> str:
    """A certificate as it is handed out; `public` is the other half of the key that signed it."""
    tree = {
        "content": json.loads(row.content),
        "signature": row.signature,
        "key": public.pem.decode("ascii"),
    }
    return json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def verify(data: bytes, known: Sequence[HeadPublicKey]) -> dict[str, Any]:
    """What a certificate says, once one of the `known` keys is seen to have signed it. Raises BadCertificate."""
    if len(data) > _MOST_BYTES:
        raise BadCertificate("is too large to be one")
    try:
        tree = json.loads(data)
        content, signature = tree["content"], base64.b64decode(tree["signature"], validate=True)
        named = str(content["key"])
        fits = content["format"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise BadCertificate("cannot be read: it is not the JSON file that was handed out") from None
    if not fits:
        raise BadCertificate("is of another format; check it with the version of Whorl that made it")
    right = [key for key in known if key.id == named]
    if not right:
        raise BadCertificate(f"was signed by key {named[:32]}, which is not among those it may be signed by")
    text = canonical(cast("dict[str, Any]", content)).encode()
    if not any(key.verifies(signature, text) for key in right):
        raise BadCertificate("was changed after it was signed")
    return cast("dict[str, Any]", content)


def key_in(data: bytes) -> HeadPublicKey:
    """The key that comes with a certificate: to be compared with what the centre says of its own, not believed."""
    try:
        return HeadPublicKey.read(str(json.loads(data)["key"]).encode())
    except (ValueError, KeyError, TypeError, NoSigningKey):
        raise BadCertificate("brings no key that could be read") from None
