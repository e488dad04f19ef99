"""How long the oversight report takes over a million submissions: a made-up centre, filled by hand, then the report.

python -m benchmarks.oversight_report                      a million, some minutes to fill
python -m benchmarks.oversight_report --submissions 50000 --json runs/oversight.json
python -m benchmarks.oversight_report --keep runs/oversight   keeps the database and the report, and uses them again
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import insert

from matcher_service.oversight import gather, write_report
from matcher_service.repositories import Database, Repositories
from matcher_service.repositories.schema import Base, UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

JURISDICTIONS = 3200
BATCH = 10_000
START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 365
# A submission of four fingers, sealed: what lies between the rows that are counted.
PAYLOAD_BYTES = 1500
# One in so many: candidates, identifications, evaluations, retractions.
CANDIDATES, IDENTIFIED, EVALUATED, RETRACTED = 10, 20, 25, 200


def main(arguments: list[str] | None = None) -> None:
    """Print a table, and JSON where it is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="a folder for the database and the report")
    asked = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="whorl-report-")))
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(folder, asked.submissions, rounds=asked.rounds)
    table = Table("What", "Figure", title=f"The oversight report over {asked.submissions:,} submissions")
    for name, value in result.items():
        table.add_row(name, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, submissions: int, *, rounds: int) -> dict[str, float | int]:
    """Fill the centre, unless it is there; seconds of gathering and of writing, and the slowest whole report."""
    file = folder / f"centre-{submissions}.db"
    if not file.exists():
        half = file.with_suffix(".half")
        half.unlink(missing_ok=True)
        with contextlib.closing(Database(f"sqlite:///{half}")) as database:
            fill(database, submissions)
        half.rename(file)
    whole: list[float] = []
    gathering: list[float] = []
    cpu: list[float] = []
    counted = 0
    with contextlib.closing(Database(f"sqlite:///{file}")) as database:
        for _ in range(rounds):
            began, began_cpu = time.perf_counter(), time.process_time()
            figures = gather(database, first="2025-01", last="2025-12")
            gathering.append(time.perf_counter() - began)
            write_report(figures, folder / "report", public=True)
            whole.append(time.perf_counter() - began)
            cpu.append(time.process_time() - began_cpu)
            counted = sum(n for cell, n in figures.cells.items() if cell.stage == "submissions")
    if counted != submissions:
        sys.exit(f"{counted} submissions were counted, {submissions} are there")
    return {
        "submissions": submissions,
        "database_mb": round(file.stat().st_size / 1e6),
        "gather_s_median": float(np.median(gathering)),
        "report_s_median": float(np.median(whole)),
        "report_s_worst": max(whole),
        "report_cpu_s_median": float(
            np.median(cpu)
        ),  # what it would take on a machine that does nothing else
    }


def fill(database: Database, submissions: int, *, seed: int = 1) -> None:
    """Rows of everything that the report counts, with made-up contents."""
    repositories = Repositories(database)
    for name in ("criminal", "immigration"):
        repositories.create(name)
    rng = np.random.default_rng(seed)
    tables = Base.metadata.tables
    with database.write() as session:
        _register(session)
    batches = range(0, submissions, BATCH)
    for start in track(batches, description="Filling", console=Console(stderr=True)):
        count = min(BATCH, submissions - start)
        with database.write() as session:
            for name, rows in _batch(rng, start, count, submissions):
                if rows:
                    session.execute(insert(tables[name]), rows)


def _register(session: Session) -> None:
    tables = Base.metadata.tables
    session.execute(
        insert(tables["jurisdiction"]),
        [
            {**_more_of("jurisdiction"), "id": n + 1, "code": f"US-MO-{n:04}", "kind": "county", "name": f"County {n}"}
            for n in range(JURISDICTIONS)
        ],
    )  # fmt: skip
    session.execute(
        insert(tables["subscriber"]),
        [{**_more_of("subscriber"), "id": 1, "name": "agency-1"}],
    )
    session.execute(
        insert(tables["account"]),
        [{**_more_of("account"), "id": "e1", "name": "examiner-1"}],
    )


