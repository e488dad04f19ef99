"""How entries are written as bytes and chained. Pure: the same lines make an entry and check it.

    bytes = JSON array of [FORMAT, seq, at, actor, role, action, purpose, subject, repository, jurisdiction, details,
            previous], UTF-8, as RFC 8785 writes an array of texts and one whole number
    hash  = SHA-256 of these bytes, in hexadecimal; it is `previous` of the next entry

`details` goes in as the text that is stored, so that a reader in any language has no numbers to format.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = "whorl-audit-1"
FIRST_PREVIOUS: Final = "0" * 64
COLUMNS: Final = (
    "seq", "at", "actor", "role", "action", "purpose", "subject", "repository", "jurisdiction", "details",
    "previous",
)  # fmt: skip
"""What is hashed, in this order, after FORMAT."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def entry_hash(values: Sequence[object]) -> str:
    """The hash of an entry whose values are those of `COLUMNS`: a whole number, then texts.

    Raises UnicodeEncodeError for half a surrogate pair, which no entry holds.
    """
    return sha256(_encode([FORMAT, *values]).encode()).hexdigest()


def instant(at: datetime) -> str:
    """A moment as entries write it: UTC, microseconds, 27 characters; later ones sort later."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def moment(at: str) -> datetime:
    """Back from `instant`. Raises ValueError."""
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
