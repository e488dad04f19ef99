"""EBTS files out: submissions (CAR, CNA, RPIS) with Type-9 minutiae, and the replies SRE, RPISR and ERRT.

Written with `nistitl`. Type-1 holds every field that EBTS asks for (10.0, Appendix B); Type-2 only what this system
knows: no names, so 2.018 is not there, and a receiver that insists on it adds it itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interchange.charges import ChargeClass, Disposition
from interchange.messages import Colour
from interchange.template_format import Impression
from matcher_service.exchange import minutiae_records, parameters
from matcher_service.exchange.charge_fields import AMPUTATED
from matcher_service.exchange.image_headers import ImageKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from interchange.charges import LeftOut
    from interchange.minutiae import Minutiae
    from matcher_service.exchange.errors import Problem
    from matcher_service.exchange.image_records import FoundImage

CAVEAT = (
    "A CANDIDATE IS NOT AN IDENTIFICATION: IT SAYS NOTHING OF STATUS OR GUILT AND IS NO GROUND TO HOLD ANYBODY. AN"
    " EXAMINER HAS TO COMPARE THE PRINTS."
)
NOTHING_FOUND = (
    "NO RECORD FOUND IN THE REPOSITORIES THAT WERE SEARCHED. THIS IS NO PROOF OF IDENTITY OR STATUS."
)
IDENTIFIED = (
    "IDENTIFIED BY EXAMINERS. THE OWNER OF THE RECORD EVALUATES IT; THIS IS NO FINDING OF STATUS OR GUILT."
)
_HIT = {
    Colour.RED: ("R", "RED: HIGHLY PROBABLE CANDIDATE."),
    Colour.YELLOW: ("Y", "YELLOW: POSSIBLE CANDIDATE."),
    Colour.GREEN: ("G", "GREEN: NO CANDIDATE."),
}
_LITERALS = {
    ChargeClass.FELONY: "FELONY",
    ChargeClass.MISDEMEANOR: "MISDEMEANOR",
    ChargeClass.TRAFFIC: "TRAFFIC",
}
_CODES = {"missing": "XX", "bandaged": "UP", "unprintable": "UP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Type-1: which agency to which, under what number, when; `tcr` is the number that is answered."""

    to: str
    ori: str
    tcn: str
    at: datetime
    tcr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintOut:
    """One finger to be written: its minutiae, and its image only where it was carried by rule."""

    position: int
    minutiae: Minutiae
    impression: int = Impression.LIVE_PLAIN
    image: FoundImage | None = None


def short_tcn(tcn: str) -> str:
    """A control number of ours within the 40 characters of 1.009: itself, or its last part, which is unique alone."""
    return tcn if len(tcn) <= parameters.MAX_TCN_CHARACTERS else tcn.rpartition(".")[2]


def submission(
    kind: str,
    address: Address,
    prints: Sequence[PrintOut],
    *,
    charge_class: ChargeClass | None = None,
    disposition: Disposition | None = None,
    left_out: Sequence[LeftOut] = (),
) -> bytes:
    """A CAR, CNA or RPIS file. Raises TemplateError where minutiae do not fit a Type-9 record."""
    message = _message(kind, address)
    day = address.at.strftime("%Y%m%d")
    described: list[tuple[int, Any]] = []
    if disposition in {Disposition.ARRESTED, Disposition.CHARGED, Disposition.CONVICTED}:
        described.append((45, day))
    charge = "" if charge_class is None else _LITERALS.get(charge_class, "")
    if charge:
        described.append((47, [[day, charge]]))
    if disposition is Disposition.CONVICTED:
        described.append((51, [[day, charge, "CONVICTED"]]))
    if left_out:
        described.append((AMPUTATED, [[f"{one.position:02}", _CODES[one.reason]] for one in left_out]))
    _add(message, 2, 0, described)
    for idc, one in enumerate(prints, start=1):
        made = minutiae_records.fields(one.minutiae, position=one.position, impression=one.impression)
        _add(message, 9, idc, made)
        if one.image is not None:
            _add_image(message, idc, one.image, day, address.ori)
    return _bytes(message)


