"""The lid's switch: debounced, and an alarm when it opens over a pairing key.

Who pairs a board has its lid open, so the guard is not armed until the lid was seen closed. A board that starts
with its lid open and a key in its store raises the alarm: it was opened while it was off.
"""

from firmware.core.parameters import LID_DEBOUNCE_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.ports import Board, Clock


class LidGuard:
    """The debounced lid.

    Attributes:
        open: it is open, or not known to be closed yet: no print is moved.
        seen_open: it is known to be open: what a technician may do.
    """

    def __init__(self, *, board: "Board", clock: "Clock"):
        self.open = True
        self.seen_open = False
        self._board = board
        self._clock = clock
        self._armed = True
        self._raw = True
        self._raw_since = clock.now()

    def disarm(self) -> None:
        """The board was paired just now: an open lid is as it should be, until it closes."""
        self._armed = False

    def step(self, *, key_at_stake: bool) -> bool:
        """Look at the switch; True when the board has to forget its key."""
        raw = self._board.tamper_open()
        if raw != self._raw:
            self._raw = raw
            self._raw_since = self._clock.now()
        elif self._clock.since(self._raw_since) >= LID_DEBOUNCE_MS:
            self.open = self.seen_open = raw
        if not self.open:
            self._armed = True
        return self.seen_open and self._armed and key_at_stake
