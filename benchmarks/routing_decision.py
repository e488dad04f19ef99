"""How long a routing decision takes, and how long it takes to switch a jurisdiction off under load.

    python -m benchmarks.routing_decision
    python -m benchmarks.routing_decision --off-switch
    python -m benchmarks.routing_decision --json runs/routing.json

The first makes a register of 3,200 jurisdictions with 10 versions of a rule each, and decides submissions one after
the other as the matcher does: the register's clock read from the database, the facts of the submission, the decision
for each repository, all of it written down; and how long it takes until that is on the disk. The second runs a real
broker and a real matcher with a queue of submissions, suspends their county from another process's connection, and
looks when the last of them was searched there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, insert, select, update

from hardware.bench.broker import Broker
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from hardware.bench.process import ChildProcess
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.messages import encode_message
from interchange.settings import BrokerSettings
from interchange.topics import Up, up
from matcher_service import routing
from matcher_service.repositories import Database, NewPrint, Repositories, Submissions
from matcher_service.repositories.routing_tables import (
    Activation,
    ActivationVersion,
    Agency,
    Jurisdiction,
    RoutingClock,
    RoutingDecision,
)
from matcher_service.repositories.schema import SearchRecord, StoredSubmission
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register
from matcher_service.routing.snapshot import current

if TYPE_CHECKING:
    from collections.abc import Sequence

JURISDICTIONS, VERSIONS, DECISIONS = 3_200, 10, 1_000
QUEUED, PEOPLE = 400, 3_000
BAR_DECISION_MS, BAR_OFF_S = 5.0, 1.0
COUNTY, ORI = "US-MO-019", "MO0100000"


def fill(database: Database, *, jurisdictions: int, versions: int) -> None:
    """A state for each 64 counties, an agency and a rule in each; the versions replaced each other day by day."""
    began = datetime.now(UTC) - timedelta(days=versions + 1)
    conditions = [Conditions(min_fingers=1 + k % 4, answer=Answer.FIRST).encoded() for k in range(versions)]
    with database.write() as session:
        places = [
            {"id": n, "code": f"J-{n:05d}", "kind": "county", "fips": "", "name": f"County {n}",
             "parent_id": None if n % 64 == 1 else n - (n - 1) % 64, "created_at": began}
            for n in range(1, jurisdictions + 1)
        ]  # fmt: skip
        session.execute(insert(Jurisdiction), places)
        session.execute(
            insert(Agency),
            [{"ori": f"XX{n:07d}", "name": f"Jail {n}", "jurisdiction_id": n, "active": True}
             for n in range(1, jurisdictions + 1)],
        )  # fmt: skip
        session.execute(
            insert(Activation),
            [{"id": n, "jurisdiction_id": n, "repository_id": 1} for n in range(1, jurisdictions + 1)],
        )
        session.execute(
            insert(ActivationVersion),
            [
                {
                    "activation_id": n, "version": k + 1, "state": "active", "from_at": began + timedelta(days=k),
                    "until_at": None, "conditions": conditions[k], "signed_by": "S", "document_sha256": "0" * 64,
                    "entered_by": "a", "approved_by": "b", "entered_at": began, "reason": "r",
                    "registry_version": k + 1,
                }
                for n in range(1, jurisdictions + 1)
                for k in range(versions)
            ],
        )  # fmt: skip
        session.execute(update(RoutingClock).values(version=versions))


def decisions(folder: Path, *, jurisdictions: int, versions: int, count: int) -> dict[str, Any]:
    """Milliseconds of a decision, recorded and committed, and without the recording; and what a rebuild costs."""
    database = Database(f"sqlite:///{folder}/decisions.db")
    for name in ("criminal", "immigration"):
        Repositories(database).create(name)
    fill(database, jurisdictions=jurisdictions, versions=versions)
    store = Submissions(database, instance="bench")
    random = np.random.default_rng(7)
    payloads = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
    numbers: list[int] = []
    for k in range(count):
        made = payloads.model_copy(update={"tcn": f"kiosk-1.{k:026d}"})
        ori = f"XX{int(random.integers(1, jurisdictions + 1)):07d}"
        store.file(made, encode_message(made), routing.Arrival(ori=ori))
    with database.read() as session:
        numbers = list(session.scalars(select(StoredSubmission.id)))
    with database.read() as session:
        began, cpu = time.perf_counter(), time.thread_time()
        snapshot = current(session)
        first_ms = {"wall": (time.perf_counter() - began) * 1000, "cpu": (time.thread_time() - cpu) * 1000}
    other = Database(f"sqlite:///{folder}/decisions.db")  # once more, weighed: that takes longer
    tracemalloc.start()
    with other.read() as session:
        current(session)
    held_mb = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    other.close()
    assert len(snapshot.rules) == jurisdictions
    decided: list[float] = []
    cpus: list[float] = []
    recorded: list[float] = []
    asked: list[float] = []
    for number in numbers:
        began = time.perf_counter()
        with database.write() as session:
            inside, cpu = time.perf_counter(), time.thread_time()
            routing.decide(session, number, now=datetime.now(UTC))
            decided.append((time.perf_counter() - inside) * 1000)
            cpus.append((time.thread_time() - cpu) * 1000)
        recorded.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        with database.read() as session:
            assert routing.still_allowed(session, number, "criminal", now=datetime.now(UTC))
        asked.append((time.perf_counter() - began) * 1000)
    # What one more version costs those who follow: only what is new is read.
    Register(database).suspend("J-00002", "criminal", by="system:bench", reason="bench")
    with database.read() as session:
        began = time.perf_counter()
        current(session)
        follow_ms = (time.perf_counter() - began) * 1000
    database.close()
    return {
        "jurisdictions": jurisdictions,
        "versions": versions,
        "decisions": len(numbers),
        "decided_ms": _spread(decided),
        "decided_cpu_ms": _spread(cpus),
        "decided_and_on_the_disk_ms": _spread(recorded),
        "asked_again_ms": _spread(asked),
        "snapshot_first_ms": {key: round(value) for key, value in first_ms.items()},
        "snapshot_followed_ms": round(follow_ms, 1),
        "snapshot_mb": round(held_mb, 1),
    }


def off_switch(folder: Path, *, queued: int, people: int) -> dict[str, Any]:
    """Seconds from the suspension's being committed until the last submission was searched, with a queue behind it."""
    database = Database(f"sqlite:///{folder}/off.db")
    repositories = Repositories(database)
    repositories.create("criminal")
    repositories.enroll_many(
        "criminal",
        [
            [NewPrint.of(2, made_up_minutiae(k)), NewPrint.of(7, made_up_minutiae(k + 10**6))]
            for k in range(people)
        ],
    )
    register = Register(database)
    register.bring(_places(), source="bench", by="system:bench")
    register.enter_agreed([_rule()], by="one", approved_by="two")
    settings = [
        f"database.url=sqlite:///{folder}/off.db", "routing.mode=rules", f"routing.devices.kiosk-1={ORI}",
        "search.threads=1",
    ]  # fmt: skip
    with Broker(folder / "broker") as broker:
        settings.append(f"broker.port={broker.port}")
        command = [sys.executable, "-m", "matcher_service", "run"]
        command += [word for setting in settings for word in ("--set", setting)]
        matcher = ChildProcess(command, name="the matcher", log=folder / "matcher.log")
        try:
            matcher.wait_for("msg=ready", timeout_s=240)
            sender = _Sender(broker.port or 1883)
            for _ in range(queued):
                sender.send()
            while _searched(database) < queued // 20:
                time.sleep(0.005)
            began = datetime.now(UTC)
            register.suspend(COUNTY, by="system:bench", reason="bench")
            committed = datetime.now(UTC)
            while (waiting := _waiting(database)) is None or waiting:
                time.sleep(0.1)
            sender.stop()
        finally:
            matcher.stop()
    with database.read() as session:
        last = session.scalar(
            select(func.max(RoutingDecision.decided_at)).where(RoutingDecision.verdict == "search")
        )
        last_search = session.scalar(select(func.max(SearchRecord.searched_at)))
        searched = session.scalar(select(func.count()).select_from(SearchRecord))
        later = session.scalar(
            select(func.count()).select_from(SearchRecord).where(SearchRecord.searched_at > committed)
        )
    database.close()
    assert last is not None
    assert last_search is not None
    return {
        "queued": queued,
        "people": people,
        "searched": searched,
        "begun_after_the_switch": later,
        "suspending_took_s": round((committed - began).total_seconds(), 3),
        "last_search_begun_after_s": round(max(0.0, (last_search - committed).total_seconds()), 3),
        "last_decision_to_search_after_s": round(max(0.0, (last - committed).total_seconds()), 3),
        "off_after_s": round(max(0.0, (max(last, last_search) - began).total_seconds()), 3),
    }


