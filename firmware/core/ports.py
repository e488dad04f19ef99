"""The edges of the firmware, as shapes: what `firmware/board` and `firmware/unix` each provide.

Nothing here runs on the board (the classes are for readers and for the type checker); whoever provides a port
need not inherit from it. No port ever waits: a step of the firmware takes about a millisecond, whatever the
wires do.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class BytePort(Protocol):
    """A serial line: the sensor's UART, or the USB port to the Pi."""

    def read_into(self, buffer: bytearray, count: int) -> int:
        """Put at most `count` bytes at the front of `buffer`; how many, 0 for none, -1 when the line is gone."""
        raise NotImplementedError

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """Take bytes `offset` to `offset + count`; how many were taken, 0 for no room, -1 when it is gone."""
        raise NotImplementedError


class SensorPort(BytePort, Protocol):
    """The sensor's UART, 8N1."""

    def set_baud(self, baud: int) -> None:
        """Speak at `baud` from now on, and forget what came in."""
        raise NotImplementedError


class Clock(Protocol):
    """Milliseconds that wrap around; only differences below half the range mean anything."""

    def now(self) -> int:
        """The time, in ms."""
        raise NotImplementedError

    def since(self, then: int) -> int:
        """Milliseconds from `then` to now."""
        raise NotImplementedError

    def idle(self, ms: int) -> None:
        """Nothing to do: sleep at most `ms`, less when something comes in."""
        raise NotImplementedError


class Board(Protocol):
    """Pins, light, watchdog and reset."""

    name: str
    """ "rp2040", "rp2350" or "unix": a bundle for another one is refused."""

    has_detect_line: bool
    """Whether the sensor's finger-detect line is wired; without it the sensor is asked for an image instead."""

    def sensor_power(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """Switch the sensor's supply."""
        raise NotImplementedError

    def finger_detected(self) -> bool:
        """Whether the detect line says that a finger is on the window."""
        raise NotImplementedError

    def tamper_open(self) -> bool:
        """Whether the lid is open."""
        raise NotImplementedError

    def button_pressed(self) -> bool:
        """Whether the technician's button is held down."""
        raise NotImplementedError

    def led(self, pattern: int) -> None:
        """Show one of `codes.LED_*`."""
        raise NotImplementedError

    def reset_cause(self) -> int:
        """Why the board started: one of `codes.RESET_*`."""
        raise NotImplementedError

    def reboot(self) -> None:
        """Start again; does not return."""
        raise NotImplementedError

    def feed_watchdog(self) -> None:
        """Say that there was progress; unfed, the watchdog resets the board after 8 s."""
        raise NotImplementedError
