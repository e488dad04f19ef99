"""Signed heads: the chain's last number and hash, with a time, signed. Kept elsewhere, they anchor the chain.

One JSON object a line. The signature is over the JSON array [HEAD_FORMAT, seq, hash, at, key], written as
`chain.entry_hash` writes an entry; `at` is when it was signed and `key` names the key that did.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import select

from matcher_service.auditing import parameters
from matcher_service.auditing.chain import instant
from matcher_service.auditing.errors import BadAnchor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from matcher_service.auditing.keys import HeadKey, HeadPublicKey

HEAD_FORMAT: Final = "whorl-audit-head-1"
_HASH = re.compile(r"[0-9a-f]{64}")
_NEXT = "take another copy of it, or leave this one out"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain, as it is or as it was signed. `at` is when."""

    seq: int
    hash: str
    at: str


def current_head(session: Session) -> tuple[int, str]:
    """Number and hash of the last entry; 0 and zeros if there is none."""
    from matcher_service.repositories.audit_tables import AuditHead

    row = session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)).one()
    return row.seq, row.hash


def sign_head(session: Session, key: HeadKey, *, now: datetime) -> tuple[Head, str]:
    """The head as it is now, and the line that tells of it."""
    seq, last = current_head(session)
    head = Head(seq, last, instant(now))
    line: dict[str, object] = {
        "format": HEAD_FORMAT,
        "seq": head.seq,
        "hash": head.hash,
        "at": head.at,
        "key": key.public.id,
        "algorithm": key.public.algorithm,
        "signature": base64.b64encode(key.sign(_signed(head, key.public.id))).decode("ascii"),
    }
    return head, json.dumps(line)


def read_heads(file: Path, *, keys: Iterable[HeadPublicKey]) -> list[Head]:
    """All heads of a file, each one's signature checked. Raises BadAnchor, which names file and line."""
    by_id = {key.id: key for key in keys}
    try:
        with file.open("rb") as opened:
            data = opened.read(parameters.MAX_ANCHOR_BYTES + 1)
    except OSError as error:
        raise BadAnchor(str(file), f"cannot be read: {error.strerror}") from None
    if len(data) > parameters.MAX_ANCHOR_BYTES:
        raise BadAnchor(str(file), f"is larger than {parameters.MAX_ANCHOR_BYTES} bytes, so not signed heads")
    found = list(_heads(file, data, by_id))
    if not found:
        raise BadAnchor(str(file), f"holds no signed head; {_NEXT}")
    return found


def _heads(file: Path, data: bytes, keys: dict[str, HeadPublicKey]) -> Iterator[Head]:
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            yield _head(f"{file}: line {number}", line, keys)


def _head(source: str, line: bytes, keys: dict[str, HeadPublicKey]) -> Head:
    try:
        loaded: object = json.loads(line)
    except (ValueError, RecursionError):
        raise BadAnchor(source, f"is no JSON; {_NEXT}") from None
    tree = cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}
    seq, last, at, key = (tree.get(field) for field in ("seq", "hash", "at", "key"))
    if (
        tree.get("format") != HEAD_FORMAT
        or not isinstance(seq, int)
        or isinstance(seq, bool)
        or not (isinstance(last, str) and _HASH.fullmatch(last))
        or not isinstance(at, str)
        or not isinstance(key, str)
    ):
        raise BadAnchor(source, f"is no signed head of the audit; {_NEXT}")
    head = Head(seq, last, at)
    public = keys.get(key)
    if public is None:
        raise BadAnchor(
            source, f"was signed by key {key[:16]}, which is not known here; name its file with --key"
        )
    try:
        signature = base64.b64decode(str(tree.get("signature", "")), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not public.verifies(signature, _signed(head, key)):
        raise BadAnchor(source, f"its signature is wrong: it was changed after it was signed; {_NEXT}")
    return head


def _signed(head: Head, key: str) -> bytes:
    return json.dumps(
        [HEAD_FORMAT, head.seq, head.hash, head.at, key], ensure_ascii=False, separators=(",", ":")
    ).encode()