def rapid_reply(address: Address, colour: Colour, notes: Sequence[str] = ()) -> bytes:
    """An RPISR file: the hit category (2.059) and what to make of it (2.060)."""
    category, words = _HIT[colour]
    caveat = NOTHING_FOUND if colour is Colour.GREEN else CAVEAT
    return _reply("RPISR", address, finding=category, messages=[words, caveat, *notes])


def results(address: Address, *, identified: bool, notes: Sequence[str] = ()) -> bytes:
    """An SRE file: identified (2.059 I) or not (N), after the examiners are done."""
    words = IDENTIFIED if identified else NOTHING_FOUND
    return _reply("SRE", address, finding="I" if identified else "N", messages=[words, *notes])


def error(address: Address, problems: Sequence[Problem]) -> bytes:
    """An ERRT file: each thing that is wrong, with its record and field, in 2.060."""
    return _reply("ERRT", address, finding="", messages=[str(one) for one in problems])


def _reply(kind: str, address: Address, *, finding: str, messages: Sequence[str]) -> bytes:
    if not address.tcr:
        raise ValueError("a reply answers a control number")
    message = _message(kind, address)
    lines = [
        _plain(line)[: parameters.MAX_MESSAGE_CHARACTERS] for line in messages[: parameters.MAX_MESSAGES]
    ]
    described: list[tuple[int, Any]] = [(59, finding)] if finding else []
    # A single line stands as one subfield of one item would: without separators.
    described.append((60, lines if len(lines) > 1 else lines[0]))
    _add(message, 2, 0, described)
    return _bytes(message)


def _message(kind: str, address: Address) -> Any:  # noqa: ANN401 - nistitl has no types
    from nistitl import Message

    message = Message()
    first = message[0]
    first.VER = parameters.VERSION
    first.TOT = kind
    first.DAT = address.at.strftime("%Y%m%d")
    first.PRY = parameters.PRIORITY
    first.DAI = address.to
    first.ORI = address.ori
    first.TCN = address.tcn
    if address.tcr:
        first.TCR = address.tcr
    # Scanning resolutions are those of Type-4 images; without any the standard asks for 00.00.
    first.NSR = first.NTR = "00.00"
    first.DOM = [list(parameters.DOMAIN)]
    first.GMT = address.at.strftime("%Y%m%d%H%M%SZ")
    return message


def _add(message: Any, kind: int, idc: int, values: Sequence[tuple[int, Any]], *, image: bytes = b"") -> None:  # noqa: ANN401 - the same
    from nistitl import AsciiRecord, BinaryField, Field

    record = AsciiRecord(kind)
    record.IDC = f"{idc:02}"
    for field, value in values:
        record += Field(kind, field, value)
    if image:
        record += BinaryField(kind, 999, image)
    message += record


def _add_image(message: Any, idc: int, image: FoundImage, day: str, ori: str) -> None:  # noqa: ANN401 - the same
    dpi = str(round(image.dpi))
    described: list[tuple[int, Any]] = [
        (3, str(image.impression)), (4, ori), (5, day), (6, str(image.width)), (7, str(image.height)), (8, "1"),
        (9, dpi), (10, dpi), (11, ImageKind(image.kind).value), (12, "8"), (13, str(image.position)),
    ]  # fmt: skip
    _add(message, 14, idc, described, image=image.data)


def _bytes(message: Any) -> bytes:  # noqa: ANN401 - the same
    """The file; its own numbers have two digits, as the table of contents is written everywhere else."""
    made: bytes = message.NIST
    return made


def _plain(line: str) -> str:
    """Latin-1 without separators: what a text record can hold."""
    return "".join(c if c.isprintable() and ord(c) < 256 else "?" for c in line)
