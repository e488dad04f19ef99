"""Time and idleness on a machine with an operating system."""

import select

from firmware.unix.interpreter import now_us, sleep_us, wait_of

_RANGE = 1 << 30
"""Milliseconds wrap as MicroPython's ticks do on a board of 32 bits: what is wrong about wrapping shows here too."""
_HALF = _RANGE >> 1
_POLL_FROM_MS = 2
"""Shorter naps are slept through: ipoll allocates now and then, and they are for the time of a transfer."""
_GONE = select.POLLHUP | select.POLLERR


class UnixClock:
    """A `ports.Clock` that wakes up when something comes in on one of the lines it `watch`es.

    Args:
        haste: its milliseconds pass this many times as fast as they should, for a bench with no time to wait.
    """

    def __init__(self, *, haste: int = 1):
        self._haste = haste
        self._poll = select.poll()
        self._wait = wait_of(self._poll)

    def now(self) -> int:
        """See `ports.Clock`."""
        return now_us() * self._haste // 1000 & (_RANGE - 1)

    def since(self, then: int) -> int:
        """See `ports.Clock`."""
        return (self.now() - then + _HALF & (_RANGE - 1)) - _HALF

    def idle(self, ms: int) -> None:
        """See `ports.Clock`."""
        if ms < _POLL_FROM_MS or self._haste > 1:
            sleep_us(ms * 1000 // self._haste)
            return
        for event in self._wait(ms):
            if event[1] & _GONE:
                sleep_us(1000)  # a line that was hung up is always ready

    def watch(self, pollable) -> None:
        """Wake up for this line from now on."""
        self._poll.register(pollable, select.POLLIN)

    def forget(self, pollable) -> None:
        """Not for this one any more; before it is closed."""
        self._poll.unregister(pollable)
