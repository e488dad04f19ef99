"""The line that always shows: broker, sensor, queue, clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.clock import Clock
    from edge_service.kiosk.gate import Gate
    from edge_service.spool import Spool


@dataclass(frozen=True, slots=True)
class StatusView:
    """What the line says.

    Attributes:
        broker: whether the broker can be reached.
        sensor: id of what is wrong with the sensor; empty while it is ready.
        queue: bookings that the matcher has not acknowledged; -1 if the store cannot be read.
        held: those of them that the matcher does not take, because it does not trust this kiosk.
        nearly_full: whether there is little room for more.
        clock: the kiosk's time, ISO 8601.
        synchronised: whether a time server keeps it.
        locks_in_s: until the kiosk locks by itself.
        wait_s: until the next code is looked at.
        boot: changes whenever the service has started anew.
    """

    broker: bool
    sensor: str
    queue: int
    held: int
    nearly_full: bool
    clock: str
    synchronised: bool
    locks_in_s: float
    wait_s: float
    boot: str


class StatusLine:
    """Reads it all together."""

    def __init__(
        self,
        *,
        spool: Spool,
        clock: Clock,
        gate: Gate,
        connected: Callable[[], bool],
        sensor_trouble: Callable[[], str],
        boot: str,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._gate = gate
        self._connected = connected
        self._sensor_trouble = sensor_trouble
        self._boot = boot

    def view(self) -> StatusView:
        """As it is now."""
        try:
            stats = self._spool.stats()
            queue, nearly_full = stats.undelivered, stats.nearly_full
            now = self._clock.now()
        except SpoolError:
            return StatusView(
                self._connected(), self._sensor_trouble(), -1, 0, True, "", False, 0.0, 0.0, self._boot
            )
        return StatusView(
            broker=self._connected(),
            sensor=self._sensor_trouble(),
            queue=queue,
            held=stats.not_trusted,
            nearly_full=nearly_full,
            clock=now.clock.isoformat(timespec="seconds"),
            synchronised=now.synchronised,
            locks_in_s=round(self._gate.locks_in_s, 1),
            wait_s=round(self._gate.wait_s, 1),
            boot=self._boot,
        )
