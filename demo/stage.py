"""What the demo runs on, started and ended together: broker, matcher, sensor, its board, edge service."""

from __future__ import annotations

import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edge_service import parameters
from edge_service.clock import SystemClock
from edge_service.provisioning import channel_of
from edge_service.sensors import ZfmSensor
from edge_service.sensors.board import BoardSensor
from edge_service.service import EdgeService
from edge_service.settings import CaptureSettings, EdgeSettings, UplinkSettings
from edge_service.spool import Spool
from edge_service.uplink import Uplink
from hardware.bench.emulator import SensorEmulator
from hardware.bench.firmware_process import find_micropython
from hardware.bench.process import ChildProcess
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.workshop_centre import WorkshopCentre
from interchange.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from edge_service.booking import BookingEvent
    from edge_service.extraction import Extractor
    from edge_service.sensors import FingerprintSensor
    from hardware.bench.broker import Broker
    from hardware.bench.secure_centre import SecureCentre


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A kiosk of the demo: its name, and its jail's ORI, which is made up."""

    name: str
    ori: str


BOONE = Kiosk("demo-kiosk", "MO0100000")
SENSOR_MODEL = "R307"
SENSOR_BAUD = 115_200
BOARD_READY_S = 30.0


class Stage:
    """A context manager; the kiosks take bookings once `start` has returned: `edges` by name, `edge` the first.

    They share one sensor, which is carried from one to the other. With `rules` what is searched is decided by the
    register; otherwise everything is.

    With `direct` the sensor is wired straight to the kiosk; otherwise it is behind its board, whose firmware runs in
    MicroPython, or under CPython where there is none. With `secure` there is an authority, the broker runs its shipped
    configuration, and the kiosk is invited and provisioned before it may speak.
    """

    def __init__(
        self,
        *,
        extractor: Extractor,
        speed: float,
        direct: bool,
        events: Callable[[BookingEvent], None],
        secure: bool = False,
        kiosks: Sequence[Kiosk] = (BOONE,),
        rules: bool = False,
    ) -> None:
        self.edges: dict[str, EdgeService] = {}
        self.spools: dict[str, Spool] = {}
        self.broker: Broker
        self.centre: SecureCentre | None = None
        self.settings: list[str] = []
        self.sensor: SensorEmulator
        self._extractor = extractor
        self._speed = speed
        self._direct = direct
        self._secure = secure
        self._events = events
        self._kiosks = kiosks
        self._mode = "rules" if rules else "everything"
        self._open = ExitStack()
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="whorl-demo-")))

    @property
    def database_url(self) -> str:
        """Where the matcher keeps its store."""
        return f"sqlite:///{self.folder}/matcher.db"

    def start(self, on_part: Callable[[str], None]) -> None:
        """Start every part; `on_part` is told in words what is being started."""
        on_part("Mosquitto on a loopback port")
        more = [f"routing.mode={self._mode}"]
        if not self._secure:  # otherwise the authority knows it
            more += [f"routing.devices.{kiosk.name}={kiosk.ori}" for kiosk in self._kiosks]
        self._centre = self._open.enter_context(
            WorkshopCentre(self.folder, secure=self._secure, settings=more)
        )
        self.centre, self.broker, self.settings = (
            self._centre.secure,
            self._centre.broker,
            self._centre.settings,
        )
        on_part("the matcher (the first time it compiles its kernels, up to a minute)")
        self._centre.start_matcher()
        on_part(f"an emulated {SENSOR_MODEL} sensor on a pseudo-terminal")
        self.sensor = self._open.enter_context(
            SensorEmulator(SENSOR_MODEL, baud=SENSOR_BAUD, speed=self._speed, auto_next=True)
        )
        reader = self._start_reader(on_part)
        if self.centre is not None:
            on_part("the centre's door; each kiosk brings its one-time code")
            self._centre.start_door()
        for kiosk in self._kiosks:
            on_part("the kiosk's edge service")
            self.edges[kiosk.name] = self._start_kiosk(kiosk, reader)

    @property
    def edge(self) -> EdgeService:
        """The first kiosk."""
        return next(iter(self.edges.values()))

    def child(self, name: str, *command: str | Path) -> ChildProcess:
        """A program that is ended with everything else."""
        made = ChildProcess(command, name=name, log=self.folder / f"{name.replace(' ', '-')}.log")
        self._open.callback(made.stop)
        return made

    def _start_kiosk(self, kiosk: Kiosk, reader: FingerprintSensor) -> EdgeService:
        spool = Spool(self.folder / f"{kiosk.name}.db", device=kiosk.name)
        self._open.callback(spool.close)
        self.spools[kiosk.name] = spool
        clock = SystemClock(store=spool)
        known = self._kiosk_settings(kiosk)
        settings = UplinkSettings()
        uplink = Uplink(
            spool=spool,
            device=kiosk.name,
            broker=known.broker,
            settings=settings,
            clock=clock,
            channel=channel_of(known, clock=clock),
        )
        uplink.start()
        self._open.callback(uplink.stop)
        return EdgeService(
            device=kiosk.name,
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

    @property
    def door(self) -> str:
        """How kiosk and centre speak, in words."""
        if self._secure:
            return (
                "mutual TLS with certificates of the demo's own authority; submissions and replies signed and sealed"
                " (COSE), so that the broker reads neither"
            )
        return "in the clear on this machine (make demo SECURE=1 shows the other way)"

    def _kiosk_settings(self, kiosk: Kiosk) -> EdgeSettings:
        """The kiosk's settings: where there is a centre to be let in by, as they are after that."""
        identity = self.folder / f"identity-{kiosk.name}"
        return load_settings(EdgeSettings, None, self._centre.admit(kiosk.name, kiosk.ori, identity))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