class _Sender:
    """A kiosk that only sends."""

    def __init__(self, port: int) -> None:
        self._up = False
        self._link = Link(
            broker=BrokerSettings(port=port, session_expiry_s=0),
            client_id="kiosk-1",
            subscriptions=[],
            handler=self,
        )
        self._link.start()
        deadline = time.monotonic() + 20
        while not self._up and time.monotonic() < deadline:
            time.sleep(0.02)

    def send(self) -> None:
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(5), 7: made_up_minutiae(10**6 + 5)})
        while not self._link.publish(
            Outgoing(topic=up("kiosk-1", Up.SUBMISSION), payload=encode_message(made))
        ):
            time.sleep(0.02)

    def stop(self) -> None:
        self._link.stop()

    def make_will(self) -> None:
        """None."""

    def make_farewell(self) -> None:
        """None."""

    def on_connected(self) -> None:
        """It may send."""
        self._up = True

    def on_disconnected(self, reason: str) -> None:
        """The link comes back by itself."""

    def on_message(self, message: object) -> None:
        """Nothing is subscribed to."""

    def on_puback(self, verdict: object) -> None:
        """Nothing waits for it."""

    def on_tick(self) -> None:
        """Nothing goes by the clock."""


def _places() -> RegisterContent:
    return RegisterContent(
        jurisdictions=(
            JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
            JurisdictionEntry(code=COUNTY, kind="county", fips="29019", name="Boone County", parent="US-MO"),
        ),
        agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=COUNTY),),
    )


