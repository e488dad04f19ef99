"""A virtual board as the campaign and the timings use it: this checkout's firmware, compiled, installed, paired."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_service.sensors.board import Board
from edge_service.sensors.board.ceremony import Ceremony
from firmware.build.__main__ import SOURCE, build
from firmware.build.targets import TARGETS, Target

if TYPE_CHECKING:
    from pathlib import Path

    from edge_service.sensors.parameters import BoardTiming
    from hardware.bench.virtual_board import VirtualBoard

PAIRING_S = 10.0


UNIX = next(target for target in TARGETS if target.name == "unix")


def flash_of_a_new_board(folder: Path, *, target: Target = UNIX, small: bool = True) -> Path:
    """Compile the firmware into `folder`; where the flash of a new board is, loader and all."""
    with contextlib.redirect_stdout(io.StringIO()):
        (bundle,) = build(
            (target,),
            source=SOURCE,
            out=folder,
            signer=Ed25519PrivateKey.generate(),
            folders=True,
            small=small,
        )
    return bundle.with_suffix("")


def pair(board: VirtualBoard, pairing: Path, *, timing: BoardTiming) -> None:
    """Pair a board whose lid is open with the kiosk whose file is `pairing`; then close the lid."""
    board.press_button()
    kiosk = Board(board.path, pairing=pairing, timing=timing)
    Ceremony(kiosk, timing=timing, timeout_s=PAIRING_S).pair()
    kiosk.close()
    board.release_button()
    board.close_lid()
