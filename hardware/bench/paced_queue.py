"""Bytes on their way out, at the speed of the wire. Pure: the time is passed in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hardware.bench.parameters import BITS_PER_BYTE_ON_WIRE, PACED_CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardware.bench.faults import Outgoing


class PacedQueue:
    """A queue of bytes and marks, whose bytes leave as fast as a UART would send them.

    Args:
        speed: 1 is the speed of the wire, 10 ten times as fast; 0 is as fast as the host reads.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._items: deque[Outgoing] = deque()
        self._free_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._items)

    @property
    def head(self) -> Outgoing | None:
        """What is next to leave."""
        return self._items[0] if self._items else None

    def put(self, items: Iterable[Outgoing], *, now: float, delay_s: float = 0.0) -> None:
        """Append; `delay_s` (of the real module) passes first when the queue was empty."""
        if not self._items:
            self._free_at = now + (delay_s / self.speed if self.speed else 0.0)
        self._items.extend(item for item in items if item)

    def due(self, *, now: float, baud: int) -> bytes:
        """Those bytes of the head that the wire would have carried by now."""
        head = self.head
        if not isinstance(head, bytes):
            return b""
        if not self.speed:
            return head
        carried = int((now - self._free_at) * self._bytes_per_s(baud))
        enough = carried >= min(len(head), PACED_CHUNK_BYTES)
        return head[:carried] if enough else b""

    def wait_s(self, *, now: float, baud: int) -> float:
        """Time until `due` gives something."""
        head = self.head
        if not self.speed or not isinstance(head, bytes):
            return 0.0
        chunk_s = min(len(head), PACED_CHUNK_BYTES) / self._bytes_per_s(baud)
        return max(self._free_at + chunk_s - now, 0.0)

    def left(self, count: int, *, baud: int) -> None:
        """`count` bytes of the head have left."""
        head = self._items.popleft()
        assert isinstance(head, bytes)
        if count < len(head):
            self._items.appendleft(head[count:])
        if self.speed:
            self._free_at += count / self._bytes_per_s(baud)

    def pop_mark(self) -> None:
        """The mark at the head has been seen to."""
        self._items.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()

    def _bytes_per_s(self, baud: int) -> float:
        return baud * self.speed / BITS_PER_BYTE_ON_WIRE
