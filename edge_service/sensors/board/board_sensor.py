"""The fingerprint sensor behind its board, as the rest of the kiosk sees it."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Self

from edge_service.sensors.board.answers import model_code, model_name, sensor_model
from edge_service.sensors.board.board import Board
from edge_service.sensors.board.capture import Capture, TakenImage
from edge_service.sensors.board.errors import BoardRefused
from edge_service.sensors.board.lift import await_lift
from edge_service.sensors.board.readiness import make_ready
from edge_service.sensors.errors import NoFinger, SensorError
from edge_service.sensors.frame import Frame, SensorInfo
from edge_service.sensors.parameters import BOARD_NEXT_IMAGE_S, BoardTiming
from edge_service.sensors.reopening import until_found
from edge_service.sensors.zfm_answers import unpack_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from edge_service.sensors.board.answers import Identity
    from edge_service.sensors.board.line import Line
    from edge_service.sensors.protocol import Progress

_log = logging.getLogger(__name__)

DAMAGED_UPWARD = "damaged_upward"
"""Beside the board's own counts: frames from the board that arrived here damaged."""


class BoardSensor:
    """A `FingerprintSensor` behind a board. One thread at a time; other threads set `cancel`.

    Args:
        path: the board's port; better the link of its udev rule than a number that changes.
        pairing: the file with what this kiosk knows of its board.
        model: name from `models.MODELS`; None lets the board find out.
        password: the sensor's four-byte password.
        captures: images of one press, of which the one with the board's best score is kept.
        looks: how often the sensor looks at the finger before an image is fetched, 1-10: the first touch is
            rarely the best.
        timing: deadlines and pauses.
        clock: seconds that never go backwards.
        random: gives that many random bytes.
        line: used instead of a serial port at `path`.
    """

    def __init__(
        self,
        path: str,
        *,
        pairing: Path,
        model: str | None = None,
        password: int = 0,
        captures: int = 1,
        looks: int = 1,
        timing: BoardTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
        line: Line | None = None,
    ) -> None:
        self._path = path
        self._model = model_code(model)
        self._password = password
        self._captures = captures
        self._looks = looks
        self._timing = timing or BoardTiming()
        self._clock = clock
        self._board = Board(path, pairing=pairing, timing=self._timing, clock=clock, random=random, line=line)
        self._info: SensorInfo | None = None
        self._session = 0
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def info(self) -> SensorInfo | None:
        """What is known of the sensor; None while it is not connected."""
        return self._info

    @property
    def identity(self) -> Identity | None:
        """What the board said of itself; None before the first connection."""
        return self._board.identity

    @property
    def counts(self) -> dict[str, int]:
        """What the board had counted when it was last asked, before a finger; empty before that. From any thread."""
        return self._counts

    def connect(self, *, timeout_s: float = 10.0, cancel: Event | None = None) -> SensorInfo:
        """Find the board, prove that it is the kiosk's own, and wait for its sensor.

        A port that is not there is tried again, ever less often, until `timeout_s` is over; everything else is
        an error at once. Raises `BoardRefused` (nobody but a technician can help), `BoardFault`,
        `SensorUnplugged`, `SensorLocked`, `SensorGarbled`, and `NoFinger` on a cancel.
        """
        cancel = cancel or Event()
        return until_found(
            lambda: self._find(cancel),
            path=self._path,
            close=self.close,
            timeout_s=timeout_s,
            pauses_s=(self._timing.reopen_first_s, self._timing.reopen_longest_s),
            cancel=cancel,
            clock=self._clock,
        )

    def capture(
        self, *, timeout_s: float = 30.0, progress: Progress | None = None, cancel: Event | None = None
    ) -> Frame:
        """Wait for a finger at most `timeout_s`, then fetch its image, however long that takes on the wire.

        `progress` starts again from the front when the image was fetched again, and for each further image of the
        same press. Raises any `SensorError`; after one, the next call finds the board anew.
        """
        cancel = cancel or Event()
        started = self._clock()
        self.connect(timeout_s=timeout_s, cancel=cancel)
        left_s = max(0.0, started + timeout_s - self._clock())
        best = self._take(left_s, progress=progress, cancel=cancel)
        for _ in range(self._captures - 1):
            try:
                more = self._take(BOARD_NEXT_IMAGE_S, progress=progress, cancel=cancel)
            except BoardRefused:
                raise
            except SensorError as error:
                if isinstance(error, NoFinger) and error.cancelled:
                    raise
                _log.info("no further image of this press: %s", error)
                break
            best = max(best, more, key=lambda image: image.score)
        return self._frame(best)

    def wait_for_lift(self, *, timeout_s: float = 30.0, cancel: Event | None = None) -> bool:
        """True once no finger is on the window; False when `timeout_s` is over or `cancel` is set."""
        cancel = cancel or Event()
        started = self._clock()
        self.connect(timeout_s=timeout_s, cancel=cancel)
        left_s = max(0.0, started + timeout_s - self._clock())
        try:
            return await_lift(
                self._board, timeout_s=left_s, cancel=cancel, timing=self._timing, clock=self._clock
            )
        except SensorError:
            self.close()
            raise

    def close(self) -> None:
        """Give the port back. Never fails; the next call opens it again."""
        self._info = None
        self._board.close()

    def _find(self, cancel: Event) -> SensorInfo:
        """The way from a closed port to a sensor that is ready; one question when all is as it was."""
        board = self._board
        if not board.link.in_session:
            board.open()
        self._ask_counts()
        if self._info is not None and self._session == board.sessions:
            make_ready(board, cancel=cancel, timing=self._timing, clock=self._clock)
            if self._session == board.sessions:
                return self._info
        board.configure(model=self._model, password=self._password)
        make_ready(board, cancel=cancel, timing=self._timing, clock=self._clock)
        found = board.sensor()
        self._session = board.sessions
        self._info = SensorInfo(
            path=self._path,
            model=model_name(found.model),
            baud=found.baud,
            packet_bytes=found.packet_bytes,
            capacity=found.capacity,
            library_emptied=found.library_emptied,
        )
        _log.info("sensor found behind board %s: %s", board.unique, self._info)
        return self._info

    def _ask_counts(self) -> None:
        """For whoever watches the kiosk; a board that does not tell is no reason to take no print."""
        try:
            counts = self._board.counters()
        except BoardRefused:
            raise
        except SensorError as error:
            _log.info("the board does not tell what it has counted: %s", error)
        else:
            self._counts = counts | {DAMAGED_UPWARD: self._board.link.damaged}

    def _take(self, timeout_s: float, *, progress: Progress | None, cancel: Event) -> TakenImage:
        capture = Capture(
            self._board,
            timeout_s=timeout_s,
            looks=self._looks,
            cancel=cancel,
            progress=progress,
            timing=self._timing,
            clock=self._clock,
        )
        try:
            return capture.take()
        except SensorError as error:
            # A refusal, and the absence of a finger, leave the conversation intact.
            if error.code is None and not isinstance(error, NoFinger):
                self.close()
            raise

    def _frame(self, image: TakenImage) -> Frame:
        model = sensor_model(image.geometry)
        if self._info is not None and self._info.model is None:
            self._info = replace(self._info, model=model.name)
        pixels = unpack_image(image.content, width=model.width, height=model.height)
        transfer_s = image.received_at - image.taken_at
        return Frame(pixels, model.dpi, model.name, image.taken_at, transfer_s)

    def _cancelled(self, started: float) -> NoFinger:
        return NoFinger(path=self._path, waited_s=self._clock() - started, cancelled=True)
