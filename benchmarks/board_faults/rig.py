"""What stands on the bench: a sensor, its wire, and behind it the host, with the board in between or without."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import fields, replace
from pathlib import Path
from queue import Queue
from random import Random
from typing import TYPE_CHECKING, TypeVar

from benchmarks.board_bench import pair
from benchmarks.board_faults import parameters as p
from benchmarks.board_faults.attacks import forged, frames_of
from benchmarks.board_faults.troubles import (
    HOST,
    LINK_DOWN,
    LINK_UP,
    SENSOR_DOWN,
    SENSOR_UP,
    Deed,
)
from edge_service.sensors import Timing, ZfmSensor
from edge_service.sensors.board import Board, BoardSensor
from edge_service.sensors.errors import SensorError
from edge_service.sensors.parameters import BoardTiming
from hardware.bench.emulator import SensorEmulator
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.wire import Direction, Wire
from hardware.bench.wire_faults import FaultScript

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.board_faults.plan import Plan
    from benchmarks.board_faults.troubles import RigKind
    from edge_service.sensors import FingerprintSensor, Frame
    from hardware.bench.wire import Tap
    from hardware.bench.wire_faults import Incident

    _T = TypeVar("_T", Timing, BoardTiming)

_OUT_OF_THE_SOCKET_S = 0.1
_IDLE_HANDS_S = 30.0
_REMEMBERED_PIECES = 400


def hastened(timing: _T, haste: int) -> _T:
    """Deadlines and pauses `haste` times as short."""
    shorter = {f.name: getattr(timing, f.name) / haste for f in fields(timing) if f.name.endswith("_s")}
    return replace(timing, **shorter)


class Rig(ABC):
    """A bench with faults in it. Used by one thread.

    Attributes:
        kind: what it is made of.
        limit_s: a capture has to have ended by then, one way or another.
    """

    limit_s: float

    def __init__(self, kind: RigKind, *, seed: int, haste: int, tap: Tap | None) -> None:
        self.kind = kind
        self._haste = haste
        self._sensor = SensorEmulator(
            kind.model,
            packet_bytes=kind.packet_bytes,
            baud=kind.baud,
            boot_s=0.1 / haste,
            replug_after_s=0.5 / haste,
            seed=seed,
        )
        self._sensor_wire = Wire(name="sensor", called=self._call, tap=tap)
        self._naps: list[Incident] = []
        self._calls: Queue[int] = Queue()
        self._slips: list[str] = []
        self._hand = threading.Thread(target=self._work, name="hand", daemon=True)

    @property
    @abstractmethod
    def driver(self) -> FingerprintSensor:
        """The product."""

    def open(self) -> None:
        """Put all of it up."""
        self._sensor.start()
        self._sensor_wire.start()
        self._sensor_wire.join(self._sensor.path)
        self._hand.start()

    def close(self) -> None:
        """Take all of it down."""
        self._calls.put(0)
        self._hand.join(_IDLE_HANDS_S)
        self._sensor_wire.stop()
        self._sensor.stop()

    def present(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Put a finger down; what the host should get of it."""
        return self._sensor.present(picture)

    def harm(self, plan: Plan) -> None:
        """From here on all that goes wrong which the plan says."""
        for fault in plan.faults():
            self._sensor.arm(fault)
        self._naps = plan.incidents(HOST)
        self._sensor_wire.harm(
            up=FaultScript(plan.incidents(SENSOR_UP), seed=plan.number),
            down=FaultScript(plan.incidents(SENSOR_DOWN), seed=plan.number),
        )

    def capture(self) -> Frame:
        """One image. Raises whatever the driver raises."""
        return self.driver.capture(timeout_s=p.FINGER_TIMEOUT_S, progress=self._nap)

    def happened(self) -> list[str]:
        """The incidents that took place, as text."""
        wire = self._sensor_wire
        return [
            *(f"{SENSOR_UP} {what}" for what in wire.happened(Direction.UP)),
            *(f"{SENSOR_DOWN} {what}" for what in wire.happened(Direction.DOWN)),
        ]

    def heal(self) -> None:
        """Nothing is wrong any more, as far as the bench is concerned."""
        self._sensor_wire.heal()
        self._naps = []
        self._await_hand()
        self._sensor.clear_faults()
        self._sensor.replug()

    def counters(self) -> dict[str, int]:
        """What the board has counted; empty without one."""
        return {}

    def ailments(self) -> list[str]:
        """What should never be: a board that does not come back, say."""
        found, self._slips = self._slips, []
        return found

    def _nap(self, received_bytes: int, _: int) -> None:
        """The driver's progress is told in its own thread: while we sleep here it does not read."""
        while self._naps and received_bytes >= self._naps[0].at_byte:
            time.sleep(self._naps.pop(0).size / 1000)

    # -- the hand, which does what a wire calls for

    def _call(self, number: int) -> None:
        self._calls.put(number)

    def _work(self) -> None:
        while number := self._calls.get():
            try:
                self._do(Deed(number))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                self._slips.append(f"{Deed(number).name}: {error}")
            self._calls.task_done()
        self._calls.task_done()

    def _do(self, deed: Deed) -> None:
        if deed is Deed.POWER_CYCLE_SENSOR:
            self._sensor.power_cycle()
        elif deed is Deed.UNPLUG_SENSOR:
            self._sensor.unplug()
            time.sleep(_OUT_OF_THE_SOCKET_S)
            self._sensor.replug()

    def _await_hand(self) -> None:
        deadline = time.monotonic() + _IDLE_HANDS_S
        while self._calls.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.002)


