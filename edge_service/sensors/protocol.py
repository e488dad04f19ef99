"""What the rest of the kiosk may ask of a fingerprint sensor, whatever its make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from threading import Event

    from edge_service.sensors.frame import Frame, SensorInfo

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes received so far and the bytes expected."""


class FingerprintSensor(Protocol):
    """Used by one thread at a time; every wait has a limit and ends early when `cancel` is set."""

    def connect(self, *, timeout_s: float, cancel: Event | None = None) -> SensorInfo:
        """Find the sensor, again if it was lost. Raises `SensorError`."""
        ...

    def capture(
        self, *, timeout_s: float, progress: Progress | None = None, cancel: Event | None = None
    ) -> Frame:
        """Wait for a finger and fetch its image. Raises `SensorError`, `NoFinger` among them."""
        ...

    def wait_for_lift(self, *, timeout_s: float, cancel: Event | None = None) -> bool:
        """True once no finger is on the window; False when time ran out. Raises `SensorError`."""
        ...

    def close(self) -> None:
        """Give the port back. Never fails; the next call opens it again."""
        ...
