"""The program under test, as the bench's other drivers and the tests reach it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attr
from labgrid.driver import Driver, ExecutionError
from labgrid.factory import target_factory
from labgrid.protocol import DigitalOutputProtocol
from labgrid.step import step

from edge_service.firmware_update import Bundle, TrustedKeys
from edge_service.firmware_update.fitness import BOARD_NAMES
from edge_service.firmware_update.install import install
from edge_service.firmware_update.parameters import ANSWER_S
from edge_service.sensors import SensorUnplugged, ZfmSensor
from edge_service.sensors.board import Board, BoardSensor
from edge_service.sensors.board.answers import BOARD_WORDS, RESET_WORDS
from edge_service.sensors.board.ceremony import Ceremony, Prompt, unpair
from edge_service.sensors.board.pairing import PairingState
from edge_service.sensors.parameters import BoardTiming
from firmware.core import codes
from hardware.bench.labgrid.protocols import BoardProtocol, HostPortProtocol, SensorProtocol

if TYPE_CHECKING:
    from typing import Any

    from edge_service.sensors import Frame, Progress, SensorInfo
    from edge_service.sensors.board.pairing import PairingFile
    from hardware.bench.labgrid.firmware_bundles import BuiltFirmware

_IDENTIFY_S = 10.0
"""Longest wait for a port that was just plugged in; udev and an interpreter's start take below two."""
_LOOK_EVERY_S = 0.05
_LID_S = 5.0
"""From a lid that was closed to a board that believes it: a switch bounces for milliseconds, a person for longer."""
_LID_STAYS_OPEN = "the board is paired and still sees its lid open: close it, or look after the lid's switch"


@attr.s(eq=False)
class EdgeSensorDriver(Driver, SensorProtocol):
    """What the edge service's drivers of a sensor have in common; subclasses make `_open`."""

    bindings = {"port": HostPortProtocol}  # noqa: RUF012 - labgrid's way
    port: Any = attr.ib(default=None, init=False)
    model: Any = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.edge: Any = None

    def on_activate(self) -> None:
        """Make the edge service's driver; it opens the port when it is first asked for something."""
        self.edge = self._open(self.port.path())

    def on_deactivate(self) -> None:
        """Give the port back."""
        self.edge.close()
        self.edge = None

    def _open(self, path: str) -> Any:  # noqa: ANN401 - labgrid's drivers are not typed
        raise NotImplementedError

    @Driver.check_active
    @step(args=["timeout_s"])
    def connect(self, *, timeout_s: float) -> SensorInfo:
        """Find the sensor, again if it was lost."""
        return self.edge.connect(timeout_s=timeout_s)

    @Driver.check_active
    @step(args=["timeout_s"])
    def capture(self, *, timeout_s: float, progress: Progress | None = None) -> Frame:
        """Wait for a finger and fetch its image."""
        return self.edge.capture(timeout_s=timeout_s, progress=progress)

    @Driver.check_active
    @step(args=["timeout_s"])
    def wait_for_lift(self, *, timeout_s: float) -> bool:
        """True once no finger is on the window."""
        return self.edge.wait_for_lift(timeout_s=timeout_s)

    @Driver.check_active
    def close(self) -> None:
        """Give the port back; the next call opens it again."""
        self.edge.close()


@target_factory.reg_driver
@attr.s(eq=False)
class DirectSensorDriver(EdgeSensorDriver):
    """A sensor without a board, straight on the port."""

    def _open(self, path: str) -> ZfmSensor:
        return ZfmSensor(path, model=self.model)

    @Driver.check_active
    @step(result=True)
    def identify(self) -> dict[str, str]:
        """The sensor's parameters."""
        info = self.edge.connect(timeout_s=_IDENTIFY_S)
        return {
            "sensor": info.model or "not known before the first image",
            "sensor's baud rate": str(info.baud),
            "sensor's packets": f"{info.packet_bytes} bytes",
            "sensor's library emptied": str(info.library_emptied),
        }


