"""An update from the first question to the confirmation: check, send, restart, confirm, or see it fall back."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.firmware_update import fitness, parameters, transfer
from edge_service.firmware_update.errors import UpdateFailed
from edge_service.sensors.board.board_link import LinkBroken
from edge_service.sensors.board.errors import BoardForeign, BoardTampered, BoardUnpaired
from edge_service.sensors.errors import SensorError
from firmware.core import codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.firmware_update.bundle import Bundle
    from edge_service.sensors.board import Board
    from edge_service.sensors.board.answers import Identity


@dataclass(frozen=True, slots=True)
class Steps:
    """Who is told how far an update is. Each is called in the thread of `install`."""

    sent: Callable[[int], None] = lambda _: None
    """Bytes sent so far, of `transfer.work_of`."""
    waiting: Callable[[str], None] = lambda _: None
    """What is waited for now, in words."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What the board runs now, confirmed.

    Attributes:
        before: version that ran before; the same as `after` when only the confirmation was missing.
        after: version that runs now.
        slot: where it lies.
    """

    before: str
    after: str
    slot: int


def install(
    board: Board,
    bundle: Bundle,
    *,
    allow_older: bool = False,
    steps: Steps | None = None,
    fall_back_s: float = parameters.FALL_BACK_S,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Installed:
    """Bring the bundle onto the board and see it run.

    Raises BundleUnfit before anything is changed, UpdateFailed afterwards, and SensorError when the board does not
    answer at all or is not ours.
    """
    steps = steps or Steps()
    before = board.open()
    fitness.check(bundle, before, allow_older=allow_older)
    if fitness.is_on_trial(bundle, before):
        board.request(codes.CONFIRM)
        return Installed(before.version, before.version, before.slot)
    transfer.send(board, bundle, progress=steps.sent, clock=clock, pause=pause)
    steps.waiting(f"{bundle.manifest.version} is in place; the board starts it")
    last_seen = board.identity or before  # it may have restarted during the transfer
    _reboot(board)
    waiting = _Waiting(board, bundle, last_seen, steps, clock=clock, pause=pause)
    after = waiting.for_either(fall_back_s)
    board.request(codes.CONFIRM)
    return Installed(before.version, after.version, after.slot)


def _reboot(board: Board) -> None:
    with contextlib.suppress(LinkBroken, SensorError):  # it may be faster than its answer
        board.link.request(codes.REBOOT)
    board.close()


class _Waiting:
    """For a board that starts its new firmware, or falls back."""

    def __init__(
        self,
        board: Board,
        bundle: Bundle,
        before: Identity,
        steps: Steps,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._board = board
        self._wanted = bundle.manifest.version
        self._before = before
        self._steps = steps
        self._clock = clock
        self._pause = pause

    def for_either(self, fall_back_s: float) -> Identity:
        """The new firmware's own identity. Raises UpdateFailed when the old one is back, or nobody comes."""
        started = self._clock()
        patient = True
        problem = ""
        while self._clock() - started < fall_back_s:
            try:
                now = self._board.open()
            except (BoardForeign, BoardTampered, BoardUnpaired):
                raise  # no wait makes this better
            except SensorError as error:
                problem = str(error)
                self._board.close()
            else:
                if now.boots != self._before.boots or now.slot != self._before.slot:
                    return self._judge(now)
                self._board.close()  # it has not restarted yet
            if patient and self._clock() - started > parameters.COME_BACK_S:
                patient = False
                self._steps.waiting(
                    "it does not answer; waiting for the board to fall back, up to four minutes"
                )
            self._pause(parameters.ASK_AGAIN_S)
        raise UpdateFailed(
            f"The board did not come back within {fall_back_s:.0f} s of its restart. Unplug its USB cable, wait five"
            " seconds, plug it in again, and look: edge-service firmware status. If it stays silent, install it as a"
            f" new board: docs/firmware-update.md. ({problem})"
        )

    def _judge(self, now: Identity) -> Identity:
        if now.slot == self._before.slot:
            raise UpdateFailed(
                f"Firmware {self._wanted} did not run well: the board has fallen back to {now.version}, which works"
                " as before. Report this to whoever built the bundle; do not install it again.",
                fell_back=True,
            )
        if now.version != self._wanted:
            raise UpdateFailed(
                f"The board says that it runs {now.version or 'firmware without a version'}, not {self._wanted}: the"
                " bundle contradicts itself. It was not confirmed, so the board falls back within four minutes."
            )
        return now
