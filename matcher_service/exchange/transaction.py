"""A whole EBTS file as this system understands it: who sent it, what it asks, which fingers it holds; no names.

Of a Type-2 record only charge, disposition and missing fingers are taken (`charge_fields`); everything else in it,
names first, is let go as soon as the file is read. What cannot be used is listed with record and field; the rest is
there all the same, so that a report can say what was well and what was not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.charges import Transaction
from matcher_service.exchange import image_records, minutiae_records, parameters, text_records
from matcher_service.exchange.charge_fields import AMPUTATED, Charged, charged, left_out
from matcher_service.exchange.errors import EbtsRefused, Problem
from matcher_service.exchange.framing import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange import Minutiae
    from interchange.charges import LeftOut
    from matcher_service.exchange.charge_fields import ChargeRule
    from matcher_service.exchange.framing import Frame
    from matcher_service.exchange.image_records import FoundImage
    from matcher_service.exchange.text_records import TextRecord

SUBMISSIONS = frozenset(str(one) for one in Transaction)
REPLIES = frozenset({"SRE", "RPISR", "ERRT"})
_ORI = re.compile(r"[A-Z0-9]{9}")
_TCN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_THUMBS = {11: 1, 12: 6}  # plain impressions of the thumbs, in records of their own
_SEVERAL = {13: "right four fingers", 14: "left four fingers", 15: "both thumbs"}
_LATENT = range(4, 8)  # impression types of latents
_UNUSED = {
    7: "a user-defined image", 8: "a signature", 10: "a photograph", 13: "a latent", 15: "a palm",
    16: "a test image", 17: "an iris image", 18: "a DNA record", 19: "a footprint", 20: "a source image",
    21: "an associated context", 22: "a non-photographic image", 98: "an information assurance record",
    99: "a biometric record of another format (such as face or iris of ISO/IEC 19794)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    """The Type-1 record. `sent_at` is exact (1.014 GMT) or noon of the day (1.005 DAT)."""

    version: str
    kind: str
    sent_at: datetime
    destination: str
    ori: str
    tcn: str
    tcr: str


@dataclass(frozen=True, slots=True)
class Finger:
    """A print that can be used: minutiae, or an image of which some can be had."""

    record: int
    type: int
    position: int
    impression: int
    minutiae: Minutiae | None
    image: FoundImage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EbtsFile:
    """What a file holds. `problems` make a submission impossible; `unused` says what is not needed, and why."""

    sender: Sender
    fingers: tuple[Finger, ...]
    charged: Charged
    left_out: tuple[LeftOut, ...]
    problems: tuple[Problem, ...]
    unused: tuple[Problem, ...]
    messages: tuple[str, ...]
    finding: str


def read(data: bytes, rules: Sequence[ChargeRule]) -> EbtsFile:
    """Everything in a file. Raises EbtsRefused if it is none, or its Type-1 record is not in order."""
    found = frames(data)
    sender = read_sender(text_records.read(found[0]))
    reading = _Reading(rules, reply=sender.kind in REPLIES)
    for frame in found[1:]:
        try:
            reading.take(frame)
        except EbtsRefused as error:
            reading.problems.extend(error.problems)
    reading.choose()
    return EbtsFile(
        sender=sender,
        fingers=tuple(sorted(reading.fingers, key=lambda one: one.position)),
        charged=reading.charged,
        left_out=tuple(one for one in reading.left_out.values()),
        problems=tuple(reading.problems),
        unused=tuple(reading.unused),
        messages=tuple(reading.messages),
        finding=reading.finding,
    )


def read_sender(record: TextRecord) -> Sender:
    """The Type-1 record's fields. Raises EbtsRefused with the first that is missing or wrong."""
    version = record.text(2)
    if version not in parameters.READ_VERSIONS:
        known = ", ".join(sorted(parameters.READ_VERSIONS))
        raise record.bad(2, f"is no version that is read here ({known})")
    kind = record.text(4)
    if kind not in SUBMISSIONS | REPLIES:
        raise record.bad(4, f"is no transaction that is taken here: {', '.join(sorted(SUBMISSIONS))}")
    sent_at = _instant(record)
    destination = record.text(7)
    ori = record.text(8)
    if not _ORI.fullmatch(ori):
        raise record.bad(8, "is no ORI: nine capital letters and digits")
    tcn, tcr = record.text(9), record.text(10, default="")
    for field, number in ((9, tcn), (10, tcr)):
        if number and not (len(number) <= parameters.MAX_TCN_CHARACTERS and _TCN.fullmatch(number)):
            raise record.bad(
                field, f"is no control number: 1 to {parameters.MAX_TCN_CHARACTERS} printable characters"
            )
    if not tcn:
        raise record.bad(9, "is missing")
    return Sender(version, kind, sent_at, destination[:40], ori, tcn, tcr)


def _instant(record: TextRecord) -> datetime:
    day = _time(record, 5, record.text(5) + "120000", "a day as YYYYMMDD")
    exact = record.text(14, default="")
    if not exact:
        return day
    if not exact.endswith("Z"):
        raise record.bad(14, "is no time as YYYYMMDDHHMMSSZ")
    return _time(record, 14, exact[:-1], "a time as YYYYMMDDHHMMSSZ")