class DirectRig(Rig):
    """Without a board: the Pi's driver straight on the sensor's wire."""

    def __init__(self, kind: RigKind, *, seed: int, haste: int, tap: Tap | None = None) -> None:
        super().__init__(kind, seed=seed, haste=haste, tap=tap)
        timing = hastened(Timing(), haste)
        self._driver = ZfmSensor(self._sensor_wire.path, model=kind.model, timing=timing)
        wire_s = 2 * 36_864 * 10 / kind.baud
        transfer_s = timing.image_factor * wire_s + timing.image_margin_s
        self.limit_s = 2 * (p.FINGER_TIMEOUT_S + timing.babble_s + transfer_s) + 8 * timing.reply_s

    @property
    def driver(self) -> ZfmSensor:
        """The product."""
        return self._driver

    def close(self) -> None:
        """Take all of it down."""
        self._driver.close()
        super().close()


class BoardRig(Rig):
    """Sensor, wire, firmware in its interpreter, wire, the Pi's driver.

    Args:
        flash: a new board's, as `flash_of_a_new_board` makes it.
    """

    def __init__(
        self,
        kind: RigKind,
        *,
        seed: int,
        haste: int,
        flash: Path,
        tap: Tap | None = None,
        link_tap: Tap | None = None,
    ) -> None:
        super().__init__(kind, seed=seed, haste=haste, tap=tap)
        self._own_folder = tempfile.TemporaryDirectory(prefix="whorl-campaign-")
        own_flash = shutil.copytree(flash, Path(self._own_folder.name) / "flash")
        self._pairing = Path(self._own_folder.name) / "pairing.json"
        self._timing = timing = hastened(BoardTiming(), haste)
        self._link_wire = Wire(name="board", usb=True, called=self._call, tap=self._remember)
        self._link_tap = link_tap
        self._passed: dict[Direction, deque[bytes]] = {d: deque(maxlen=_REMEMBERED_PIECES) for d in Direction}
        self._board = VirtualBoard(
            self._sensor,
            interpreter="micropython",
            firmware=own_flash,
            lid_open=True,
            detect_line=kind.detect_line,
            sensor_wire=self._sensor_wire,
            usb_wire=self._link_wire,
            watchdog_s=8.0 / haste,
            options={"haste": haste},
        )
        self._driver = BoardSensor(self._link_wire.path, pairing=self._pairing, timing=timing)
        self._random = Random(seed)  # noqa: S311 - attacks must be repeatable
        self._crashes = 0
        self._watchdog_resets = 0
        self._log_read = 0
        self.limit_s = p.FINGER_TIMEOUT_S + 2 * timing.ready_s + timing.board_late_s + timing.image_limit_s

    @property
    def driver(self) -> BoardSensor:
        """The product."""
        return self._driver

    def open(self) -> None:
        """Put all of it up, and pair kiosk and board."""
        super().open()
        self._link_wire.start()
        self._board.start()
        pair(self._board, self._pairing, timing=self._timing)

    def close(self) -> None:
        """Take all of it down."""
        self._driver.close()
        self._await_hand()
        try:
            self._board.stop()
        finally:
            self._link_wire.stop()
            super().close()
            self._own_folder.cleanup()

    def harm(self, plan: Plan) -> None:
        """From here on all that goes wrong which the plan says."""
        super().harm(plan)
        self._link_wire.harm(
            up=FaultScript(plan.incidents(LINK_UP), seed=plan.number),
            down=FaultScript(plan.incidents(LINK_DOWN), seed=plan.number),
        )

    def happened(self) -> list[str]:
        """The incidents that took place, as text."""
        wire = self._link_wire
        return [
            *super().happened(),
            *(f"{LINK_UP} {what}" for what in wire.happened(Direction.UP)),
            *(f"{LINK_DOWN} {what}" for what in wire.happened(Direction.DOWN)),
        ]

    def heal(self) -> None:
        """Nothing is wrong any more, as far as the bench is concerned."""
        self._link_wire.heal()
        super().heal()
        self._board.replug()

    def counters(self) -> dict[str, int]:
        """What the board has counted, resets notwithstanding."""
        self._driver.close()
        board = Board(self._link_wire.path, pairing=self._pairing, timing=self._timing)
        try:
            return board.counters()
        except SensorError:
            return {}
        finally:
            board.close()

    def ailments(self) -> list[str]:
        """What should never be: a firmware that ended by itself or raised, a watchdog that had to bite."""
        found = super().ailments()
        if len(self._board.crashes) > self._crashes:
            found.append(f"the firmware ended with {self._board.crashes[self._crashes :]}")
        log = self._board.log()
        if "Traceback" in log[self._log_read :]:
            found.append(f"the firmware raised: {log[self._log_read :][-1500:]}")
        self._log_read = len(log)
        if self._board.watchdog_resets > self._watchdog_resets:
            found.append("the watchdog had to reset the board")
        self._crashes, self._watchdog_resets = len(self._board.crashes), self._board.watchdog_resets
        return found

    def _remember(self, direction: Direction, data: bytes) -> None:
        self._passed[direction].append(data)
        if self._link_tap is not None:
            self._link_tap(direction, data)

    def _do(self, deed: Deed) -> None:
        doings: dict[Deed, Callable[[], None]] = {
            Deed.RESET_BY_WATCHDOG: lambda: self._board.reset("watchdog"),
            Deed.RESET_BY_POWER: lambda: self._board.reset("power"),
            Deed.RESET_BY_BROWN_OUT: lambda: self._board.reset("brown-out"),
            Deed.UNPLUG_BOARD: self._out_and_in,
            Deed.REPLAY: self._replay,
            Deed.FORGE: self._forge,
        }
        if deed in doings:
            doings[deed]()
        else:
            super()._do(deed)

    def _out_and_in(self) -> None:
        self._board.unplug()
        time.sleep(_OUT_OF_THE_SOCKET_S)
        self._board.replug()

    def _replay(self) -> None:
        """What passed before, of this session and of older ones, once more."""
        for direction in Direction:
            passed = b"".join(list(self._passed[direction]))
            self._link_wire.inject(direction, frames_of(passed, self._random))

    def _forge(self) -> None:
        """What somebody would say who knows the protocol and not the key."""
        for direction, frames in forged(self._random).items():
            self._link_wire.inject(direction, frames)
