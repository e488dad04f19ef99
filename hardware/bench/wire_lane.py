"""One direction of a wire: what is under way, and when it may arrive. Pure: the time is passed in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hardware.bench.parameters import BITS_PER_BYTE_ON_WIRE, PACED_CHUNK_BYTES, WIRE_LANE_BYTES
from hardware.bench.wire_faults import Pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardware.bench.wire_faults import FaultScript, Passing


class Lane:
    """Bytes between their reader and their writer.

    Args:
        script: what happens to them.
        baud: as fast as which UART they arrive; None is at once.

    Attributes:
        carried: bytes that arrived so far.
    """

    def __init__(self, script: FaultScript, *, baud: int | None) -> None:
        self.script = script
        self.carried = 0
        self._byte_s = BITS_PER_BYTE_ON_WIRE / baud if baud else 0.0
        self._items: deque[Passing] = deque()
        self._bytes = 0
        self._free_at = 0.0

    @property
    def has_room(self) -> bool:
        """Whether more may be read in."""
        return self._bytes < WIRE_LANE_BYTES

    def take_in(self, data: bytes, *, now: float) -> None:
        """Bytes from the sender, to which the script does its harm."""
        self.put(self.script.feed(data), now=now)

    def put(self, items: Iterable[Passing], *, now: float) -> None:
        """Append as it is."""
        if not self._items:
            self._free_at = max(self._free_at, now)
        for item in items:
            self._items.append(item)
            self._bytes += len(item) if isinstance(item, bytes) else 0

    def hold(self, seconds: float, *, now: float) -> None:
        """Let nothing arrive for so long."""
        self._free_at = max(self._free_at, now) + seconds

    def head(self, *, now: float) -> Passing | None:
        """What may arrive now; None when there is nothing, or not yet."""
        while self._items and now >= self._free_at:
            head = self._items[0]
            if isinstance(head, Pause):
                self._items.popleft()
                self.hold(head.seconds, now=now)
                continue
            if not isinstance(head, bytes) or not self._byte_s:
                return head
            chunk = head[: min(len(head), PACED_CHUNK_BYTES)]
            # The last bit of a chunk arrives when all of them have been sent.
            return chunk if now >= self._free_at + len(chunk) * self._byte_s else None
        return None

    def wait_s(self, *, now: float) -> float | None:
        """Time until `head` is worth another look; None when nothing is under way."""
        if not self._items:
            return None
        head = self._items[0]
        chunk_s = min(len(head), PACED_CHUNK_BYTES) * self._byte_s if isinstance(head, bytes) else 0.0
        return max(self._free_at + chunk_s - now, 0.0)

    def left(self, count: int) -> None:
        """`count` bytes of the head have arrived."""
        head = self._items.popleft()
        assert isinstance(head, bytes)
        if count < len(head):
            self._items.appendleft(head[count:])
        self._bytes -= count
        self.carried += count
        self._free_at += count * self._byte_s

    def pop(self) -> None:
        """What is no bytes at the head has been seen to."""
        self._items.popleft()

    def end_pauses(self, *, now: float) -> None:
        """What is under way may arrive now."""
        kept = [item for item in self._items if not isinstance(item, Pause)]
        self._items = deque(kept)
        self._free_at = now

    def clear(self) -> None:
        """What is under way is lost, pauses with it."""
        self._items.clear()
        self._bytes = 0
        self._free_at = 0.0
