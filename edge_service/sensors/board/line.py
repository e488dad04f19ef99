"""What the link needs of the port under it: `SerialPort` is one, a test's wire in memory another."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """A byte line; every method raises `SensorUnplugged` when it is gone."""

    @property
    def is_open(self) -> bool:
        """Whether it is held."""
        ...

    def open(self, baud: int) -> None:
        """Take it."""
        ...

    def read_some(self) -> bytes:
        """What has arrived; waits a moment for it, then gives b""."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of it."""
        ...

    def close(self) -> None:
        """Give it back. Never fails."""
        ...
