"""Prints as they are stored: ISO/IEC 19794-2:2005 records with one finger view, checked on the way in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from interchange import iso19794, templates
from interchange.errors import TemplateError
from interchange.record import record_of
from matcher_service.parameters import MAX_DPI, MAX_SIDE_INCHES, MIN_DPI

if TYPE_CHECKING:
    from interchange.minutiae import Minutiae
    from interchange.record import Record


@dataclass(frozen=True, slots=True)
class NewPrint:
    """One finger to be enrolled.

    Attributes:
        position: 0 unknown, 1-5 right thumb to little finger, 6-10 left.
        finger_quality: 0-100.
        record: its record, one view.
    """

    position: int
    finger_quality: int
    record: bytes

    @classmethod
    def of(cls, position: int, minutiae: Minutiae) -> Self:
        """From minutiae. Raises TemplateError if they do not fit a record."""
        record = iso19794.encode(record_of(minutiae, position=position))
        return cls(position, minutiae.finger_quality, record)

    @property
    def sha256(self) -> str:
        """Digest of the record."""
        return sha256(self.record).hexdigest()


def read_single(data: bytes) -> tuple[int, Minutiae]:
    """Position and minutiae of an ISO record with exactly one view.

    Raises TemplateError for a record that breaks the standard, that has another number of views, or whose
    resolution or size no fingerprint has.
    """
    record = iso19794.decode(data)
    if len(record.views) != 1:
        raise TemplateError("number of finger views", expected="1 in each print", found=len(record.views))
    minutiae = record.minutiae()
    _check_bounds(minutiae)
    return record.views[0].position, minutiae


def split(data: bytes) -> list[NewPrint]:
    """The prints in a record of any number of views, ISO/IEC 19794-2:2005 or INCITS 378-2004.

    Raises TemplateError as `read_single` does, and for a record without views.
    """
    record = templates.decode(data)
    if not record.views:
        raise TemplateError("number of finger views", expected="at least 1", found=0)
    return [_single(record, number) for number in range(len(record.views))]


def _single(record: Record, number: int) -> NewPrint:
    view = record.views[number]
    minutiae = record.minutiae(number)
    _check_bounds(minutiae)
    as_iso = record_of(minutiae, position=view.position, impression=view.impression)
    # A view that was ISO's own keeps its bytes; one of INCITS gets ISO's angles.
    if as_iso.format is record.format:
        as_iso = replace(record, views=(replace(view, view_number=0),))
    return NewPrint(view.position, view.finger_quality, iso19794.encode(as_iso))


def _check_bounds(minutiae: Minutiae) -> None:
    if not MIN_DPI <= minutiae.dpi <= MAX_DPI:
        raise TemplateError(
            "image resolution",
            expected=f"{MIN_DPI:.0f} to {MAX_DPI:.0f} dpi",
            found=f"{minutiae.dpi:.0f} dpi",
        )
    side_inches = max(minutiae.width, minutiae.height) / minutiae.dpi
    if side_inches > MAX_SIDE_INCHES:
        raise TemplateError(
            "image size", expected=f"at most {MAX_SIDE_INCHES:g} inches", found=f"{side_inches:.1f} inches"
        )
