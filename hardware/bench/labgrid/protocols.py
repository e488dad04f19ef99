"""What can be done to a kiosk on the bench, whoever does it: labgrid's protocols, and three of our own.

Of labgrid's own we use `PowerProtocol` (the board's USB power: off is also how a cable is pulled), and
`DigitalOutputProtocol` for the lid's switch (True: open) and the board's button (True: held).
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from edge_service.sensors import Frame, Progress, SensorInfo
    from hardware.bench.labgrid.firmware_bundles import BuiltFirmware


class HostPortProtocol(abc.ABC):
    """A serial port on this machine, which the program under test may open."""

    @abc.abstractmethod
    def path(self) -> str:
        """What the program opens; the same after the device was unplugged and came back."""


class FingerProtocol(abc.ABC):
    """A finger on the sensor's window, or what stands in for one.

    Attributes:
        needs_person: somebody has to sit at the bench.
    """

    needs_person: bool

    @abc.abstractmethod
    def press(self, number: int) -> NDArray[np.uint8] | None:
        """Put finger `number` down; the uint8 (height, width) image that must come of it, None if unknown."""

    @abc.abstractmethod
    def lift(self) -> None:
        """Take the finger away."""


class SensorProtocol(abc.ABC):
    """The kiosk's own driver, as the edge service uses it. Each may raise `edge_service.sensors.SensorError`."""

    @abc.abstractmethod
    def identify(self) -> Mapping[str, str]:
        """Begin a conversation and say in words whom with: names and values for the report."""

    @abc.abstractmethod
    def connect(self, *, timeout_s: float) -> SensorInfo:
        """Find the sensor, again if it was lost."""

    @abc.abstractmethod
    def capture(self, *, timeout_s: float, progress: Progress | None = None) -> Frame:
        """Wait for a finger and fetch its image."""

    @abc.abstractmethod
    def wait_for_lift(self, *, timeout_s: float) -> bool:
        """True once no finger is on the window."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give the port back."""


class BoardProtocol(abc.ABC):
    """What a sensor board can do besides capturing."""

    @abc.abstractmethod
    def is_paired(self) -> bool:
        """Whether the board and this bench hold the same key."""

    @abc.abstractmethod
    def pair(self) -> None:
        """Give the board a new key; its lid is open and its button held."""

    @abc.abstractmethod
    def unpair(self) -> None:
        """Let both sides forget the key."""

    @abc.abstractmethod
    def kind(self) -> str | None:
        """For which kind of board its firmware is built; None if it cannot be updated over the link."""

    @abc.abstractmethod
    def update(self, firmware: BuiltFirmware, *, allow_older: bool = False) -> str:
        """Install firmware; the version that runs then."""

    @abc.abstractmethod
    def counters(self) -> Mapping[str, int]:
        """What the board has counted since its counters were new, by name."""


class SensorBaudProtocol(abc.ABC):
    """A sensor whose baud rate can be set behind the kiosk's back, as a sensor from another kiosk would have."""

    @abc.abstractmethod
    def set_sensor_baud(self, baud: int) -> None:
        """Let the sensor speak at `baud` from its next start."""
