"""How much of MicroPython's heap is in use during a transfer, told to the bench: `heap N` once, `peak N` when it grew.

Garbage counts as in use until it is collected. Measured from the first packet of an image to the last and told
afterwards, because telling it allocates. CPython has no such heap and tells nothing.
"""

import gc

from firmware.core import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.app import App
    from firmware.unix.unix_board import UnixBoard
    from firmware.unix.unix_clock import UnixClock

_EVERY_MS = 5


class HeapWatch:
    """Looks at the heap once in a while."""

    def __init__(self, *, app: "App", board: "UnixBoard", clock: "UnixClock"):
        self._app = app
        self._board = board
        self._clock = clock
        self._in_use = getattr(gc, "mem_alloc", None)
        self._looked_at = clock.now()
        self._peak = self._told = 0
        if self._in_use is not None:
            board.say("heap %d" % (self._in_use() + gc.mem_free()))

    def look(self) -> None:
        """Measure, and tell a new peak when there is time for it."""
        if self._in_use is None or self._clock.since(self._looked_at) < _EVERY_MS:
            return
        self._looked_at = self._clock.now()
        if self._app.session.state == codes.STATE_RECEIVING:
            self._peak = max(self._peak, self._in_use())
        elif self._peak > self._told:
            self._told = self._peak
            self._board.say("peak %d" % self._peak)
