"""Waiting for the window to be empty again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_service.sensors.board.readiness import STARTING, make_ready
from edge_service.sensors.board.refusals import as_sensor_error
from edge_service.sensors.parameters import BOARD_LONGEST_WAIT_S
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as Cancel

    from edge_service.sensors.board.board import Board
    from edge_service.sensors.parameters import BoardTiming

_NOT_LIFTED = (codes.ERROR_STILL_ON, codes.ERROR_CANCELLED)


def await_lift(
    board: Board,
    *,
    timeout_s: float,
    cancel: Cancel,
    timing: BoardTiming,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """True once no finger is on the window; False when time is over or `cancel` is set.

    Raises what `Board.request` does, and the sensor's error when it failed.
    """
    started = clock()
    while True:
        make_ready(board, cancel=cancel, timing=timing, clock=clock)
        left_s = max(0.0, started + timeout_s - clock())
        asked_s = min(left_s, BOARD_LONGEST_WAIT_S)
        board.link.forget_events()
        board.request(codes.WAIT_LIFT, bodies.WAIT_LIFT.pack(int(asked_s * 1000)))
        boots = board.boots
        deadline = clock() + asked_s + timing.board_late_s
        outcome = _watch(board, deadline=deadline, cancel=cancel, timing=timing, clock=clock)
        restarted = board.boots != boots  # that it waits for nothing then says nothing of the finger
        if outcome and not restarted:
            return True
        if cancel.is_set() or clock() >= started + timeout_s:
            return False


def _watch(
    board: Board, *, deadline: float, cancel: Cancel, timing: BoardTiming, clock: Callable[[], float]
) -> bool:
    looked_at = clock()
    while True:
        if cancel.is_set() or clock() > deadline:
            board.request(codes.CANCEL)
            return False
        event = board.next_event()
        now = clock()
        if event is None and board.link.in_session and now - looked_at < timing.quiet_while_waiting_s:
            continue
        looked_at = now
        status = board.status()
        if status.state == codes.STATE_WAITING_LIFT or status.state in STARTING:
            continue
        if status.error in _NOT_LIFTED:
            return False
        if status.error != codes.ERROR_OK:
            raise as_sensor_error(status.error, status.detail, path=board.path, board=board.unique)
        return True
