"""The appliance at its desk, every part a process of its own: kiosk, broker, matcher, sensor (and its board)."""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from deploy.arm64.unit_file import parse_unit
from edge_service.kiosk.users import FILE as USERS_FILE
from edge_service.kiosk.users import Users
from hardware.bench.emulator import SensorEmulator
from hardware.bench.finger_images import fit_to_window
from hardware.bench.process import ChildProcess
from hardware.bench.technician import pair
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.workshop_centre import WorkshopCentre
from matcher_service.repositories import Database, Repositories
from models.synthetic import impression, master

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

UNIT = Path(__file__).parents[2] / "deploy/systemd/whorl-edge.service"
DEVICE = "bench-kiosk"
ORI = "MO0100000"  # made up
PIN, BADGE = "493817", "KX-20417"
WIDTH_PX, HEIGHT_PX = 256, 288
EDGE_READY_S = 60.0
MOST_SHIFT_PX = 12


class Fingers:
    """Synthetic prints, nobody's; no two bookings get the same pixels."""

    def __init__(self, count: int) -> None:
        self._masters = [
            fit_to_window(impression(master(300 + k), 2), width=WIDTH_PX, height=HEIGHT_PX)
            for k in range(count)
        ]

    def of_booking(self, number: int, fingers: int) -> list[NDArray[np.uint8]]:
        """The windows of one booking; moved a little, as no finger is laid down twice the same way."""
        chance = np.random.default_rng(number)
        start = number * fingers
        moved: list[NDArray[np.uint8]] = []
        for k in range(fingers):
            down, across = chance.integers(-MOST_SHIFT_PX, MOST_SHIFT_PX + 1, size=2).tolist()
            window = np.roll(self._masters[(start + k) % len(self._masters)], (down, across), (0, 1))
            moved.append(np.ascontiguousarray(window))
        return moved


class Appliance:
    """A context manager; the page answers at `url` while it is open."""

    def __init__(
        self,
        folder: Path,
        *,
        secure: bool,
        board: bool,
        settings: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`env` is set for the kiosk beside what its systemd unit sets."""
        self.folder = folder
        self.kiosk: ChildProcess
        self.sensor: SensorEmulator
        self.board: VirtualBoard | None = None
        self.port, self.health_port = free_port(), free_port()
        self._secure, self._with_board = secure, board
        shipped = parse_unit(UNIT.read_text(encoding="utf-8"), path=str(UNIT)).environment
        self._settings, self._env = settings, {**os.environ, **shipped, **(env or {})}
        self._open = ExitStack()

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def put(self, image: NDArray[np.uint8]) -> None:
        """Lay a finger on the sensor."""
        self.sensor.enqueue([image])
        self.sensor.next_finger()

    def scrape(self) -> None:
        """Ask for the figures, as a Prometheus would."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/metrics", timeout=10) as page:
            page.read()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        centre = self._open.enter_context(WorkshopCentre(self.folder, secure=self._secure))
        database = Database(centre.database_url)
        self._open.callback(database.close)
        Repositories(database).create("criminal")
        centre.start_matcher()
        centre.start_door()
        self.sensor = self._open.enter_context(SensorEmulator("R307", auto_next=True, baud=115_200))
        users = Users(self.folder / USERS_FILE)
        users.add("d104", PIN, kind="pin")
        users.add("d104", BADGE, kind="badge")
        chosen = [
            *centre.admit(DEVICE, ORI, self.folder / "identity"),
            f"spool.path={self.folder}/spool.db",
            f"kiosk.port={self.port}",
            f"ops.port={self.health_port}",
            "sensor.model=R307",
            *self._reader(),
            *self._settings,
        ]
        command = [sys.executable, "-m", "edge_service", "kiosk"]
        command += [word for setting in chosen for word in ("--set", setting)]
        log = self.folder / "kiosk.log"
        self.kiosk = ChildProcess(command, name="the kiosk", log=log, env=self._env)
        self._open.callback(self.kiosk.stop)
        self.kiosk.wait_for("msg=ready", timeout_s=EDGE_READY_S)

    def _reader(self) -> list[str]:
        if not self._with_board:
            return ["sensor.through=uart", f"sensor.port={self.sensor.path}"]
        self.board = self._open.enter_context(VirtualBoard(self.sensor, folder=self.folder / "flash"))
        pairing = self.folder / "board-pairing.json"
        pair(self.board, pairing)
        return ["sensor.through=board", f"sensor.port={self.board.path}", f"sensor.pairing={pairing}"]


def free_port() -> int:
    """Of the loopback, at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
