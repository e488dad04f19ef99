"""What the demo runs on, started and ended together: broker, matcher, sensor emulator, edge service."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edge_service.clock import SystemClock
from edge_service.sensors import ZfmSensor
from edge_service.service import EdgeService
from edge_service.settings import CaptureSettings, UplinkSettings
from edge_service.spool import Spool
from edge_service.uplink import Uplink
from hardware.bench.broker import Broker
from hardware.bench.emulator import SensorEmulator
from hardware.bench.process import ChildProcess, ProcessError
from interchange.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from edge_service.booking import BookingEvent
    from edge_service.extraction import Extractor

DEVICE = "demo-kiosk"
SENSOR_MODEL = "R307"
SENSOR_BAUD = 115_200
READY_TIMEOUT_S = 240.0  # the first start compiles the matcher's kernels


class Stage:
    """A context manager; `edge` takes bookings once `start` has returned."""

    def __init__(self, *, extractor: Extractor, speed: float, events: Callable[[BookingEvent], None]) -> None:
        self.edge: EdgeService
        self.sensor: SensorEmulator
        self._extractor = extractor
        self._speed = speed
        self._events = events
        self._open = ExitStack()
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="whorl-demo-")))

    @property
    def database_url(self) -> str:
        """Where the matcher keeps its store."""
        return f"sqlite:///{self.folder}/matcher.db"

    def start(self, on_part: Callable[[str], None]) -> None:
        """Start every part; `on_part` is told in words what is being started."""
        on_part("Mosquitto on a loopback port")
        broker = self._open.enter_context(Broker(self.folder / "broker"))
        on_part("the matcher (the first time it compiles its kernels, up to a minute)")
        self._start_matcher(broker.port)
        on_part(f"an emulated {SENSOR_MODEL} sensor on a pseudo-terminal")
        self.sensor = self._open.enter_context(
            SensorEmulator(SENSOR_MODEL, baud=SENSOR_BAUD, speed=self._speed, auto_next=True)
        )
        on_part("the kiosk's edge service")
        spool = Spool(self.folder / "spool.db", device=DEVICE)
        self._open.callback(spool.close)
        clock = SystemClock(store=spool)
        settings = UplinkSettings()
        uplink = Uplink(
            spool=spool,
            device=DEVICE,
            broker=BrokerSettings(host=broker.host, port=broker.port),
            settings=settings,
            clock=clock,
        )
        reader = ZfmSensor(self.sensor.path, model=SENSOR_MODEL)
        self._open.callback(reader.close)
        uplink.start()
        self._open.callback(uplink.stop)
        self.edge = EdgeService(
            device=DEVICE,
            sensor=reader,
            extractor=self._extractor,
            spool=spool,
            clock=clock,
            wake_uplink=uplink.wake,
            events=self._events,
            capture=CaptureSettings(attempts=1),
            uplink=settings,
            cancel=threading.Event(),
        )

    def _start_matcher(self, port: int) -> None:
        ready = self.folder / "matcher.ready"
        command = [sys.executable, "-m", "matcher_service", "run", "--ready-file", ready]
        command += ["--set", f"broker.port={port}", "--set", f"database.url={self.database_url}"]
        matcher = ChildProcess(command, name="the matcher", log=self.folder / "matcher.log")
        self._open.callback(matcher.stop)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not ready.exists():
            if matcher.returncode is not None or time.monotonic() > deadline:
                raise ProcessError("the matcher", "did not become ready", matcher.output()[-1500:])
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
