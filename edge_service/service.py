"""The edge service: fingers in at the sensor, a submission into the spool, the reply out.

All its parts are handed in, so that a demo, a test or the kiosk's page can each bring their own.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from edge_service.booking import NOTHING_SAID, Booking, BookingEvent, Finger, Stage
from edge_service.errors import BookingError, SpoolError, SpoolFull
from edge_service.extraction.errors import ExtractionError
from edge_service.sensors.board.errors import BoardRefused
from edge_service.sensors.errors import NoFinger, SensorError, SensorGarbled, SensorLocked
from edge_service.settings import CaptureSettings, UplinkSettings
from edge_service.spool import SpoolState
from interchange import iso19794
from interchange.errors import MessageError, TemplateError
from interchange.logs import facts
from interchange.messages import (
    ModelReference,
    Print,
    Purpose,
    Reply,
    Submission,
    decode_message,
    encode_message,
)
from interchange.print_image import encode_image
from interchange.record import record_of
from interchange.tcn import new_tcn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_service.booking import About, Extractor
    from edge_service.clock import Clock
    from edge_service.sensors.frame import Frame
    from edge_service.sensors.protocol import FingerprintSensor
    from edge_service.spool import Spool, SpoolEntry
    from edge_service.spool.images import ImageStore
    from interchange.messages import CaptureTime
    from interchange.minutiae import Minutiae

log = logging.getLogger("edge.booking")

EXTRACTOR_NAME = "whorl"
_HOPELESS = (SensorLocked, BoardRefused)
# Nothing more will be heard of it.
_OVER = frozenset({SpoolState.REFUSED, SpoolState.EXPIRED, SpoolState.DAMAGED})
MAX_MINUTIAE = 255  # ISO/IEC 19794-2:2005, 7.4.1.4: the count is one byte


class EdgeService:
    """Takes bookings, one at a time; see `book`."""

    def __init__(
        self,
        *,
        device: str,
        sensor: FingerprintSensor,
        extractor: Extractor,
        spool: Spool,
        clock: Clock,
        wake_uplink: Callable[[], None] = lambda: None,
        events: Callable[[BookingEvent], None] = lambda _: None,
        capture: CaptureSettings | None = None,
        uplink: UplinkSettings | None = None,
        cancel: threading.Event | None = None,
        images: ImageStore | None = None,
    ) -> None:
        """`wake_uplink` tells the uplink of this process, if it has one, that there is something to send.

        Without `images` none is kept, or sent.
        Setting `cancel` from any thread ends a booking that is under way.
        """
        self._device = device
        self._sensor = sensor
        self._extractor = extractor
        self._spool = spool
        self._clock = clock
        self._wake_uplink = wake_uplink
        self._tell = events
        self._settings = capture or CaptureSettings()
        self._reply_timeout_s = (uplink or UplinkSettings()).reply_timeout_s
        self._finger_is_on = False
        self._images = images
        self.cancel = cancel or threading.Event()

    def book(self, positions: Sequence[int], *, purpose: Purpose = Purpose.BOOKING) -> Booking:
        """One booking: take the fingers, save the submission, wait a while for the reply.

        When it returns, the submission is on the disk and will reach the matcher, whether or not the reply
        came in time. A finger that nobody presses is left out and listed. Raises SensorError, BookingError
        if no finger could be used or `cancel` was set, SpoolError if it could not be saved: then nothing was.
        """
        self._check_room()
        self._check_sensor()
        left_out: dict[int, str] = {}
        fingers = [f for p in positions if (f := self._take_finger(p, left_out)) is not None]
        if not fingers:
            raise BookingError("no finger could be used, nothing was saved. Take the prints again.", left_out)
        began = time.monotonic()
        tcn = self._save(fingers, self._clock.now(), purpose)
        saved = time.monotonic()
        self._tell(BookingEvent(stage=Stage.SAVED, tcn=tcn, note=self._how_full()))
        self._wake_uplink()
        entry = self._spool.wait_for(tcn, _is_answered, timeout_s=self._reply_timeout_s, cancel=self.cancel)
        answered = time.monotonic()
        reply = None if entry is None or entry.reply is None else decode_message(Reply, entry.reply)
        booking = Booking(
            tcn=tcn,
            fingers=tuple(fingers),
            left_out=left_out,
            reply=reply,
            refused=_refusal(entry),
            saving_ms=(saved - began) * 1000,
            reply_ms=None if reply is None else (answered - saved) * 1000,
            last_byte_to_reply_ms=None if reply is None else (answered - fingers[-1].received_at_s) * 1000,
        )
        self._tell(_outcome(booking))
        return booking

    def _check_room(self) -> None:
        """Refuse before anybody is asked to press, where what is taken might not be saved."""
        if not self._spool.room_for_new_booking():
            raise SpoolFull(
                self._spool.path,
                limit="new bookings",
                problem="has room for what was begun, and for no new booking. Restore the connection to the matcher.",
            )

    def _check_sensor(self) -> None:
        """Refuse before anybody is asked to press, where no finger could be taken however often it is tried."""
        try:
            self._sensor.connect(timeout_s=0.0, cancel=self.cancel)
        except _HOPELESS:
            raise
        except SensorError as error:
            log.warning("the sensor is not ready yet", extra=facts(reason=error))

    def _take_finger(self, position: int, left_out: dict[int, str]) -> Finger | None:
        """The best of up to `attempts` presses; it stops at the first that is good enough."""
        best: Finger | None = None
        problem = ""
        for attempt in range(1, self._settings.attempts + 1):
            try:
                finger, problem = self._try_press(position, attempt)
            except NoFinger as error:
                if error.cancelled:
                    raise BookingError("the booking was cancelled, nothing was saved") from None
                problem = str(error)
                break
            if finger is not None and (best is None or _quality(finger) > _quality(best)):
                best = finger
            if not problem:
                break
            if attempt < self._settings.attempts:
                self._tell(BookingEvent(stage=Stage.AGAIN, position=position, attempt=attempt, note=problem))
        if best is None:
            left_out[position] = problem
            self._tell(BookingEvent(stage=Stage.LEFT_OUT, position=position, note=problem))
        return best

    def _try_press(self, position: int, attempt: int) -> tuple[Finger | None, str]:
        """What one press gave, if it can be used at all, and what could be better about it."""
        try:
            finger = self._one_press(position, attempt)
        except NoFinger:
            raise
        except (SensorError, ExtractionError, TemplateError) as error:
            if _ends_the_booking(error, last=attempt == self._settings.attempts):
                raise
            log.warning("press not used", extra=facts(position=position, reason=error))
            return None, str(error)
        if not len(finger.minutiae):
            return None, finger.advice or "no print was found: lay the finger flat on the sensor"
        if _quality(finger) < self._settings.min_finger_quality:
            advice = finger.advice or "Lay it down again, flat and still."
            return finger, f"quality {_quality(finger)} of 100. {advice}"
        return finger, ""

    def _one_press(self, position: int, attempt: int) -> Finger:
        """Capture, extraction, record."""
        self._wait_for_lift(position)
        self._tell(BookingEvent(stage=Stage.PRESS, position=position, attempt=attempt))
        started = time.monotonic()
        frame = self._sensor.capture(
            timeout_s=self._settings.finger_wait_s,
            progress=lambda done, total: self._tell(
                BookingEvent(stage=Stage.TRANSFER, position=position, attempt=attempt, done=done, total=total)
            ),
            cancel=self.cancel,
        )
        self._finger_is_on = True
        received = time.monotonic()
        found, assessment = self._extractor.assess(frame.pixels, frame.dpi)
        minutiae = _most_certain(found)
        extracted = time.monotonic()
        template = iso19794.encode(record_of(minutiae, position=position))
        encoded = time.monotonic()
        self._tell(
            BookingEvent(
                stage=Stage.EXTRACTED, position=position, attempt=attempt, frame=frame, minutiae=minutiae
            )
        )
        return Finger(
            position=position,
            minutiae=minutiae,
            advice=assessment.reason.words() if assessment.reason is not None else "",
            template=template,
            attempts=attempt,
            waiting_ms=max(0.0, received - started - frame.transfer_s) * 1000,
            transfer_ms=frame.transfer_s * 1000,
            extraction_ms=(extracted - received) * 1000,
            encoding_ms=(encoded - extracted) * 1000,
            received_at_s=received,
            image=b"" if self._images is None else _as_image(frame),
        )

    def _wait_for_lift(self, position: int) -> None:
        """A finger that stayed on since the last image must not be taken for the next one."""
        if not self._finger_is_on:
            return
        self._tell(BookingEvent(stage=Stage.LIFT, position=position))
        began = time.monotonic()
        if not self._sensor.wait_for_lift(timeout_s=self._settings.lift_wait_s, cancel=self.cancel):
            waited_s = time.monotonic() - began
            raise NoFinger(path="sensor", waited_s=waited_s, cancelled=self.cancel.is_set())
        self._finger_is_on = False

    def _how_full(self) -> str:
        stats = self._spool.stats()
        if not stats.nearly_full:
            return ""
        return f"{stats.undelivered} bookings wait for delivery and there is little room for more: see to it"

    def _save(
        self,
        fingers: Sequence[Finger],
        captured_at: CaptureTime,
        purpose: Purpose,
        *,
        announce: Callable[[str], None] = lambda _: None,
        about: About = NOTHING_SAID,
    ) -> str:
        """`announce` is told the TCN before anything is saved under it; `about` is what was said of the booking."""
        tcn = new_tcn(self._device, now_ms=int(captured_at.clock.timestamp() * 1000))
        announce(tcn)
        pictures = {number: f.image for number, f in enumerate(fingers) if f.image}
        if self._images is None or not self._images.keep(tcn, pictures):
            pictures = {}
        submission = Submission(
            tcn=tcn,
            device=self._device,
            captured_at=captured_at,
            purpose=purpose,
            extractor=ModelReference(
                name=EXTRACTOR_NAME,
                sha256=self._extractor.model_sha256,
                version=self._extractor.model_version,
            ),
            prints=tuple(
                Print(
                    position=f.position,
                    finger_quality=f.minutiae.finger_quality,
                    template=f.template,
                    image_sha256=sha256(f.image).hexdigest() if number in pictures else None,
                )
                for number, f in enumerate(fingers)
            ),
            transaction=about.transaction,
            charge_class=about.charge_class,
            disposition=about.disposition,
            left_out=about.left_out,
        )
        try:
            self._spool.add(tcn, encode_message(submission))
        except SpoolError:
            self._erase_images(tcn)
            raise
        log.info(
            "booking saved",
            extra=facts(tcn=tcn, prints=len(fingers), images=len(pictures), purpose=purpose),
        )
        return tcn

    def _erase_images(self, tcn: str) -> None:
        """Those of a booking that was not saved; if that fails too, the uplink erases them later."""
        if self._images is not None:
            with contextlib.suppress(SpoolError):
                self._images.erase(tcn)


def _as_image(frame: Frame) -> bytes:
    """Empty for one that is larger than an image may be: the booking goes without it."""
    try:
        return encode_image(frame.pixels, dpi=frame.dpi)
    except MessageError as error:
        log.warning("an image is not sent", extra=facts(reason=error.reason))
        return b""


def _ends_the_booking(error: Exception, *, last: bool) -> bool:
    """A cable may be put back, and noise may pass; a wrong password and an opened lid stay what they are."""
    if isinstance(error, _HOPELESS):
        return True
    return last and isinstance(error, SensorError) and not isinstance(error, SensorGarbled)


def _quality(finger: Finger) -> int:
    return finger.minutiae.finger_quality


def _most_certain(minutiae: Minutiae) -> Minutiae:
    """At most as many as a record holds, the most certain ones, in their order."""
    if len(minutiae) <= MAX_MINUTIAE:
        return minutiae
    return minutiae.take(np.sort(np.argsort(-minutiae.quality, kind="stable")[:MAX_MINUTIAE]))


def _is_answered(entry: SpoolEntry) -> bool:
    return entry.reply is not None or entry.state in _OVER


def _refusal(entry: SpoolEntry | None) -> str | None:
    if entry is None or entry.state is not SpoolState.REFUSED:
        return None
    return f"{entry.refused_field}: {entry.refused_reason}"


def _outcome(booking: Booking) -> BookingEvent:
    if booking.refused is not None:
        return BookingEvent(stage=Stage.REFUSED, tcn=booking.tcn, note=booking.refused)
    return BookingEvent(stage=Stage.WAITING if booking.reply is None else Stage.REPLIED, tcn=booking.tcn)
