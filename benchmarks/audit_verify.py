"""How fast the audit is written and verified: entries a second, over a chain of a million.

python -m benchmarks.audit_verify
python -m benchmarks.audit_verify --entries 100000 --json

The bar is 20,000 entries a second verified. The chain is made in bulk, with the hashes that `record` would make; how
fast `record` itself is, each in a transaction that is synced to the disk, is measured beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from matcher_service.auditing import record
from matcher_service.auditing.chain import COLUMNS, FIRST_PREVIOUS, entry_hash, instant
from matcher_service.auditing.verifying import Fault, verify
from matcher_service.repositories import Database
from matcher_service.repositories.migrations.audit_triggers import SQLITE_TRIGGERS, triggers

BAR_PER_S = 20_000
_BATCH = 20_000
_DETAILS = '{"decision":"exclusion","finger":2}'
_ACTIONS = ("submission.read", "candidate.explain", "review.decide", "case.read", "session.begin")


def main(arguments: list[str] | None = None) -> int:
    """Print one JSON line, or a table; the exit code says whether the bar was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="whorl-audit-") as name:
        result = measure(Path(name), max(1000, asked.entries))
    if asked.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        for key, value in result.items():
            sys.stdout.write(f"  {key:<24} {value:,}\n")
    return 0 if result["verified_per_s"] >= BAR_PER_S else 1


def measure(folder: Path, entries: int) -> dict[str, float]:
    """Entries a second, and seconds."""
    database = Database(f"sqlite:///{folder}/audit.db")
    _fill(database, entries)
    began, cpu = time.perf_counter(), time.process_time()
    found = verify(database)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    if not found.holds or found.entries != entries:
        raise SystemExit("the chain that was made does not hold")
    recorded_per_s = _recorded(database, rounds=300)
    _tamper(database, entries // 2)
    again = verify(database)
    if [(one.seq, one.fault) for one in again.findings] != [(entries // 2, Fault.CHANGED)]:
        raise SystemExit("a changed entry was not found")
    size = (folder / "audit.db").stat().st_size
    database.close()
    return {
        "entries": entries,
        "verify_s": round(seconds, 2),
        "verified_per_s": round(entries / seconds),
        # What it takes of a core, where others have the machine too.
        "verify_cpu_s": round(cpu_seconds, 2),
        "verified_per_cpu_s": round(entries / cpu_seconds),
        "bar_per_s": BAR_PER_S,
        "recorded_per_s": round(recorded_per_s),
        "bytes_per_entry": round(size / entries),
    }


def _fill(database: Database, entries: int) -> None:
    names = (*COLUMNS, "hash")
    places = ", ".join("?" for _ in names)
    statement = f"INSERT INTO audit_entry ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - our own names
    previous, at = FIRST_PREVIOUS, datetime(2026, 1, 1, tzinfo=UTC)
    _without_triggers(database)
    for start in range(1, entries + 1, _BATCH):
        rows: list[tuple[object, ...]] = []
        for seq in range(start, min(start + _BATCH, entries + 1)):
            at += timedelta(seconds=7)
            row = (
                seq, instant(at), f"examiner-{seq % 40}", "examiner", _ACTIONS[seq % 5], "review",
                f"kiosk-{seq % 90}-{seq:012d}", "criminal", "US-MO-019", _DETAILS, previous,
            )  # fmt: skip
            previous = entry_hash(row)
            rows.append((*row, previous))
        with database.connection() as connection:
            connection.exec_driver_sql(statement, rows)
    with database.connection() as connection:
        head = {"seq": entries, "hash": previous, "at": instant(at)}
        connection.execute(text("UPDATE audit_head SET seq = :seq, hash = :hash, at = :at"), head)
        for trigger in triggers("sqlite"):
            connection.execute(text(trigger))


def _recorded(database: Database, *, rounds: int) -> float:
    began = time.perf_counter()
    for number in range(rounds):
        with database.write() as session:
            record(session, "case.read", actor="jdoe", purpose="evaluation", subject=f"T-{number}")
    return rounds / (time.perf_counter() - began)


def _tamper(database: Database, seq: int) -> None:
    _without_triggers(database)
    with database.connection() as connection:
        connection.execute(text("UPDATE audit_entry SET actor = 'somebody' WHERE seq = :seq"), {"seq": seq})


def _without_triggers(database: Database) -> None:
    with database.connection() as connection:
        for trigger in SQLITE_TRIGGERS:
            connection.execute(text(f"DROP TRIGGER {trigger}"))


if __name__ == "__main__":
    sys.exit(main())
