"""What is known of one capture, from the board's events and its status. Pure: no port, the time is passed in.

Events tell how it goes, and may get lost. `doubt` says when the status has to settle something: a chunk of an image
that was not announced, an end without a beginning, a failure, which is believed only when the status says it too.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edge_service.sensors.board.answers import MalformedError, fields_of
from edge_service.sensors.board.image_assembly import Geometry, ImageAssembly
from edge_service.sensors.board.readiness import STARTING, WITH_A_JOB
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from edge_service.sensors.board.answers import Status
    from edge_service.sensors.board.board_link import Event
    from edge_service.sensors.protocol import Progress

_log = logging.getLogger(__name__)


class ImageWatch:
    """One capture, as far as it has come.

    Attributes:
        assembly: the image's chunks.
        doubt: ask for the status.
        finger_at: when we heard that a finger was seen; None before. All times in seconds of the caller's clock.
        taken_at: when the image began to come, which is when the sensor had taken it.
        grown_at: when something of the image last came.
        starting: the board switches the sensor off and on, because it had fallen silent.
    """

    def __init__(self, *, before: int, now: float, progress: Progress | None) -> None:
        """`before` is the generation that the board had when the capture was asked for."""
        self.assembly = ImageAssembly(before=before)
        self.doubt = False
        self.finger_at: float | None = None
        self.taken_at = now
        self.grown_at = now
        self.starting = False
        self._progress = progress
        self._began = before
        self._under_way = False
        self._unsized: int | None = None

    @property
    def ended(self) -> bool:
        """The board has the whole image, and we know its size; chunks of it may be missing here."""
        return self.assembly.announced is not None and self.assembly.geometry is not None

    def take_event(self, event: Event, now: float) -> None:
        """Take what the board told; what makes no sense is dropped."""
        try:
            if event.kind == codes.EVENT_CHUNK:
                self._take_chunk(event.body, now)
            elif event.kind == codes.EVENT_IMAGE:
                f = fields_of(bodies.EVENT_IMAGE, event.body, "IMAGE")
                self._take_geometry(f["generation"], _geometry(f), now)
            elif event.kind == codes.EVENT_IMAGE_END:
                self._take_end(fields_of(bodies.EVENT_IMAGE_END, event.body, "IMAGE_END"), now)
            elif event.kind == codes.EVENT_STATE:
                f = fields_of(bodies.EVENT_STATE, event.body, "STATE")
                self._take_state(f["state"], f["error"], now)
        except MalformedError as error:
            _log.warning("the sensor board sends %s", error)

    def take_status(self, status: Status, now: float) -> None:
        """Take what lost events had said."""
        self.doubt = False
        self._take_geometry(status.generation, status.geometry, now)
        if status.complete and self.assembly.generation == status.generation:
            self.assembly.end(status.generation, status.sha256, score=status.score, wire_ms=status.wire_ms)
        self._take_job(status.state, now)

    def tell_progress(self) -> None:
        """Bytes here, bytes due."""
        geometry = self.assembly.geometry
        if self._progress is not None and geometry is not None:
            self._progress(min(self.assembly.gathered_bytes, geometry.size), geometry.size)

    def _take_chunk(self, body: bytes, now: float) -> None:
        if not bodies.EVENT_CHUNK.fits(len(body)):
            raise MalformedError("CHUNK", len(body))
        generation, number = bodies.EVENT_CHUNK.unpack_from(body, 0)
        if self.assembly.add(generation, number, body[bodies.EVENT_CHUNK.size :]):
            self.grown_at = now
            self._image_comes(now)
            # A sensor of unknown model: its first image settles the size, and only at its end.
            self.doubt = self.doubt or (self.assembly.geometry is None and generation != self._unsized)
            self.tell_progress()

    def _take_geometry(self, generation: int, geometry: Geometry, now: float) -> None:
        if self.assembly.begin(generation, geometry):
            self._image_comes(now)
        elif not geometry.width:
            self._unsized = generation

    def _take_end(self, f: dict[str, Any], now: float) -> None:
        if self.assembly.end(f["generation"], f["sha256"], score=f["score"], wire_ms=f["wire_ms"]):
            self._image_comes(now)
            self.doubt = self.assembly.geometry is None

    def _take_state(self, state: int, error: int, now: float) -> None:
        self._take_job(state, now)
        if state not in WITH_A_JOB and (error != codes.ERROR_OK or self._under_way):
            self.doubt = not self.ended

    def _take_job(self, state: int, now: float) -> None:
        self.starting = state in STARTING
        if state in WITH_A_JOB:
            self._under_way = True
        if state == codes.STATE_WAITING_FINGER:
            self.finger_at = None  # at first; and again, when the finger slipped before there was an image
        elif state in {codes.STATE_TAKING, codes.STATE_RECEIVING}:
            self._finger_seen(now)

    def _finger_seen(self, now: float) -> None:
        if self.finger_at is None:
            self.finger_at = self.grown_at = now

    def _image_comes(self, now: float) -> None:
        self._under_way = True
        self._finger_seen(now)
        if self.assembly.generation != self._began:
            self._began = self.assembly.generation
            self.taken_at = self.grown_at = now


def _geometry(f: dict[str, Any]) -> Geometry:
    return Geometry(f["width"], f["height"], f["dpi"], f["bytes_due"], f["sensor_model"])
