"""The bundle's way onto the board, piece by piece (docs/board-link.md, requests 10 to 15)."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

from edge_service.firmware_update import parameters
from edge_service.firmware_update.errors import UpdateFailed
from edge_service.sensors.board.errors import BoardFault, BoardRefused
from edge_service.sensors.errors import SensorError, SensorUnplugged
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.firmware_update.bundle import Bundle
    from edge_service.sensors.board import Board

OLD_RUNS = "The board goes on with the firmware it had."
AGAIN = "Run the update again; it begins anew."

_WORDS = {
    codes.ERROR_BUSY: "the board is taking a print. Wait until it is done.",
    codes.ERROR_UPDATE_WRONG_BOARD: "the board says that the bundle is for another board, or for another version of"
    " its MicroPython. Install MicroPython of the version that docs/firmware-update.md names, then try again.",
    codes.ERROR_UPDATE_BAD_MANIFEST: "the board cannot read the bundle's manifest. Take a bundle that belongs to this"
    " version of the edge service.",
    codes.ERROR_UPDATE_BAD_HASH: "a file arrived damaged. If this comes back, exchange the USB cable, then the board.",
    codes.ERROR_UPDATE_NO_ROOM: "the board's flash is full. Install it as on a new board: docs/firmware-update.md.",
    codes.ERROR_UPDATE_ORDER: "the board has lost the thread of the update.",
    codes.ERROR_UPDATE_STORAGE: "the board's flash refuses to be written. If this comes back, exchange the board.",
}
_NOISE = {codes.ERROR_UPDATE_ORDER, codes.ERROR_UPDATE_BAD_HASH, None}
"""None: no answer at all, when the cable was knocked."""


def send(
    board: Board,
    bundle: Bundle,
    *,
    progress: Callable[[int], None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Send it all; the slot that starts next. `progress(bytes)` rises to `work_of`, and falls when begun anew.

    Raises UpdateFailed, and `BoardRefused` for a board that is not ours or was opened.
    """
    for attempt in range(1, parameters.TRANSFER_ATTEMPTS + 1):
        try:
            return _Transfer(board, bundle, progress).run()
        except BoardRefused:
            raise
        except SensorError as error:
            if attempt == parameters.TRANSFER_ATTEMPTS or not _is_worth_another_try(error):
                raise UpdateFailed(_words(error)) from error
            if not _came_back(board, clock=clock, pause=pause):
                raise UpdateFailed(_words(error)) from error
        except BaseException:  # Ctrl-C, or a bug: the board need not wait for the rest
            with contextlib.suppress(SensorError):
                board.request(codes.UPDATE_ABORT)
            raise
    raise AssertionError("the last attempt returns or raises")


def work_of(bundle: Bundle) -> int:
    """Bytes to send."""
    return len(bundle.manifest_bytes) + bundle.manifest.total_bytes


class _Transfer:
    """One attempt."""

    def __init__(self, board: Board, bundle: Bundle, progress: Callable[[int], None]) -> None:
        self._board = board
        self._bundle = bundle
        self._progress = progress
        self._sent = 0

    def run(self) -> int:
        """From UPDATE_BEGIN to UPDATE_END."""
        manifest = self._bundle.manifest_bytes
        self._progress(0)
        begin = bodies.UPDATE_BEGIN.pack(len(manifest), hashlib.sha256(manifest).digest())
        self._board.request(codes.UPDATE_BEGIN, begin)
        self._pieces(codes.UPDATE_MANIFEST, manifest)
        for number, contents in enumerate(self._bundle.contents):
            self._board.request(codes.UPDATE_FILE, bodies.UPDATE_FILE.pack(number))
            self._pieces(codes.UPDATE_WRITE, contents)
        answer = self._board.request(codes.UPDATE_END)
        return answer[0] if answer else 0

    def _pieces(self, kind: int, data: bytes) -> None:
        for offset in range(0, len(data), parameters.PIECE_BYTES):
            piece = data[offset : offset + parameters.PIECE_BYTES]
            self._board.request(kind, bodies.UPDATE_WRITE.pack(offset) + piece)
            self._sent += len(piece)
            self._progress(self._sent)


def _is_worth_another_try(error: SensorError) -> bool:
    """Whether the cause may have been noise or a cable that was knocked."""
    if isinstance(error, SensorUnplugged):
        return error.reason in {"lost", "missing"}
    return isinstance(error, BoardFault) and error.code in _NOISE


def _came_back(board: Board, *, clock: Callable[[], float], pause: Callable[[float], None]) -> bool:
    """Wait for the board after whatever happened to it."""
    deadline = clock() + parameters.COME_BACK_S
    while clock() < deadline:
        board.close()
        try:
            board.open()
        except BoardRefused:
            raise
        except SensorError:
            pause(parameters.ASK_AGAIN_S)
        else:
            return True
    return False


def _words(error: SensorError) -> str:
    if isinstance(error, SensorUnplugged):
        said = "the board went away. Plug its cable in." if error.reason == "lost" else None
    else:
        said = _WORDS.get(error.code) if isinstance(error, BoardFault) and error.code is not None else None
    problem = f"The update was broken off: {said}" if said else f"The update was broken off. {error}"
    return f"{problem} {AGAIN} {OLD_RUNS}"
