"""The campaign itself: lets things go wrong when the plan says so, puts them right again, and looks on meanwhile.

It steps in like systemd and like whoever frees a disk or sets a clock; everything else the product has to do by itself.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING

from benchmarks.endurance import parameters as p
from benchmarks.endurance.kiosk_clock import RIGHT
from benchmarks.endurance.ledger import LedgerReader
from benchmarks.endurance.plan import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.endurance.ledger import Account
    from benchmarks.endurance.plan import Incident
    from benchmarks.endurance.program import Program
    from benchmarks.endurance.site import Site


class Stuck(Exception):  # noqa: N818 - reads as what it is
    """Nothing has come through for a long time, although nothing is wrong any more."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            f"no booking was saved or answered for {waited_s:.0f} s; look at the logs, then go on with --resume"
        )


class Conductor:
    """Runs a campaign to its end; see the module."""

    def __init__(self, site: Site, plan: Sequence[Incident], *, seed: int) -> None:
        self._site = site
        self._reader = LedgerReader(site.ledger)
        self._happened_file = site.folder / "faults.jsonl"
        self._samples_file = site.folder / "samples.jsonl"
        self._random = Random(f"conductor {seed}")  # noqa: S311 - moments within a millisecond
        done = _lines(self._happened_file)
        self.happened: Counter[str] = Counter(str(line["kind"]) for line in done)
        had = {line["number"] for line in done}
        self._due = [incident for incident in plan if incident.number not in had][::-1]
        self._to_undo: list[tuple[float, Callable[[], None]]] = []
        self._sample_at = 0.0
        self._clock_turns = self._disk_turns = 0

    @property
    def account(self) -> Account:
        """What the officer was told so far."""
        return self._reader.account

    def run(self, on_progress: Callable[[], None]) -> None:
        """Until the officer has every reply. Raises Stuck."""
        seen, seen_at = (-1, -1), time.monotonic()
        while not self._site.officer.finished:
            self._site.mind()
            account = self._reader.follow()
            now = time.monotonic()
            if (account.saved, account.replied) != seen:
                seen, seen_at = (account.saved, account.replied), now
            elif now - seen_at > p.STUCK_S:
                raise Stuck(now - seen_at)
            self._undo(now)
            while self._due and self._due[-1].at <= account.saved:
                self._let_happen(self._due.pop())
            if now >= self._sample_at:
                self._sample(account.saved)
                self._sample_at = now + p.SAMPLE_S
            on_progress()
            time.sleep(p.LOOK_S)
        self._reader.follow()
        self._undo(float("inf"))

    def _undo(self, now: float) -> None:
        for entry in [entry for entry in self._to_undo if entry[0] <= now]:
            self._to_undo.remove(entry)
            entry[1]()

    def _let_happen(self, incident: Incident) -> None:
        with self._happened_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**incident.as_json(), "t": round(time.monotonic(), 3)}) + "\n")
        self.happened[incident.kind] += 1
        undo = self._begin(incident)
        if undo is not None:
            self._to_undo.append((time.monotonic() + incident.duration_s, undo))

    def _begin(self, incident: Incident) -> Callable[[], None] | None:
        """Let it happen; what undoes it, if it is to be undone here."""
        victims: dict[Fault, Program] = {
            Fault.EDGE_KILL: self._site.edge,
            Fault.MATCHER_KILL: self._site.matcher,
            Fault.BROKER_KILL: self._site.broker,
            Fault.OFFICER_KILL: self._site.officer,
        }
        if incident.kind in victims:
            if incident.kind is Fault.OFFICER_KILL:
                self._wait_for_a_booking()
            victims[incident.kind].kill(away_s=incident.duration_s)
            return None
        if incident.kind is Fault.DISK_FULL:
            return self._fill_disk(incident)
        if incident.kind is Fault.CLOCK_JUMP:
            return self._jump(incident)
        network = self._site.networks[incident.detail]
        begin: dict[Fault, Callable[[], Callable[[], None] | None]] = {
            Fault.NET_RESET: network.reset,
            Fault.NET_CUT: network.cut,
            Fault.NET_SILENCE: network.silence,
            Fault.NET_HALF_OPEN: network.half_open,
            Fault.NET_DELAY: network.delay,
            Fault.NET_GARBLE: network.garble,
        }
        return begin[incident.kind]()

    def _fill_disk(self, incident: Incident) -> Callable[[], None]:
        left, more = incident.detail.split()
        self._disk_turns += 1
        turn = self._disk_turns
        self._site.disk.fill(left_bytes=int(left))
        if more == "kill":
            self._site.edge.kill(away_s=0.0)

        def free() -> None:
            if turn == self._disk_turns:
                self._site.disk.free()

        return free

    def _jump(self, incident: Incident) -> Callable[[], None]:
        offset, more = incident.detail.split()
        self._clock_turns += 1
        turn = self._clock_turns
        self._site.clock.set(offset)
        if more == "reset":
            self._site.networks["edge"].reset()
        elif more == "kill":
            self._site.edge.kill(away_s=0.0)

        def set_right() -> None:
            if turn == self._clock_turns:
                self._site.clock.set(RIGHT)

        return set_right

    def _wait_for_a_booking(self) -> None:
        """Until one is being saved: to be killed in between is what has to be survived."""
        began = self._site.ledger.stat().st_size if self._site.ledger.exists() else 0
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            if self._site.ledger.exists():
                with self._site.ledger.open("rb") as file:
                    file.seek(began)
                    if b'"intent"' in file.read():
                        break
            time.sleep(0.0002)
        time.sleep(self._random.uniform(0.0, 0.012))

    def _sample(self, saved: int) -> None:
        samples = [s for program in self._site.programs if (s := program.sample(saved)) is not None]
        with self._samples_file.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(sample)) + "\n" for sample in samples)


def _lines(file: Path) -> list[dict[str, object]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.endswith("}")]
