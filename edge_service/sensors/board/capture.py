"""One image of one press: asked for, gathered while it is on its way, made complete, checked, and released."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.sensors.board.errors import BoardFault, BoardRefused
from edge_service.sensors.board.image_watch import ImageWatch
from edge_service.sensors.board.readiness import STARTING, WITH_A_JOB, make_ready
from edge_service.sensors.board.refusals import as_sensor_error
from edge_service.sensors.errors import NoFinger, SensorError, SensorGarbled
from edge_service.sensors.parameters import (
    BOARD_CAPTURE_RESTARTS,
    BOARD_FRUITLESS_ROUNDS,
    BOARD_LONGEST_WAIT_S,
    BOARD_TRANSFER_ATTEMPTS,
    BoardTiming,
)
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event as Cancel

    from edge_service.sensors.board.answers import Status
    from edge_service.sensors.board.board import Board
    from edge_service.sensors.board.image_assembly import Geometry
    from edge_service.sensors.protocol import Progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenImage:
    """A whole image: its bytes as the sensor sends them, what took it, the board's score, and when, in seconds."""

    content: bytes
    geometry: Geometry
    score: int
    taken_at: float
    received_at: float


class Capture:
    """One capture on `board`. `take` is called once.

    Args:
        board: the board.
        timeout_s: how long to wait for a finger.
        looks: how often the sensor may look before the image is fetched, 1-10.
        cancel: ends it.
        progress: told of bytes done and due; from the front again when the image is fetched again.
        timing: deadlines.
        clock: seconds that never go backwards.
    """

    def __init__(
        self,
        board: Board,
        *,
        timeout_s: float,
        looks: int,
        cancel: Cancel,
        progress: Progress | None,
        timing: BoardTiming,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board = board
        self._timeout_s = timeout_s
        self._looks = looks
        self._cancel = cancel
        self._progress = progress
        self._timing = timing
        self._clock = clock
        self._started = clock()
        self._watch = ImageWatch(before=0, now=self._started, progress=progress)
        self._session = self._boots = 0

    def take(self) -> TakenImage:
        """The image, complete, its SHA-256 right. Raises `SensorError`, `NoFinger` among them."""
        restarts = 0
        while restarts <= BOARD_CAPTURE_RESTARTS:
            waits_until = self._begin()
            if self._gather():
                image = self._complete()
                self._release()
                return image
            if self._clock() < waits_until:
                restarts += 1
                _log.warning("the sensor board on %s forgot the capture; it is asked again", self._board.path)
        raise BoardFault(
            f"The sensor board on {self._board.path} forgets what it is asked, again and again. Look at it:"
            " edge-service board status",
            path=self._board.path,
        )

    # -- the capture

    def _begin(self) -> float:
        """Tell the board to capture, whatever it was doing; when it will stop waiting for a finger."""
        board = self._board
        status = make_ready(board, cancel=self._cancel, timing=self._timing, clock=self._clock)
        wait_s = min(max(0.0, self._started + self._timeout_s - self._clock()), BOARD_LONGEST_WAIT_S)
        board.link.forget_events()
        board.request(codes.CAPTURE, bodies.CAPTURE.pack(int(wait_s * 1000), self._looks))
        self._session, self._boots = board.sessions, board.boots
        now = self._clock()
        self._watch = ImageWatch(before=status.generation, now=now, progress=self._progress)
        self._heard_at = now
        return now + wait_s

    def _gather(self) -> bool:
        """Until the board has the whole image; False when it stopped before a finger was seen."""
        watch, board, timing = self._watch, self._board, self._timing
        while not watch.ended:
            event = board.next_event()
            now = self._clock()
            self._check_limits(now)
            if event is not None:
                self._heard_at = now
                watch.take_event(event, now)
                continue
            quiet_s = timing.quiet_while_waiting_s if watch.finger_at is None else timing.quiet_in_image_s
            new_session = board.sessions != self._session or not board.link.in_session
            if (watch.doubt or new_session or now - self._heard_at >= quiet_s) and not self._look():
                return False
        return True

    def _look(self) -> bool:
        """Let the status settle every doubt; False when the board stopped before a finger was seen."""
        status = self._board.status()
        now = self._heard_at = self._clock()
        self._session = self._board.sessions
        if self._board.boots != self._boots:
            return self._stopped("restarted")
        self._watch.take_status(status, now)
        if self._watch.assembly.announced is not None or status.state in STARTING | WITH_A_JOB:
            return True
        if status.error not in {codes.ERROR_OK, codes.ERROR_CANCELLED} and not self._may_wait_on(status):
            raise as_sensor_error(
                status.error,
                status.detail,
                path=self._board.path,
                board=self._board.unique,
                waited_s=now - self._started,
            )
        return self._stopped("gave up")

    def _may_wait_on(self, status: Status) -> bool:
        """The board waited for its longest, and the caller would wait longer."""
        longer = self._timeout_s > BOARD_LONGEST_WAIT_S
        return (
            longer
            and status.error == codes.ERROR_NO_FINGER
            and self._clock() < self._started + self._timeout_s
        )

    def _stopped(self, what: str) -> bool:
        """The board no longer captures. Before a finger was seen that costs nobody anything."""
        if self._watch.finger_at is None:
            return False
        raise BoardFault(
            f"The sensor board on {self._board.path} {what} while the image was under way. Press the finger again.",
            path=self._board.path,
        )

    # -- the image

    def _complete(self) -> TakenImage:
        assembly = self._watch.assembly
        for _ in range(BOARD_TRANSFER_ATTEMPTS):
            self._fetch_missing()
            geometry = assembly.geometry
            assert geometry is not None
            content = assembly.take()
            if content is not None:
                self._watch.tell_progress()
                return TakenImage(content, geometry, assembly.score, self._watch.taken_at, self._clock())
            _log.warning("an image of the sensor board on %s has a wrong SHA-256", self._board.path)
        self._give_up()
        raise SensorGarbled("the image is not the one that its board took (SHA-256)", path=self._board.path)

    def _fetch_missing(self) -> None:
        """Ask for the chunks that are missing, as often as that brings some."""
        assembly = self._watch.assembly
        fruitless = 0
        while missing := assembly.missing():
            if fruitless > BOARD_FRUITLESS_ROUNDS:
                raise self._broken_off("parts of the image do not arrive, however often they are asked for")
            before, generation = assembly.gathered_bytes, assembly.generation
            first, count = missing[0]
            self._board.request(codes.GET_CHUNKS, bodies.GET_CHUNKS.pack(generation, first, count))
            self._await_chunks(first, count)
            if assembly.generation != generation and not self._gather():
                self._stopped("gave up")
            fruitless = 0 if assembly.gathered_bytes > before else fruitless + 1

    def _await_chunks(self, first: int, count: int) -> None:
        """Take events until the chunks asked for are here, or nothing comes any more."""
        assembly = self._watch.assembly
        generation = assembly.generation
        heard_at = self._clock()
        while assembly.generation == generation and assembly.lacks(first, count):
            event = self._board.next_event()
            now = self._clock()
            self._check_limits(now)
            if event is not None:
                heard_at = now
                self._watch.take_event(event, now)
            elif now - heard_at >= self._timing.resend_s:
                return

    def _release(self) -> None:
        """Let the board overwrite the image; if it cannot be told, it does so by itself after 30 s."""
        try:
            generation = self._watch.assembly.generation
            self._board.request(codes.RELEASE, bodies.RELEASE.pack(generation))
        except BoardRefused:
            raise  # the lid, at this very moment: not even this image counts
        except SensorError as error:
            _log.warning("an image was not released: %s", error)

    # -- limits

    def _check_limits(self, now: float) -> None:
        """Nobody waits longer than was agreed, and a cancel is heard."""
        timing, watch = self._timing, self._watch
        waited_s = now - self._started
        if self._cancel.is_set():
            self._give_up()
            raise NoFinger(path=self._board.path, waited_s=waited_s, cancelled=True)
        if watch.finger_at is None:
            late_s = timing.ready_s if watch.starting else timing.board_late_s
            if waited_s > self._timeout_s + late_s:
                self._give_up()
                raise NoFinger(path=self._board.path, waited_s=waited_s)
        elif now - watch.grown_at > timing.image_stall_s or now - watch.finger_at > timing.image_limit_s:
            raise self._broken_off("the image broke off")

    def _broken_off(self, reason: str) -> SensorGarbled:
        self._give_up()
        assembly = self._watch.assembly
        return SensorGarbled(
            reason,
            path=self._board.path,
            expected_bytes=None if assembly.geometry is None else assembly.geometry.size,
            received_bytes=assembly.gathered_bytes,
        )

    def _give_up(self) -> None:
        """Tell the board, if it still listens."""
        with contextlib.suppress(SensorError):
            self._board.request(codes.CANCEL)
