"""Pairing: the kiosk and its board agree on a key, while a technician shows that they are there in person.

The key crosses the wire once, in the clear, so it is done at the open kiosk: the lid open, a finger on the board's
button. Opening the lid makes a paired board forget the key it had, so a board that is paired at the end of this was
paired by whoever stood there.
"""

from __future__ import annotations

import os
import time
from enum import StrEnum
from threading import Event as Cancel
from typing import TYPE_CHECKING

from edge_service.sensors.board.board_link import LinkBroken, Refused
from edge_service.sensors.board.errors import BoardFault, BoardForeign, BoardUnpaired
from edge_service.sensors.board.pairing import KEY_BYTES, NO_KEY
from edge_service.sensors.board.refusals import as_sensor_error
from edge_service.sensors.errors import SensorUnplugged
from edge_service.sensors.parameters import BoardTiming
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.sensors.board.answers import Identity
    from edge_service.sensors.board.board import Board


class Prompt(StrEnum):
    """What the technician does next."""

    PLUG_IN = "Plug the sensor board's USB cable in"
    OPEN_LID = "Open the lid of the kiosk"
    REOPEN_LID = "Close the lid of the kiosk and open it again"
    HOLD_BUTTON = "Hold the button on the sensor board"
    CLOSE_LID = "Let the button go and close the lid"


class Ceremony:
    """Pairs `board`; `tell` is called with the next step whenever it changes.

    Args:
        board: the board; nothing has to be open.
        tell: shows a step.
        timeout_s: how long the technician may take over all.
        cancel: ends it.
        timing: deadlines.
        clock: seconds that never go backwards.
        random: gives that many random bytes.
    """

    def __init__(
        self,
        board: Board,
        *,
        tell: Callable[[Prompt], None] = lambda _: None,
        timeout_s: float | None = None,
        cancel: Cancel | None = None,
        timing: BoardTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._board = board
        self._tell = tell
        self._timing = timing or BoardTiming()
        self._limit_s = self._timing.prompt_s if timeout_s is None else timeout_s
        self._cancel = cancel or Cancel()
        self._clock = clock
        self._random = random
        self._told: Prompt | None = None

    def pair(self) -> Identity:
        """The board's identity, once both have the new key and the board has proven it; its lid is still open.

        Raises `BoardUnpaired` when the technician took too long or `cancel` was set, `BoardMismatch`, `BoardFault`.
        What the kiosk remembered of a board is kept until the new key is on its way.
        """
        deadline = self._clock() + self._limit_s
        key = self._known_key()
        while True:
            prompt, key = self._look(key)
            if prompt is None and (paired := self._offer()) is not None:
                self._say(Prompt.CLOSE_LID)
                return paired
            if prompt is not None:
                self._say(prompt)
            if self._clock() > deadline:
                doing = self._told.value if self._told is not None else "Pairing"
                raise BoardUnpaired(f'pairing took too long ("{doing}")', path=self._board.path)
            if self._cancel.wait(self._timing.ask_button_s):
                raise BoardUnpaired("pairing was broken off", path=self._board.path)

    def await_closed_lid(self) -> bool:
        """After `pair`: wait for the lid, so that the board watches it; False when it stays open. It undoes nothing."""
        deadline = self._clock() + self._limit_s
        key = self._known_key()
        while True:
            identity = self._ask_who(key)
            if identity is not None and not identity.flags.lid_open:
                return True
            if self._clock() > deadline or self._cancel.wait(self._timing.ask_button_s):
                return False

    def _known_key(self) -> bytes:
        """The key the kiosk has: its own board is asked under it, so that it need not count us as a stranger."""
        try:
            return self._board.pairing.read().key
        except BoardUnpaired:
            return NO_KEY

    def _look(self, key: bytes) -> tuple[Prompt | None, bytes]:
        """What is missing, None for nothing; and the key under which to ask the next time."""
        identity = self._ask_who(key)
        if identity is None:
            return Prompt.PLUG_IN, key
        if identity.capabilities & codes.CAN_TAMPER and not identity.flags.lid_open:
            return Prompt.OPEN_LID, key
        if not identity.proven:
            # It has forgotten our key, now that the lid is open; or somebody else paired it at the open lid, and then
            # the lid has to be opened once more for it to forget.
            return (Prompt.REOPEN_LID if identity.flags.paired else Prompt.HOLD_BUTTON), NO_KEY
        if identity.flags.paired:
            unpair(self._board)
            return Prompt.HOLD_BUTTON, NO_KEY
        return (None if identity.flags.button else Prompt.HOLD_BUTTON), NO_KEY

    def _ask_who(self, key: bytes) -> Identity | None:
        """Who answers; None while nobody does, or while the cable is out."""
        try:
            return self._board.open_with(key)
        except BoardForeign:
            return self._board.open_with(NO_KEY)
        except BoardFault:
            return None
        except SensorUnplugged as error:
            if error.reason in {"missing", "lost"}:
                return None
            raise

    def _offer(self) -> Identity | None:
        """Send a new key; None when the board does not take it (any more)."""
        board = self._board
        key = self._random(KEY_BYTES)
        board.pairing.offer(key, board=board.unique)
        try:
            board.link.request(codes.PAIR, bodies.PAIR.pack(key))
        except Refused as refused:
            if refused.code != codes.ERROR_NOT_ALLOWED:
                raise as_sensor_error(
                    refused.code, refused.detail, path=board.path, board=board.unique
                ) from refused
            return None
        except LinkBroken:
            pass  # the answer may be lost: what counts is whether the board has the key
        identity = self._ask_who(key) or self._ask_who(key)
        if identity is None or not identity.proven:
            return None
        board.pairing.confirm(key, board=identity.unique)
        return identity

    def _say(self, prompt: Prompt) -> None:
        if prompt is not self._told:
            self._told = prompt
            self._tell(prompt)


def unpair(board: Board) -> bool:
    """Let the kiosk's own board forget the key, then the kiosk; whether the board confirmed it.

    A board that does not answer, or not to this kiosk any more, is no reason to go on remembering it: what it
    remembers has no use without this file. Raises `SensorError` when the board is ours and refuses.
    """
    remembered = board.pairing.read()
    confirmed = False
    try:
        if remembered.key != NO_KEY and board.open_with(remembered.key).proven:
            board.link.request(codes.UNPAIR)
            confirmed = True
    except (LinkBroken, SensorUnplugged, BoardFault, BoardForeign):
        pass
    except Refused as refused:
        raise as_sensor_error(refused.code, refused.detail, path=board.path, board=board.unique) from refused
    board.link.end_session()
    board.pairing.forget()
    return confirmed
