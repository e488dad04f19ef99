"""What CPython has for lines and time; `on_micropython.py` has the same names and says what they do."""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Iterable

MICROPYTHON = False


def now_us() -> int:
    """Microseconds."""
    return time.monotonic_ns() // 1000


def sleep_us(us: int) -> None:
    """Sleep."""
    time.sleep(us / 1_000_000)


def wait_of(poll: "select.poll") -> "Callable[[int], Iterable[tuple[int, int]]]":
    """Wait at most so many ms for what is registered with `poll`; what is ready."""
    return poll.poll


class FdPort:
    """A `ports.BytePort` over a descriptor that does not block, or over the file of a path, opened here."""

    def __init__(self, where: "int | str"):
        mode = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
        self.pollable = where if isinstance(where, int) else os.open(where, mode)
        self.ended = False

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `ports.BytePort`."""
        try:
            data = os.read(self.pollable, count)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        self.ended = not data
        buffer[: len(data)] = data
        return len(data)

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `ports.BytePort`."""
        try:
            return os.write(self.pollable, memoryview(buffer)[offset : offset + count])
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def fileno(self) -> int:
        """The descriptor."""
        return self.pollable

    def close(self) -> None:
        """The end of it."""
        os.close(self.pollable)