@target_factory.reg_driver
@attr.s(eq=False)
class BoardSensorDriver(EdgeSensorDriver, BoardProtocol):
    """A sensor behind its board.

    Args:
        model: of the sensor; None lets the board find out.
        pairing: file with what this bench knows of its board, relative to the environment file; None for a board
            that is new each time.
    """

    bindings = {  # noqa: RUF012 - labgrid's way
        "port": HostPortProtocol,
        "lid": Driver.NamedBinding(DigitalOutputProtocol),
        "button": Driver.NamedBinding(DigitalOutputProtocol),
    }
    lid: Any = attr.ib(default=None, init=False)
    button: Any = attr.ib(default=None, init=False)
    pairing: Any = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._folder: Path | None = None
        self._board: Any = None
        self._patient: Any = None

    def _open(self, path: str) -> BoardSensor:
        if self.pairing is None:
            self._folder = Path(tempfile.mkdtemp(prefix="whorl-bench-"))
            pairing = self._folder / "pairing.json"
        else:
            pairing = Path(self._environment.config.resolve_path(self.pairing))
            pairing.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._board = Board(path, pairing=pairing)
        self._patient = Board(path, pairing=pairing, timing=BoardTiming(answer_s=ANSWER_S))
        return BoardSensor(path, pairing=pairing, model=self.model)

    @property
    def pairing_file(self) -> PairingFile:
        """What the kiosk remembers of its board; while active."""
        return self._board.pairing

    def on_deactivate(self) -> None:
        """Give the port back; a key for a board that is new each time is forgotten."""
        super().on_deactivate()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @Driver.check_active
    @step(result=True)
    def identify(self) -> dict[str, str]:
        """Who the board says it is, whether or not it can prove it."""
        identity = self._ask_who()
        return {
            "firmware": identity.version,
            "board": f"{BOARD_WORDS.get(identity.board, str(identity.board))} {identity.unique}",
            "slot": str(identity.slot),
            "last reset": RESET_WORDS.get(identity.reset_cause, str(identity.reset_cause)),
            "boots": str(identity.boots),
            "key proven": str(identity.proven),
        }

    @Driver.check_active
    @step(result=True)
    def is_paired(self) -> bool:
        """Whether the board holds this bench's key, and neither side has been tampered with."""
        remembered = self._board.pairing.read()
        return remembered.state is PairingState.PAIRED and self._ask_who().proven

    @Driver.check_active
    @step()
    def pair(self) -> None:
        """The technician's part of pairing, with the bench's hands or a person's."""
        self.edge.close()
        try:
            Ceremony(self._board, tell=self._follow).pair()
        finally:
            self._board.close()
        deadline = time.monotonic() + _LID_S
        while self._ask_who().flags.lid_open:
            if time.monotonic() > deadline:
                raise ExecutionError(_LID_STAYS_OPEN)  # pyright: ignore[reportCallIssue] - attrs made it
            time.sleep(_LOOK_EVERY_S)

    @Driver.check_active
    @step()
    def unpair(self) -> None:
        """Let both sides forget the key."""
        self.edge.close()
        try:
            unpair(self._board)
        finally:
            self._board.close()

    @Driver.check_active
    @step(args=["firmware"])
    def update(self, firmware: BuiltFirmware, *, allow_older: bool = False) -> str:
        """Install firmware as `edge-service firmware update` does, trusting its key; the version that runs then."""
        bundle = Bundle.read(firmware.bundle, keys=TrustedKeys.load([firmware.key]))
        self.edge.close()
        try:
            return install(self._patient, bundle, allow_older=allow_older).after
        finally:
            self._patient.close()

    @Driver.check_active
    def kind(self) -> str | None:
        """For which kind of board its firmware is built; None if it cannot be updated over the link."""
        identity = self._ask_who()
        return BOARD_NAMES[identity.board] if identity.capabilities & codes.CAN_UPDATE else None

    @Driver.check_active
    def counters(self) -> dict[str, int]:
        """What the board has counted."""
        self.edge.close()
        try:
            return self._board.counters()
        finally:
            self._board.close()

    @property
    def _environment(self) -> Any:  # noqa: ANN401 - labgrid's target is not typed
        target: Any = self.target
        return target.env

    def _ask_who(self) -> Any:  # noqa: ANN401 - see EdgeSensorDriver
        """The board's identity, once its port is there; it is free again afterwards, since only one may have it."""
        self.edge.close()
        deadline = time.monotonic() + _IDENTIFY_S
        while True:
            try:
                return self._board.open_with(self._board.pairing.read().key)
            except SensorUnplugged:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_EVERY_S)
            finally:
                self._board.close()

    def _follow(self, prompt: Prompt) -> None:
        if prompt is Prompt.OPEN_LID:
            self.lid.set(True)
        elif prompt is Prompt.HOLD_BUTTON:
            self.button.set(True)
        elif prompt is Prompt.CLOSE_LID:
            self.button.set(False)
            self.lid.set(False)
