"""From a board that answers to one whose sensor is ready for the next finger."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_service.sensors.board.refusals import as_sensor_error
from edge_service.sensors.errors import NoFinger
from firmware.core import codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as Cancel

    from edge_service.sensors.board.answers import Status
    from edge_service.sensors.board.board import Board
    from edge_service.sensors.parameters import BoardTiming

STARTING = frozenset({codes.STATE_OFF, codes.STATE_POWERING, codes.STATE_PROBING})
WITH_A_JOB = frozenset(
    {codes.STATE_WAITING_FINGER, codes.STATE_TAKING, codes.STATE_RECEIVING, codes.STATE_WAITING_LIFT}
)


def make_ready(
    board: Board, *, cancel: Cancel, timing: BoardTiming, clock: Callable[[], float] = time.monotonic
) -> Status:
    """End what another program left behind, wait for a sensor that starts, restart one that failed, once.

    Raises what `Board.request` does, the sensor's own error when it stays at fault, `BoardRefused` while the lid is
    open, `NoFinger` on a cancel.
    """
    started = clock()
    switched = False
    while True:
        status = board.status()
        if status.state == codes.STATE_READY:
            if status.flags.lid_open:
                raise as_sensor_error(codes.ERROR_LID_OPEN, 0, path=board.path, board=board.unique)
            return status
        if status.state == codes.STATE_FAULT:
            if switched or status.error == codes.ERROR_SENSOR_LOCKED:
                raise as_sensor_error(status.error, status.detail, path=board.path, board=board.unique)
            switched = True
            started = clock()
            board.request(codes.POWER_CYCLE)
        elif status.state not in STARTING:
            board.request(codes.CANCEL)
        waited_s = clock() - started
        if cancel.is_set():
            raise NoFinger(path=board.path, waited_s=waited_s, cancelled=True)
        if waited_s > timing.ready_s:
            error = status.error or codes.ERROR_SENSOR_SILENT
            raise as_sensor_error(error, status.detail, path=board.path, board=board.unique)
        board.next_event()
