"""Feeds the watchdog from proven progress only.

A timer that feeds it, or a loop that feeds it whatever happens, keeps a board alive that does nothing any more.
Here the watchdog is fed once a loop, and only when all of these hold:

* The whole loop came by: this is called from its end, so a call that never returns starves the watchdog.
* The link lives: nothing has been half sent for LINK_STUCK_MS. (A Pi that does not read is no reason for a reset: the
  link breaks its frames off.)
* The sensor session is at rest (READY, DONE, FAULT), where nothing has to move; or something moved within STUCK_MS: a
  packet was accepted or an answer understood (`progress`), or, as long as no sensor has answered yet, the search went
  on to another state or baud rate, for START_MOST_MS in all.

So an image that takes 7 s feeds the watchdog by its packets; a session that stands still is left to starve, the board
starts anew, and the reset's cause is counted and told.
"""

from firmware.core import codes
from firmware.core.parameters import LINK_STUCK_MS, START_MOST_MS, STUCK_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.core.board_link import BoardLink
    from firmware.core.ports import Board, Clock
    from firmware.core.session import SensorSession


_RESTING = (codes.STATE_READY, codes.STATE_DONE, codes.STATE_FAULT)


class ProgressGuard:
    """Between the firmware and its watchdog."""

    def __init__(self, *, board: "Board", clock: "Clock", session: "SensorSession", link: "BoardLink"):
        self._board = board
        self._clock = clock
        self._session = session
        self._link = link
        now = clock.now()
        self._link_idle_at = now
        self._proven_at = now
        self._moved_at = now
        self._progress = session.progress
        self._state = session.state
        self._baud = session.info.baud

    def look_at_link(self) -> None:
        """Between what was sent and what will be: note whether all of it is gone."""
        if self._link.idle:
            self._link_idle_at = self._clock.now()

    def step(self) -> None:
        """The end of a loop: feed the watchdog, if it was earned."""
        link_lives = self._clock.since(self._link_idle_at) < LINK_STUCK_MS
        if self._session_lives() and link_lives:
            self._board.feed_watchdog()

    def _session_lives(self) -> bool:
        session = self._session
        clock = self._clock
        state = session.state
        resting = state in _RESTING
        if session.progress != self._progress or (resting and not session.busy):
            self._progress = session.progress
            self._proven_at = self._moved_at = clock.now()
        if state != self._state or session.info.baud != self._baud:
            self._state = state
            self._baud = session.info.baud
            self._moved_at = clock.now()
        return clock.since(self._moved_at) < STUCK_MS and clock.since(self._proven_at) < START_MOST_MS
