"""What the unix port's MicroPython has for lines and time. `on_cpython.py` has the same names."""

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MICROPYTHON = True

now_us: "Callable[[], int]" = time.ticks_us  # pyright: ignore[reportAssignmentType] - the stubs have their own kind of int
"""Microseconds; they wrap after thousands of years."""
sleep_us = time.sleep_us


def wait_of(poll: select.poll) -> "Callable[[int], Iterable[tuple]]":
    """Wait at most so many ms for what is registered with `poll`; what is ready. Allocates a tuple the first time."""
    return poll.ipoll


class FdPort:
    """A `ports.BytePort` over a descriptor that does not block, or over the file of a path, opened here.

    Attributes:
        pollable: what select.poll takes.
        ended: the other end was closed, as far as that can be seen: of a socket, not of a terminal.
    """

    def __init__(self, where: "int | str"):
        self.pollable = open(where, "r+b", buffering=0)  # noqa: SIM115 - it stays open as long as the port
        self.ended = False
        self._read = self.pollable.readinto
        self._write = self.pollable.write

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `ports.BytePort`."""
        try:
            got = self._read(buffer, count)  # pyright: ignore[reportCallIssue] - MicroPython's second argument
        except OSError:
            return -1
        if got is None:
            return 0
        self.ended = got == 0
        return got

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `ports.BytePort`."""
        try:
            return self._write(buffer, offset, count) or 0  # pyright: ignore[reportCallIssue] - as above
        except OSError:
            return -1

    def fileno(self) -> int:
        """The descriptor."""
        return self.pollable.fileno()

    def close(self) -> None:
        """The end of it."""
        self.pollable.close()
