"""What it costs that templates are sealed: reading a repository as a gallery is built, sealed and not, side by side.

    python -m benchmarks.retention_cost
    python -m benchmarks.retention_cost --people 50000 --json runs/retention.json

Made-up people with two fingers each are enrolled twice, and one of the two repositories is put back to how it was
stored before there were keys. Both are read page by page, as the gallery is built: from the database, opened, and
packed for searching on one thread. Round after round in turn; the fastest of each counts. `ratio` is the whole of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hardware.bench.made_up import made_up_minutiae
from matcher_service.galleries.packing import Packing
from matcher_service.galleries.parameters import READ_PRINTS
from matcher_service.repositories import Database, NewPrint, Repositories
from matcher_service.search.packed import pack_print

PEOPLE, DIFFERENT, ROUNDS, BATCH = 5_000, 200, 3, 500
MILLION = 1_000_000


def fill(database: Database, people: int) -> None:
    """Enroll so many in "sealed" and in "plain"; records repeat, ids and keys do not."""
    store = Repositories(database)
    for name in ("sealed", "plain"):
        store.create(name)
    known = [
        [NewPrint.of(at, made_up_minutiae(10 * k + at)) for at in (2, 7)]
        for k in range(min(people, DIFFERENT))
    ]
    for name in ("sealed", "plain"):
        for start in range(0, people, BATCH):
            # One by one each person is new; the same prints twice would not be enrolled again.
            _enroll(database, name, known, range(start, min(start + BATCH, people)))
    with database.connection() as connection:
        connection.execute(
            text(
                "DELETE FROM person_key WHERE identity_id IN (SELECT i.id FROM identity i JOIN repository r ON"
                " r.id = i.repository_id WHERE r.name = 'plain')"
            )
        )


def _enroll(database: Database, name: str, known: list[list[NewPrint]], people: range) -> None:
    from datetime import UTC, datetime
    from uuid import uuid4

    from sqlalchemy import select

    from matcher_service.repositories.schema import Encounter, EnrolledTemplate, Identity, Repository
    from matcher_service.retention import sealed_record

    now = datetime.now(UTC)
    with database.write() as session:
        where = session.scalar(select(Repository.id).where(Repository.name == name))
        for k in people:
            person, encounter = uuid4().hex, uuid4().hex
            session.add(Identity(id=person, repository_id=where, created_at=now))
            session.flush()
            session.add(Encounter(id=encounter, identity_id=person, enrolled_at=now))
            session.flush()
            session.add_all(
                EnrolledTemplate(
                    encounter_id=encounter,
                    position=one.position,
                    finger_quality=one.finger_quality,
                    record=one.record
                    if name == "plain"
                    else sealed_record(session, one.record, identity=person, encounter=encounter),
                    sha256=one.sha256,
                )
                for one in known[k % len(known)]
            )


def read(database: Database, name: str, packing: Packing) -> tuple[float, float]:
    """Seconds to read all of a repository, and to read and pack it."""
    reading = began = time.perf_counter()
    spent = 0.0
    for page in Repositories(database).print_pages(name, READ_PRINTS):
        spent += time.perf_counter() - reading
        packing.shelf(name, page)
        reading = time.perf_counter()
    return spent, time.perf_counter() - began


def measure(people: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="whorl-retention-") as folder:
        database = Database(f"sqlite:///{Path(folder)}/m.db")
        fill(database, people)
        packing = Packing(pack=pack_print, threads=1)
        packing.digest()
        best = {name: (float("inf"), float("inf")) for name in ("plain", "sealed")}
        for _ in range(ROUNDS):
            for name, known in best.items():
                found = read(database, name, packing)
                best[name] = (min(known[0], found[0]), min(known[1], found[1]))
        packing.close()
        database.close()
    templates = 2 * people
    plain, sealed = best["plain"], best["sealed"]
    return {
        "templates": templates,
        "plain_read_s": round(plain[0], 3),
        "sealed_read_s": round(sealed[0], 3),
        "plain_build_s": round(plain[1], 3),
        "sealed_build_s": round(sealed[1], 3),
        "ratio": round(sealed[1] / plain[1], 3),
        "opening_us": round((sealed[0] - plain[0]) / templates * 1e6, 2),
        "opening_a_million_s": round((sealed[0] - plain[0]) / templates * MILLION, 1),
    }


def main(words: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help="so many, with two fingers each")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    chosen = parser.parse_args(words)
    figures = measure(chosen.people)
    for name, value in figures.items():
        print(f"{name:22} {value}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
