"""Images of prints at the centre: asked for where a rule lets submissions carry them, checked, kept sealed, or refused.

A submission says by its digests which images its device kept. Once it is answered the device offers them; the rules of
the repositories that it was searched in say whether any are wanted, and those alone are asked for. Default deny: what
no rule allows is never sent. See docs/decisions/0018-images.md.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.errors import MessageError
from interchange.logs import facts
from interchange.messages import ImagesWanted, Submission, decode_message
from interchange.print_image import decode_image
from interchange.tcn import device_of
from matcher_service import routing
from matcher_service.auditing import record
from matcher_service.parameters import IMAGE_DPI_TOLERANCE
from matcher_service.repositories import Outcome, read_single
from matcher_service.repositories.image_tables import ImageOffer, SubmissionImage
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.sealed_records import Part, open_part, payload_of, seal_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from interchange.messages import ImageSent, ImagesOffered
    from matcher_service.repositories import Database

log = logging.getLogger("matcher.images")

PURPOSE = "images of prints"


class Images:
    """See the module. Raises MessageError for what a device may not say, StoreError when the database fails."""

    def __init__(
        self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._now = now

    def offered(self, offer: ImagesOffered) -> ImagesWanted | None:
        """Which images are wanted now; None as long as the submission waits for its search."""
        with self._database.write() as session:
            stored = _stored(session, offer.tcn, offer.device)
            if stored is None or stored.outcome == Outcome.ERASED:
                return ImagesWanted(tcn=offer.tcn, prints=())
            if stored.outcome == Outcome.WAITING:
                return None
            kept = _digests(session, stored.id)
            open_to = routing.images_carried(session, stored.id, now=self._now())
            self._note(session, stored, len(kept), open_to)
            here = set(
                session.scalars(
                    select(SubmissionImage.number).where(SubmissionImage.submission_id == stored.id)
                )
            )
            missing = tuple(sorted(kept.keys() - here)) if open_to else ()
            return ImagesWanted(tcn=offer.tcn, prints=missing)

    def take(self, sent: ImageSent) -> bool:
        """Keep an image; False if it is not kept: it is here already, no rule allows it, or it is not the right one."""
        with self._database.write() as session:
            stored = _stored(session, sent.tcn, sent.device)
            if stored is None or stored.outcome in {Outcome.ERASED, Outcome.WAITING}:
                return False
            known = select(SubmissionImage.id).where(
                SubmissionImage.submission_id == stored.id, SubmissionImage.number == sent.number
            )
            if session.scalar(known) is not None:
                return False
            told = facts(tcn=sent.tcn, number=sent.number)
            if not routing.images_carried(session, stored.id, now=self._now()):
                log.warning("an image that no rule allows is not kept", extra=told)
                return False
            try:
                _check(session, stored.id, sent)
            except MessageError as error:
                refused: str | None = f"{error.field}: {error.reason}"[:300]
                log.warning("image refused", extra=told | facts(field=error.field, reason=error.reason))
                self._record(session, stored, "image.refused", number=sent.number, reason=str(refused))
                picture = b""
            else:
                refused = None
                picture = seal_part(
                    session, stored.id, stored.tcn, Part.IMAGE, sent.image, number=sent.number
                )
            session.add(
                SubmissionImage(
                    submission_id=stored.id,
                    number=sent.number,
                    picture=picture,
                    refused=refused,
                    received_at=self._now(),
                )
            )
            return refused is None

    def _note(self, session: Session, stored: StoredSubmission, offered: int, open_to: list[str]) -> None:
        """What the rules said, once; again only where they have come to say something else."""
        names = " ".join(open_to)[:1100]
        row = session.get(ImageOffer, stored.id)
        if row is not None and row.repositories == names:
            return
        if row is None:
            row = ImageOffer(submission_id=stored.id, offered=offered)
            session.add(row)
        row.repositories, row.decided_at = names, self._now()
        self._record(
            session, stored, "image.offered", offered=offered, wanted=offered if open_to else 0, rules=names
        )

    def _record(self, session: Session, stored: StoredSubmission, action: str, **details: str | int) -> None:
        actor = f"device:{stored.device}"
        record(session, action, actor=actor, purpose=PURPOSE, subject=stored.tcn, details=details)


def image_numbers(session: Session, submission_id: int) -> list[int]:
    """Of which prints there is an image, by their places in the submission."""
    query = select(SubmissionImage.number).where(
        SubmissionImage.submission_id == submission_id, SubmissionImage.refused.is_(None)
    )
    return list(session.scalars(query.order_by(SubmissionImage.number)))


def images_of(session: Session, submission_id: int) -> dict[int, bytes]:
    """The images that are kept, as PNG, by place. Whoever shows them has asked the rules, and told the audit.

    Raises RecordErased, RecordKeyError.
    """
    query = (
        select(SubmissionImage, StoredSubmission.tcn)
        .join(StoredSubmission, StoredSubmission.id == SubmissionImage.submission_id)
        .where(SubmissionImage.submission_id == submission_id, SubmissionImage.refused.is_(None))
    )
    return {
        row.number: open_part(session, submission_id, tcn, Part.IMAGE, row.picture, number=row.number)
        for row, tcn in session.execute(query)
    }


def _stored(session: Session, tcn: str, device: str) -> StoredSubmission | None:
    """The submission, of the device that made it and brought it: images come by no relay."""
    row = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn).with_for_update())
    if device_of(tcn) != device or (row is not None and row.device != device):
        raise MessageError("tcn", "belongs to another device")
    return row


def _digests(session: Session, submission_id: int) -> dict[int, str]:
    """The digests of the images that the device kept, by place."""
    submission = decode_message(Submission, payload_of(session, submission_id))
    return {
        number: one.image_sha256
        for number, one in enumerate(submission.prints)
        if one.image_sha256 is not None
    }


def _check(session: Session, submission_id: int, sent: ImageSent) -> None:
    """Whether it is the image that was signed for, can be read, and is of the template's size. Raises MessageError."""
    submission = decode_message(Submission, payload_of(session, submission_id))
    if sent.number >= len(submission.prints):
        raise MessageError("number", f"the submission has {len(submission.prints)} prints")
    of = submission.prints[sent.number]
    if of.image_sha256 != sha256(sent.image).hexdigest():
        raise MessageError("image", "is not the one whose digest stands in the submission")
    image = decode_image(sent.image)
    _, minutiae = read_single(of.template)
    same_size = (image.width, image.height) == (minutiae.width, minutiae.height)
    if not same_size or abs(image.dpi / minutiae.dpi - 1.0) > IMAGE_DPI_TOLERANCE:
        raise MessageError(
            "image",
            f"is {image.width}x{image.height} at {image.dpi:.0f} dpi, its template"
            f" {minutiae.width}x{minutiae.height} at {minutiae.dpi:.0f}",
        )
