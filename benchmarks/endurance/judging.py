"""Whether the promise was kept: the officer's ledger against the matcher's database.

It is read with SQLite alone, but for what is sealed in it: that is opened as the centre opens it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.endurance import parameters as p
from benchmarks.endurance.bookings import known_person
from matcher_service.repositories import Database
from matcher_service.repositories.sealed_records import Part, is_sealed, open_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from benchmarks.endurance.ledger import Account, Booking

FEW = 20


@dataclass(slots=True)
class Verdict:
    """Numbers that have to be 0, examples of each that is not, and what else was counted."""

    bars: dict[str, int] = field(default_factory=dict[str, int])
    examples: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    counts: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def kept(self) -> bool:
        """Whether all bars hold."""
        return not any(self.bars.values())

    def bar(self, name: str, found: Sequence[object]) -> None:
        """What should be empty."""
        self.bars[name] = len(found)
        if found:
            self.examples[name] = [str(one) for one in found[:FEW]]


def judge(
    account: Account, database: Path, *, seed: int, submissions: int, identities: Sequence[str]
) -> Verdict:
    """Compare."""
    verdict = Verdict()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT tcn, payload, reply, outcome, id FROM submission").fetchall()
        searched = Counter(row[0] for row in connection.execute("SELECT submission_id FROM search"))
        found = _found(connection)
        refused = connection.execute("SELECT tcn, field, reason FROM refused").fetchall()
    at_matcher: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for tcn, payload_sha256, reply_sha256 in _digests(database, rows):
        at_matcher[tcn].append((payload_sha256, reply_sha256))
    bookings = account.bookings
    saved = [b for b in bookings.values() if b.saved]
    numbers = Counter(bookings[tcn].number for tcn in at_matcher if tcn in bookings)

    verdict.bar("lost: saved and not at the matcher", [b.tcn for b in saved if b.tcn not in at_matcher])
    verdict.bar("twice under one TCN", [tcn for tcn, same in at_matcher.items() if len(same) > 1])
    verdict.bar(
        "booked twice: another TCN of it is there too", [n for n, count in numbers.items() if count > 1]
    )
    verdict.bar(
        "changed on the way",
        [b.tcn for b in saved for payload, _ in at_matcher[b.tcn] if payload != b.sha256],
    )
    verdict.bar(
        "at the matcher, though the officer was told 'not saved'",
        [f"{b.tcn}: {b.void}" for b in bookings.values() if not b.saved and b.tcn in at_matcher],
    )
    verdict.bar("at the matcher, and nobody's", [tcn for tcn in at_matcher if tcn not in bookings])
    verdict.bar("bookings never saved", sorted(set(range(submissions)) - {b.number for b in saved}))
    verdict.bar("replies missing at the kiosk", [b.tcn for b in saved if not b.reply_sha256])
    verdict.bar(
        "replies other than the matcher's",
        [
            b.tcn
            for b in saved
            for _, reply in at_matcher[b.tcn]
            if b.reply_sha256 and reply != b.reply_sha256
        ],
    )
    verdict.bar("searches failed or given up", [row[0] for row in rows if row[3] != "answered"])
    verdict.bar(
        "not searched once in each repository",
        [row[0] for row in rows if searched[row[4]] != len(p.REPOSITORIES)],
    )
    verdict.bar("refused by the matcher", [b.tcn for b in saved if b.refused] + refused)
    verdict.bar("forgotten by the spool before its reply", [b.tcn for b in saved if b.gone])
    verdict.bars["TCNs used twice"] = account.reused

    known = {b.tcn: identities[who] for b in saved if (who := known_person(seed, b.number)) is not None}
    waits = sorted(b.replied_at_s - b.saved_at_s for b in saved if b.replied_at_s and not b.by_looking)
    verdict.counts = {
        "saved": len(saved),
        "at the matcher": len(rows),
        "declined by the spool and booked again": dict(
            Counter(_kind(b.void) for b in bookings.values() if b.void).most_common()
        ),
        "decided by looking, after a kill: saved": sum(b.by_looking for b in saved),
        "bookings of enrolled people": len(known),
        "of these found": sum(identity in found.get(tcn, ()) for tcn, identity in known.items()),
        "minutes from the first booking to the last reply": _minutes(saved),
        "saved to reply, s": {
            "median": _at(waits, 0.5),
            "95 %": _at(waits, 0.95),
            "longest": _at(waits, 1.0),
        },
    }
    return verdict


def _digests(database: Path, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, str, str]]:
    """TCN, SHA-256 of what came and SHA-256 of the reply."""
    with ExitStack() as opened:
        session: Session | None = None
        for tcn, payload, reply, _, number in rows:
            if session is None and is_sealed(payload):
                store = opened.enter_context(closing(Database(f"sqlite:///{database}")))
                session = opened.enter_context(store.read())
            if session is not None:
                payload = open_part(session, number, tcn, Part.PAYLOAD, payload)  # noqa: PLW2901 - the same, opened
                reply = open_part(session, number, tcn, Part.REPLY, reply)  # noqa: PLW2901
            yield tcn, hashlib.sha256(payload).hexdigest(), hashlib.sha256(reply or b"").hexdigest()


def _found(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Candidates by TCN."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    query = (
        "SELECT s.tcn, c.identity_id FROM candidate c JOIN search h ON h.id = c.search_id"
        " JOIN submission s ON s.id = h.submission_id"
    )
    for tcn, identity in connection.execute(query):
        found[tcn].add(identity)
    return found


def _minutes(saved: Sequence[Booking]) -> float:
    """Pauses before a campaign was resumed are in it."""
    if not saved:
        return 0.0
    first = min(booking.saved_at_s for booking in saved)
    return round((max(booking.replied_at_s for booking in saved) - first) / 60, 1)


def _kind(why: str) -> str:
    return why if len(why) < FEW else why.partition(": ")[2][:100]


def _at(values: Sequence[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(share * len(values)))], 2) if values else 0.0
