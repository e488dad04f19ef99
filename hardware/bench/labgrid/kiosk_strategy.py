"""The way from a kiosk without power to one that takes prints."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from labgrid.factory import target_factory
from labgrid.protocol import PowerProtocol
from labgrid.step import step as labgrid_step
from labgrid.strategy import Strategy, StrategyError, never_retry

from edge_service.sensors import SensorError
from hardware.bench.labgrid.protocols import BoardProtocol, SensorProtocol

if TYPE_CHECKING:
    from typing import Any

_READY_S = 15.0
"""Power to ready: the board's two seconds, the sensor's start, and the search for its baud rate twice over."""


class Status(enum.Enum):
    """How far the kiosk is; each state contains the ones before it."""

    unknown = 0
    off = 1
    powered = 2
    identified = 3
    paired = 4
    ready = 5


@target_factory.reg_driver
class KioskStrategy(Strategy):
    """Brings the kiosk into a state, step by step.

    A step that fails is tried once more from `off`, as a technician would; then the strategy is broken and
    the tests that need it are skipped.

    Attributes:
        identity: what the last `identified` told, for the report.
    """

    bindings = {  # noqa: RUF012 - labgrid's way
        "power": PowerProtocol,
        "sensor": SensorProtocol,
        "board": {BoardProtocol, None},
    }
    target: Any
    power: PowerProtocol
    sensor: Any
    board: Any

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.status = Status.unknown
        self.identity: dict[str, str] = {}

    @never_retry
    @labgrid_step(args=["status"])
    def transition(self, status: Status | str, *, step: Any = None) -> None:  # noqa: ANN401 - labgrid's
        """Bring the kiosk into `status` (one of `Status`, or its name)."""
        wanted = status if isinstance(status, Status) else Status[status]
        if wanted is Status.unknown:
            raise StrategyError(f"cannot go to {wanted.name}")  # pyright: ignore[reportCallIssue] - attrs made it
        if wanted is self.status:
            step.skip("nothing to do")
            return
        try:
            self._go(wanted)
        except SensorError as error:
            self.sensor.logger.warning("%s; once more from off", error)
            self._go(Status.off)
            self._go(wanted)

    def force(self, status: Status | str) -> None:
        """Declare that the kiosk is in `status`, after a test has done something to it."""
        self.status = status if isinstance(status, Status) else Status[status]

    def _go(self, wanted: Status) -> None:
        if wanted is Status.off:
            self.target.deactivate(self.sensor)
            self.target.activate(self.power)
            self.power.off()
            self.status = Status.off
            return
        if self.status is Status.unknown:
            self._go(Status.off)
        steps = {
            Status.powered: self._power_up,
            Status.identified: self._identify,
            Status.paired: self._pair,
            Status.ready: self._make_ready,
        }
        for status, do in steps.items():
            if self.status.value < status.value <= wanted.value:
                do()
                self.status = status

    def _power_up(self) -> None:
        self.target.activate(self.power)
        self.power.on()

    def _identify(self) -> None:
        self.target.activate(self.sensor)
        self.identity = dict(self.sensor.identify())

    def _pair(self) -> None:
        """Only where there is a board, and it does not know us yet."""
        if self.board is None:
            return
        self.target.activate(self.board)
        if not self.board.is_paired():
            self.board.pair()

    def _make_ready(self) -> None:
        self.sensor.connect(timeout_s=_READY_S)