def _rule() -> ActivationEntry:
    return ActivationEntry(
        jurisdiction=COUNTY,
        repository="criminal",
        from_at=datetime.now(UTC),
        conditions=Conditions(answer=Answer.FIRST),
        signed_by="Sheriff",
        document_sha256="0" * 64,
        reason="bench",
    )


def _searched(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(SearchRecord)) or 0


def _waiting(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(
            select(func.count()).select_from(StoredSubmission).where(StoredSubmission.outcome == "waiting")
        )


def _spread(values: Sequence[float]) -> dict[str, float]:
    found = np.percentile(np.asarray(values), [50, 99, 100])
    return {
        "p50": round(float(found[0]), 3),
        "p99": round(float(found[1]), 3),
        "max": round(float(found[2]), 3),
    }


def main() -> None:
    """Run, print, and fail where a bar is not held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jurisdictions", type=int, default=JURISDICTIONS)
    parser.add_argument("--versions", type=int, default=VERSIONS)
    parser.add_argument("--decisions", type=int, default=DECISIONS)
    parser.add_argument("--off-switch", action="store_true", help="the second part only")
    parser.add_argument("--queued", type=int, default=QUEUED)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not chosen.off_switch:
            found["decision"] = decisions(
                folder, jurisdictions=chosen.jurisdictions, versions=chosen.versions, count=chosen.decisions
            )
        found["off_switch"] = off_switch(folder, queued=chosen.queued, people=chosen.people)
    for part, figures in found.items():
        print(part)
        for key, value in figures.items():
            print(f"  {key:34} {value}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    slow = "decision" in found and found["decision"]["decided_ms"]["p50"] > BAR_DECISION_MS
    late = found["off_switch"]["off_after_s"] > BAR_OFF_S
    print(f"bars: a decision {BAR_DECISION_MS:g} ms: {'MISSED' if slow else 'held'};"
          f" off {BAR_OFF_S:g} s: {'MISSED' if late else 'held'}")  # fmt: skip
    sys.exit(1 if slow or late else 0)


if __name__ == "__main__":
    main()
