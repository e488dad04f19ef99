"""What a booking is made of, what it reports on its way, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interchange.charges import Transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_service.extraction.quality import Assessment
    from edge_service.sensors.frame import Frame
    from interchange.charges import ChargeClass, Disposition, LeftOut
    from interchange.messages import Reply
    from interchange.minutiae import Minutiae


class Extractor(Protocol):
    """What a booking needs of `edge_service.extraction.Extractor`."""

    model_sha256: str
    model_version: str | None

    def assess(self, image: NDArray[np.uint8], dpi: float) -> tuple[Minutiae, Assessment]:
        """The minutiae of a uint8 image (height, width), none if it is no print; and why they are no better.

        Raises ExtractionError for an image that it cannot read.
        """
        ...

    def forget(self) -> None:
        """Leave nothing of the images in memory that outlives the booking."""
        ...


class Stage(StrEnum):
    """Stages of a booking, in the order in which they are reported."""

    PRESS = "press"  # put the finger of this position on the sensor
    TRANSFER = "transfer"  # bytes done of total
    EXTRACTED = "extracted"  # frame and minutiae of this press
    AGAIN = "again"  # press once more: see the note
    LEFT_OUT = "left_out"  # this finger could not be taken: see the note
    LIFT = "lift"  # take the finger off
    SAVED = "saved"  # the submission is on the disk, under this TCN
    REPLIED = "replied"
    WAITING = "waiting"  # no reply in time: it will come later
    REFUSED = "refused"  # by the matcher: see the note


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingEvent:
    """Progress of a booking, for whoever draws it.

    Attributes:
        stage: what is happening.
        position: finger position, 1-10, for what concerns one finger; else 0.
        attempt: number of the press, from 1.
        done: bytes transferred.
        total: bytes expected.
        frame: the image of this press, at `EXTRACTED`; not kept by the booking.
        minutiae: what was found in it.
        tcn: of the submission, once it has one.
        note: words for the officer.
    """

    stage: Stage
    position: int = 0
    attempt: int = 0
    done: int = 0
    total: int = 0
    frame: Frame | None = None
    minutiae: Minutiae | None = None
    tcn: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finger:
    """One finger that was taken: the best of its presses, and how long each stage of that one took.

    `advice` is what to do better, in words, empty for a good print.
    `waiting_ms` is from the prompt until the sensor had an image, `transfer_ms` the image on the wire,
    `extraction_ms` the minutiae, `encoding_ms` the ISO/IEC 19794-2:2005 record; `received_at_s` is when the
    last byte had arrived, by `time.monotonic`. `image` is PNG, empty where images are not sent.
    """

    position: int
    minutiae: Minutiae
    advice: str
    template: bytes
    attempts: int
    waiting_ms: float
    transfer_ms: float
    extraction_ms: float
    encoding_ms: float
    received_at_s: float
    image: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the officer said of a booking beside its prints; the centre's rules of sharing ask for it."""

    transaction: Transaction = Transaction.CAR
    charge_class: ChargeClass | None = None
    disposition: Disposition | None = None
    left_out: tuple[LeftOut, ...] = ()


NOTHING_SAID = About()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking that was saved, and what has become of it so far.

    Attributes:
        tcn: its number, for ever.
        fingers: what was submitted.
        left_out: why a finger is not among them, by position.
        reply: the matcher's rapid reply; None if it has not come (yet).
        refused: why the matcher refused it, if it did.
        saving_ms: time to have the submission on the disk.
        reply_ms: from "saved" to the reply; None without one.
        last_byte_to_reply_ms: from the last byte of the last image to the reply; None without one.
    """

    tcn: str
    fingers: tuple[Finger, ...]
    left_out: dict[int, str] = field(default_factory=dict[int, str])
    reply: Reply | None = None
    refused: str | None = None
    saving_ms: float = 0.0
    reply_ms: float | None = None
    last_byte_to_reply_ms: float | None = None
