"""What the demo runs on, started and ended together: broker, matcher, sensor, its board, edge service."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edge_service import parameters
from edge_service.clock import SystemClock
from edge_service.sensors import ZfmSensor
from edge_service.sensors.board import BoardSensor
from edge_service.service import EdgeService
from edge_service.settings import CaptureSettings, UplinkSettings
from edge_service.spool import Spool
from edge_service.uplink import Uplink
from hardware.bench.broker import Broker
from hardware.bench.emulator import SensorEmulator
from hardware.bench.firmware_process import find_micropython
from hardware.bench.process import ChildProcess, ProcessError
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from interchange.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from edge_service.booking import BookingEvent
    from edge_service.extraction import Extractor
    from edge_service.sensors import FingerprintSensor

DEVICE = "demo-kiosk"
SENSOR_MODEL = "R307"
SENSOR_BAUD = 115_200
BOARD_READY_S = 30.0
READY_TIMEOUT_S = 240.0  # the first start compiles the matcher's kernels


class Stage:
    """A context manager; `edge` takes bookings once `start` has returned.

    With `direct` the sensor is wired straight to the kiosk; otherwise it is behind its board, whose firmware runs in
    MicroPython, or under CPython where there is none.
    """

    def __init__(
        self, *, extractor: Extractor, speed: float, direct: bool, events: Callable[[BookingEvent], None]
    ) -> None:
        self.edge: EdgeService
        self.sensor: SensorEmulator
        self._extractor = extractor
        self._speed = speed
        self._direct = direct
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
        reader = self._start_reader(on_part)
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

    @property
    def board(self) -> str:
        """What is between the sensor and the kiosk, in words."""
        if self._direct:
            return "nothing: the sensor is wired straight to the kiosk"
        if find_micropython():
            return "the sensor board's firmware in MicroPython"
        return "the sensor board's firmware, under CPython (there is no MicroPython here)"

    def _start_reader(self, on_part: Callable[[str], None]) -> FingerprintSensor:
        if self._direct:
            straight = ZfmSensor(self.sensor.path, model=SENSOR_MODEL)
            self._open.callback(straight.close)
            return straight
        on_part(self.board)
        board = self._open.enter_context(VirtualBoard(self.sensor))
        on_part("the pairing of board and kiosk: lid open, button held, lid closed")
        pairing = self.folder / "board-pairing.json"
        pair(board, pairing)
        reader = BoardSensor(board.path, pairing=pairing, model=SENSOR_MODEL, looks=parameters.LOOKS)
        self._open.callback(reader.close)
        reader.connect(timeout_s=BOARD_READY_S)
        return reader

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