def _time(record: TextRecord, field: int, text: str, what: str) -> datetime:
    if not re.fullmatch(r"[0-9]{14}", text):
        raise record.bad(field, f"is not {what}")
    try:
        made = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise record.bad(field, f"is not {what}") from None
    if not 1970 <= made.year <= 2200:
        raise record.bad(field, "the year is not between 1970 and 2200")
    return made


class _Reading:
    """What is gathered while records are walked over."""

    def __init__(self, rules: Sequence[ChargeRule], *, reply: bool) -> None:
        self.fingers: list[Finger] = []
        self.problems: list[Problem] = []
        self.unused: list[Problem] = []
        self.charged = Charged(None, None)
        self.left_out: dict[int, LeftOut] = {}
        self.messages: list[str] = []
        self.finding = ""
        self._rules = rules
        self._reply = reply
        self._descriptive = False
        self._minutiae: list[tuple[Frame, minutiae_records.FoundMinutiae]] = []
        self._images: list[tuple[Frame, FoundImage]] = []

    def take(self, frame: Frame) -> None:
        """One record. Raises EbtsRefused."""
        if frame.problem is not None:
            raise EbtsRefused(frame.problem)
        if frame.type == 2:
            self._type_2(text_records.read(frame))
        elif frame.type == 4:
            self._images.append((frame, image_records.read_type_4(frame)))
        elif frame.type == 9:
            found = minutiae_records.read(text_records.read(frame))
            if found.impression in _LATENT:
                raise EbtsRefused(
                    Problem(frame.number, 9, "9.003", "is a latent; latents are not searched here")
                )
            self._minutiae.append((frame, found))
        elif frame.type == 14:
            record = text_records.read(frame)
            if record.rows(18) and not record.image:
                self._amputated(record)
                return
            self._images.append((frame, image_records.read_type_14(record)))
        elif frame.type in {3, 5, 6}:
            raise EbtsRefused(
                Problem(frame.number, frame.type, "", "this type is given up by the standard; send Type-14")
            )
        else:
            words = _UNUSED.get(frame.type, "of a type that is not read")
            self.unused.append(Problem(frame.number, frame.type, "", f"is {words}; it is not used"))

    def choose(self) -> None:
        """One print for each finger: minutiae before images, rolled or plain as they come first."""
        idc = {frame.idc: image.position for frame, image in self._images}
        for frame, found in self._minutiae:
            position = found.position or _THUMBS.get(idc.get(frame.idc, 0), idc.get(frame.idc, 0))
            if position > 10:
                field = "9.134"
                self.problems.append(
                    Problem(frame.number, 9, field, "minutiae of several fingers in one record")
                )
                continue
            self._add(Finger(frame.number, 9, position, found.impression, found.minutiae, None))
        # The ten single fingers first: plain thumbs are only used where there is no other print of them.
        for frame, image in sorted(self._images, key=lambda one: one[1].position in _THUMBS):
            self._image(frame, image)

    def _image(self, frame: Frame, image: FoundImage) -> None:
        if image.impression in _LATENT:
            self.unused.append(
                Problem(frame.number, frame.type, "", "is a latent; latents are not searched here")
            )
        elif image.position in _SEVERAL:
            several = _SEVERAL[image.position]
            self.unused.append(
                Problem(
                    frame.number,
                    frame.type,
                    "",
                    f"shows several fingers ({several}); single fingers are used",
                )
            )
        elif image.position > 12:
            self.unused.append(Problem(frame.number, frame.type, "", "shows no finger; it is not used"))
        else:
            position = _THUMBS.get(image.position, image.position)
            if position and any(one.position == position for one in self.fingers):
                self.unused.append(
                    Problem(frame.number, frame.type, "", "is of a finger that another record holds already")
                )
                return
            self._add(Finger(frame.number, frame.type, position, image.impression, None, image))

    def _add(self, finger: Finger) -> None:
        if finger.position and any(one.position == finger.position for one in self.fingers):
            field = {9: "9.134", 14: "14.013", 4: "4.004"}[finger.type]
            self.problems.append(
                Problem(finger.record, finger.type, field, f"finger {finger.position} stands there twice")
            )
        else:
            self.fingers.append(finger)

    def _type_2(self, record: TextRecord) -> None:
        if self._descriptive:
            raise EbtsRefused(
                Problem(record.number, 2, "", "a second descriptive record; one file is one person")
            )
        self._descriptive = True
        self.charged = charged(record, self._rules)
        self.left_out |= {one.position: one for one in left_out(record)}
        if self._reply:  # what a reply says is for people to read; in a submission it could be anything
            self.finding = record.text(59, default="")[:1]
            self.messages = [" ".join(row)[: parameters.MAX_MESSAGE_CHARACTERS] for row in record.rows(60)]

    def _amputated(self, record: TextRecord) -> None:
        """14.018: a finger that is missing (XX) or could not be printed (UP), in place of its image."""
        rows = record.rows(18)
        as_type_2 = text_records.TextRecord(record.number, record.type, {AMPUTATED: rows}, b"")
        try:
            self.left_out |= {one.position: one for one in left_out(as_type_2)}
        except EbtsRefused as error:
            reason = error.problems[0].reason
            raise record.bad(18, reason) from None
