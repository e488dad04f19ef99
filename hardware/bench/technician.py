"""Hands for a virtual board: somebody who does what `edge-service board pair` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.sensors.board import Board
from edge_service.sensors.board.ceremony import Ceremony, Prompt
from edge_service.sensors.parameters import BoardTiming

if TYPE_CHECKING:
    from pathlib import Path

    from edge_service.sensors.board.answers import Identity
    from hardware.bench.virtual_board import VirtualBoard

_QUICK = BoardTiming(ask_button_s=0.03)
PAIRING_S = 30.0


def pair(board: VirtualBoard, pairing: Path, *, path: str | None = None) -> Identity:
    """Pair `board` with the kiosk whose pairing file that is; its lid is closed afterwards.

    `path` is the port when it is not the board's own. Raises what `Ceremony.pair` does.
    """

    def obey(prompt: Prompt) -> None:
        if prompt is Prompt.OPEN_LID:
            board.open_lid()
        elif prompt is Prompt.REOPEN_LID:
            board.close_lid()
            board.open_lid()
        elif prompt is Prompt.HOLD_BUTTON:
            board.press_button()
        elif prompt is Prompt.CLOSE_LID:
            board.release_button()
            board.close_lid()

    kiosk = Board(path or board.path, pairing=pairing, timing=_QUICK)
    try:
        ceremony = Ceremony(kiosk, tell=obey, timeout_s=PAIRING_S, timing=_QUICK)
        identity = ceremony.pair()
        ceremony.await_closed_lid()
    finally:
        kiosk.close()
    return identity
