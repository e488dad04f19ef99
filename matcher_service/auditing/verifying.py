"""Does the chain hold? Every entry is hashed again, held against the one before it, the head, and signed heads.

What can be seen from the database alone: a changed, removed, exchanged or inserted entry. What cannot: entries cut off
at the end by somebody who also set the head back, or a chain that was written anew from some place on. For these a
signed head is needed that was kept elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from matcher_service.auditing import parameters
from matcher_service.auditing.chain import COLUMNS, FIRST_PREVIOUS, entry_hash
from matcher_service.auditing.heads import current_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matcher_service.auditing.heads import Head
    from matcher_service.repositories.database import Database

    Watch = Callable[[Iterator[Any], int], Iterable[Any]]

MOST_TOLD = 20


class Fault(StrEnum):
    """What is wrong at a place."""

    CHANGED = "changed"
    MISSING = "missing"
    ORDER = "order"
    INSERTED = "inserted"
    CUT = "cut"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where the chain does not hold."""

    seq: int
    fault: Fault
    words: str


@dataclass(slots=True)
class Verification:
    """What was found.

    Attributes:
        entries: how many were checked.
        last: number and hash of the last.
        findings: the first places where it does not hold, by number; none if it does.
        faults: how many such places there are.
        anchored_to: the highest entry that a signed head confirms; 0 without one.
        clock_back: entries whose time is before that of the entry before them: no fault, the clock was set.
    """

    entries: int = 0
    last: tuple[int, str] = (0, FIRST_PREVIOUS)
    findings: list[Finding] = field(default_factory=list[Finding])
    faults: int = 0
    anchored_to: int = 0
    clock_back: list[int] = field(default_factory=list[int])

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def find(self, seq: int, fault: Fault, words: str) -> None:
        """Note a place."""
        self.faults += 1
        if len(self.findings) < MOST_TOLD:
            self.findings.append(Finding(seq, fault, words))


def verify(database: Database, *, anchors: Sequence[Head] = (), watch: Watch | None = None) -> Verification:
    """Check the whole chain. `watch` is given the batches and their number, and gives them on. Raises StoreError."""
    found = Verification()
    waiting = sorted(anchors, key=lambda head: head.seq)
    with database.read() as session:
        head = current_head(session)
        batches = _batches(session)
        total = -(-head[0] // parameters.VERIFY_BATCH)
        place = 0
        while place < len(waiting) and waiting[place].seq <= 0:
            _hold_against(waiting[place], FIRST_PREVIOUS, found)
            place += 1
        at = ""
        for batch in batches if watch is None else watch(batches, total):
            for row in batch:
                _check(row, found)
                if row[1] < at:
                    found.clock_back.append(row[0])
                at = row[1]
                seq = row[0]
                while place < len(waiting) and waiting[place].seq <= seq:
                    if waiting[place].seq == seq:  # else it is in a gap that was found already
                        _hold_against(waiting[place], row[-1], found)
                    place += 1
    _check_end(head, found)
    for anchor in waiting[place:]:
        gone = f"a head signed at {anchor.at} tells of entry {anchor.seq}, and the chain ends with {found.last[0]}"
        found.find(found.last[0] + 1, Fault.CUT, f"entries were cut off: {gone}")
        break
    found.findings.sort(key=lambda one: one.seq)
    return found


def _batches(session: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401 - SQLAlchemy's rows are of no particular type
    from matcher_service.repositories.audit_tables import AuditEntry

    table = AuditEntry.__table__
    columns = [*(table.c[name] for name in COLUMNS), table.c.hash]
    connection = session.connection()
    after = connection.execute(select(func.min(table.c.seq))).scalar()
    if after is None:
        return
    after -= 1
    while True:
        batch = connection.execute(
            select(*columns).where(table.c.seq > after).order_by(table.c.seq).limit(parameters.VERIFY_BATCH)
        ).fetchall()
        if not batch:
            return
        yield batch
        after = batch[-1][0]


def _check(row: Sequence[Any], found: Verification) -> None:
    seq, previous, stored = row[0], row[-2], row[-1]
    last_seq, last_hash = found.last
    found.entries += 1
    if seq != last_seq + 1:
        if seq <= last_seq:
            found.find(seq, Fault.INSERTED, f"entry {seq} has a number that no entry is given")
        else:
            many = f"entries {last_seq + 1} to {seq - 1} are" if seq - last_seq > 2 else f"entry {seq - 1} is"
            found.find(last_seq + 1, Fault.MISSING, f"{many} missing")
    elif previous != last_hash:
        found.find(
            seq,
            Fault.ORDER,
            f"entry {seq} does not follow entry {last_seq}: one of them was changed, exchanged or put in",
        )
    try:
        made = entry_hash(row[:-1])
    except (TypeError, ValueError):  # a column holds something that no entry does
        made = ""
    if made != stored:
        found.find(seq, Fault.CHANGED, f"entry {seq} was changed after it was written")
    found.last = (seq, stored)


def _check_end(head: tuple[int, str], found: Verification) -> None:
    seq, last_hash = found.last
    if head[0] > seq:
        found.find(seq + 1, Fault.CUT, f"entries {seq + 1} to {head[0]} were cut off at the end")
    elif head[0] < seq:
        found.find(head[0] + 1, Fault.INSERTED, f"entries after {head[0]} were put in past the head")
    elif head[1] != last_hash:
        found.find(seq, Fault.REWRITTEN, f"entry {seq} is not the one that the head tells of")


def _hold_against(anchor: Head, stored: str, found: Verification) -> None:
    if anchor.hash == stored:
        found.anchored_to = max(found.anchored_to, anchor.seq)
        return
    found.find(
        anchor.seq,
        Fault.REWRITTEN,
        f"entry {anchor.seq} or one before it was written anew after {anchor.at}, when its hash was signed",
    )
