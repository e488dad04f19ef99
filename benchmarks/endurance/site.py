"""The whole of Whorl on one machine, with a network in between that can fail.

    officer -> spool <- edge service -> proxy -> Mosquitto <- proxy <- matcher -> SQLite

Mosquitto runs the shipped configuration (TLS, certificates, ACL), the kiosk is invited and provisioned, submissions and
replies are signed and sealed: everything as shipped, but shorter pauses, a small disk and a small spool.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from benchmarks.endurance import parameters as p
from benchmarks.endurance.kiosk_clock import KioskClock
from benchmarks.endurance.kiosk_disk import KioskDisk
from benchmarks.endurance.program import Program, end_left_overs, write_down
from benchmarks.endurance.proxy import Proxy
from benchmarks.endurance.setting_up import set_up
from hardware.bench.broker import HOST, Broker, find_mosquitto
from hardware.bench.process import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType


class Site:
    """A context manager. With `resume` it is put up around the state that an earlier one has left in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        submissions: int,
        rate_per_s: float,
        resume: bool,
        on_part: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.ledger = folder / "ledger.jsonl"
        self.database = folder / "centre" / "matcher.db"
        self._running = folder / "processes.json"
        self._tell = on_part
        self._open = ExitStack()
        end_left_overs(self._running)
        self.disk = KioskDisk(folder / "kiosk")
        self.clock = KioskClock(folder / "kiosk-clock")
        facts = folder / "site.json"
        if not resume:
            (folder / "centre").mkdir(parents=True, exist_ok=True)
            settings, identities = set_up(
                folder / "centre",
                database=self.database,
                identity=self.disk.folder / "identity",
                seed=seed,
                on_part=on_part,
            )
            facts.write_text(json.dumps({"settings": settings, "identities": identities}), encoding="ascii")
        self.identities: list[str]
        self._centre: list[str]
        known = json.loads(facts.read_text("ascii"))
        self.identities, self._centre = known["identities"], known["settings"]
        broker = Broker(folder / "centre" / "broker", secure=folder / "centre" / "authority" / "broker")
        broker.start()  # writes its configuration, finds a port
        broker.stop()
        self.networks = {
            name: self._open.enter_context(Proxy(target_port=broker.port, seed=seed + k))
            for k, name in enumerate(("edge", "matcher"))
        }
        log = folder / "logs"
        log.mkdir(exist_ok=True)
        self.broker = Program(
            "broker",
            lambda: [str(find_mosquitto()), "-c", str(broker.folder / "mosquitto.conf")],
            log=log / "broker.log",
        )
        self.matcher = Program(
            "matcher",
            lambda: [sys.executable, "-m", "matcher_service", "run", *_set(self.matcher_settings)],
            log=log / "matcher.log",
        )
        self.edge = Program(
            "edge",
            lambda: [sys.executable, "-m", "edge_service", "run", *_set(self.edge_settings)],
            log=log / "edge.log",
            env=lambda: self.clock.environment,
            on_gone=self.clock.tidy,
        )
        numbers = ["--seed", str(seed), "--submissions", str(submissions), "--rate", str(rate_per_s)]
        self.officer = Program(
            "officer",
            lambda: [
                *(sys.executable, "-m", "benchmarks.endurance.officer", "--ledger", str(self.ledger)),
                *numbers,
                *_set(self.edge_settings),
            ],
            log=log / "officer.log",
            env=lambda: self.clock.environment,
            on_gone=self.clock.tidy,
        )
        self.programs = (self.broker, self.matcher, self.edge, self.officer)

    @property
    def edge_settings(self) -> list[str]:
        """Of the kiosk's programs."""
        return [
            f"identity.folder={self.disk.folder / 'identity'}",
            f"spool.path={self.disk.folder / 'spool.db'}",
            f"broker.host={HOST}",
            f"broker.port={self.networks['edge'].port}",
            *p.LINK_SETTINGS,
            *p.EDGE_SETTINGS,
        ]

    @property
    def matcher_settings(self) -> list[str]:
        """Of the matcher."""
        return [
            *self._centre,
            f"broker.port={self.networks['matcher'].port}",
            *p.LINK_SETTINGS,
            *p.MATCHER_SETTINGS,
        ]

    def mind(self) -> None:
        """What is to run runs."""
        before = [program.pid for program in self.programs]
        for program in self.programs:
            program.mind()
        if before != [program.pid for program in self.programs]:
            write_down(self.programs, self._running)

    def start(self) -> None:
        """Broker and matcher first, because the first start of all takes a minute; then the others."""
        self._tell("broker and matcher (the first time it compiles, up to a minute)")
        deadline = time.monotonic() + p.START_LIMIT_S
        log = self.folder / "logs" / "matcher.log"
        known = log.stat().st_size if log.exists() else 0
        while not _says(log, b"msg=ready", known):
            self.broker.mind()
            self.matcher.mind()
            if time.monotonic() > deadline:
                raise ProcessError("the matcher", "did not become ready", str(self.matcher.ended[-3:]))
            time.sleep(p.LOOK_S)
        self._tell("edge service and officer")
        self.mind()

    def stop(self) -> None:
        """In order."""
        for program in (self.officer, self.edge, self.matcher, self.broker):
            program.stop()
        with contextlib.suppress(OSError):
            self._running.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._open.close()


def _says(log: Path, text: bytes, beyond: int) -> bool:
    """Whether a log holds this beyond what it held before."""
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(beyond)
        return text in file.read()


def _set(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]