def _more_of(table: str) -> dict[str, Any]:
    """Values for columns that must have one and say nothing here."""
    given: dict[str, Any] = {}
    for column in Base.metadata.tables[table].columns:
        if not column.nullable and not column.primary_key and column.default is None:
            timed = isinstance(column.type, UtcDateTime)
            given[column.name] = START if timed else column.type.python_type()
    return given


class _Rows:
    """Rows by table, each filled up with what its table must have."""

    def __init__(self) -> None:
        self.by_table: dict[str, list[dict[str, Any]]] = {}
        self._blanks: dict[str, dict[str, Any]] = {}

    def add(self, name: str, **values: Any) -> None:  # noqa: ANN401 - whatever the column holds
        """One more."""
        if name not in self._blanks:
            self._blanks[name] = _more_of(name)
        self.by_table.setdefault(name, []).append({**self._blanks[name], **values})


def _batch(
    rng: np.random.Generator, start: int, count: int, total: int
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows of `count` submissions, tables in the order in which they refer to each other."""
    # As they come: one after the other through the year.
    minutes = (np.arange(start, start + count) / total * DAYS * 24 * 60).astype(int)
    homes = (JURISDICTIONS * rng.random(count) ** 3).astype(int) + 1  # a few send much, most little
    rows = _Rows()
    for i in range(count):
        key = start + i + 1
        at = START + timedelta(minutes=int(minutes[i]))
        rows.add(
            "submission", id=key, tcn=f"T{key}", device="kiosk-1", purpose="booking", received_at=at,
            payload=bytes(PAYLOAD_BYTES), sha256="0" * 64, outcome="answered",
        )  # fmt: skip
        rows.add("submission_facts", submission_id=key, jurisdiction_id=int(homes[i]), ori="MO0100000")
        for repository in (1, 2):
            _look(rows, key, repository, at)
    order = [table.name for table in Base.metadata.sorted_tables]
    return sorted(rows.by_table.items(), key=lambda pair: order.index(pair[0]))


def _look(rows: _Rows, key: int, repository: int, at: datetime) -> None:
    """What became of a submission in one repository."""
    searched = repository == 1 or key % 3 != 0
    verdict, reason = ("search", "allowed") if searched else ("skip", "no_activation")
    rows.add(
        "routing_decision", submission_id=key, repository_id=repository, verdict=verdict, reason_code=reason,
        words="searched under the activation of its county", facts="{}" * 100, decided_at=at,
    )  # fmt: skip
    if not searched:
        return
    hit = key % CANDIDATES == 0
    task = 2 * key + repository
    rows.add(
        "search", id=task, submission_id=key, repository_id=repository, searched_at=at,
        colour="red" if hit else "green", failed=False,
    )  # fmt: skip
    if not hit:
        return
    identified = key % IDENTIFIED == 0
    state = "identified" if identified else "excluded"
    rows.add("review_task", id=task, submission_id=key, repository_id=repository, state=state)
    rows.add("review_round", id=task, task_id=task, examiner_id="e1", number=1)
    rows.add("seeded_result", id=task, round_id=task, examiner_id="e1", was_wrong=key % 1000 == 0, at=at)
    if not identified:
        return
    rows.add(
        "identification",
        id=task,
        task_id=task,
        submission_id=key,
        repository_id=repository,
        state="confirmed",
    )
    rows.add(
        "notification",
        id=task,
        number=str(task),
        identification_id=task,
        subscriber_id=1,
        kind="hit",
        state="received",
    )
    level = (None, 1, 2, 3)[key // IDENTIFIED % 4]
    rows.add("case_file", id=task, identification_id=task, subscriber_id=1, state="closed", level=level)
    if key % EVALUATED == 0:
        rows.add("evaluation", id=task, case_id=task, outcome="no_action")
    if key % RETRACTED == 0:
        rows.add("retraction", id=task, identification_id=task, cause="dismissed")


if __name__ == "__main__":
    main()
