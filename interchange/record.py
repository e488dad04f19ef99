"""A finger minutiae record, as both formats hold it: one image geometry, any number of finger views."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interchange.errors import TemplateError
from interchange.finger_view import FingerView, px_per_cm
from interchange.template_format import Impression, TemplateFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange.minutiae import Minutiae

# "Vendor unknown" in the IBIA's register of CBEFF owners: INCITS records must name an owner, and this
# project is not registered.
UNKNOWN_OWNER = 0x0103


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of one format, exactly: encoding what was decoded gives the same bytes.

    Nothing is checked before it is encoded; `dataclasses.replace` makes a changed copy.

    Attributes:
        format: which standard it follows. This fixes the step of the angles.
        width: of every impression in it, in pixels, 1-65535.
        height: the same.
        x_resolution: in pixels per **cm** (500 dpi is 197).
        y_resolution: the same.
        views: the finger views, at most 255.
        certification: the four bits before the device id; the highest (8) says that the capture equipment
            complies with the image quality specification (Appendix F), the others are reserved.
        device_id: capture device, 0-4095, 0 where none is reported.
        product_owner: CBEFF product identifier, owner; INCITS only. MINEX records have 0 here.
        product_type: CBEFF product identifier, type; INCITS only.
        long_length: INCITS only: the length stands in 6 bytes although 2 would do.
    """

    format: TemplateFormat
    width: int
    height: int
    x_resolution: int
    y_resolution: int
    views: tuple[FingerView, ...] = ()
    certification: int = 0
    device_id: int = 0
    product_owner: int = 0
    product_type: int = 0
    long_length: bool = False

    @classmethod
    def from_minutiae(
        cls,
        minutiae: Sequence[Minutiae],
        *,
        positions: Sequence[int] | None = None,
        impression: int = Impression.LIVE_PLAIN,
        format: TemplateFormat = TemplateFormat.ISO_19794_2_2005,  # noqa: A002 - the field's name
        certification: int = 0,
        device_id: int = 0,
    ) -> Record:
        """One record of several impressions, at least one, all of one image size and resolution.

        `positions` are their fingers in the same order (unknown without it); impressions of one finger are
        numbered from 0. Raises `TemplateError` if the geometries differ or a value does not fit the format.
        """
        if not minutiae:
            raise TemplateError("finger views", expected="at least one impression", found="none")
        fingers = [0] * len(minutiae) if positions is None else [int(p) for p in positions]
        if len(fingers) != len(minutiae):
            raise TemplateError(
                "finger position", expected=f"one for each of {len(minutiae)} impressions", found=len(fingers)
            )
        geometries = {(m.width, m.height, m.dpi) for m in minutiae}
        if len(geometries) != 1:
            raise TemplateError(
                "image size",
                expected="impressions of one width, height and dpi (else write one record for each)",
                found=sorted(geometries),
            )
        seen: Counter[int] = Counter()
        views: list[FingerView] = []
        for one, finger in zip(minutiae, fingers, strict=True):
            views.append(
                FingerView.from_minutiae(
                    one, format=format, position=finger, impression=int(impression), view_number=seen[finger]
                )
            )
            seen[finger] += 1
        resolution = px_per_cm(minutiae[0].dpi)
        return cls(
            format=format,
            width=int(minutiae[0].width),
            height=int(minutiae[0].height),
            x_resolution=resolution,
            y_resolution=resolution,
            views=tuple(views),
            certification=certification,
            device_id=device_id,
            product_owner=UNKNOWN_OWNER if format is TemplateFormat.INCITS_378_2004 else 0,
        )

    def minutiae(self, view: int = 0) -> Minutiae:
        """The minutiae of one finger view in pixels and radians, at the record's dpi.

        Raises `TemplateError` if the record has no such view.
        """
        if not 0 <= view < len(self.views):
            raise TemplateError(
                "finger view",
                expected=f"a record with at least {view + 1}",
                found=f"{len(self.views)} finger views",
            )
        return self.views[view].minutiae(
            format=self.format,
            width=self.width,
            height=self.height,
            x_resolution=self.x_resolution,
            y_resolution=self.y_resolution,
        )

    def all_minutiae(self) -> list[Minutiae]:
        """The minutiae of every finger view, in the record's order."""
        return [self.minutiae(view) for view in range(len(self.views))]

    @property
    def certified(self) -> bool:
        """Whether the capture equipment is said to comply with Appendix F."""
        return bool(self.certification & 8)


def record_of(
    minutiae: Minutiae,
    *,
    position: int = 0,
    impression: int = Impression.LIVE_PLAIN,
    format: TemplateFormat = TemplateFormat.ISO_19794_2_2005,  # noqa: A002 - the field's name
    device_id: int = 0,
) -> Record:
    """A record of a single impression; see `Record.from_minutiae`."""
    return Record.from_minutiae(
        [minutiae], positions=[position], impression=impression, format=format, device_id=device_id
    )
