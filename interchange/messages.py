"""What crosses the broker: submission, acknowledgement, reply, status and event, as JSON, version 1.

Each message carries its `version`. Reading is strict: an unknown key, a number written as text, a value out
of bounds is refused with the name of the field. Messages are frozen and bounded in size. Longer than most on purpose:
who writes a client finds everything that may be said in one place.

Where there is an authority they travel signed and sealed (`envelope`, `statement`); without one they belong on a
loopback.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from interchange.charges import AT_BOOKING, ChargeClass, Disposition, LeftOut, Transaction
from interchange.errors import MessageError
from interchange.fields import (
    MAX_INTEGER,
    BootId,
    Count,
    DeviceName,
    Image,
    Instant,
    Message,
    Milliseconds,
    ModelVersion,
    Name,
    Reference,
    Sha256,
    Tcn,
    Template,
    Words,
)
from interchange.tcn import device_of

MESSAGE_VERSION = 1
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_PRINTS = 10
MAX_CANDIDATES = 20
MAX_REPOSITORIES = 16
MAX_CAPTURE_PROBLEMS = 45  # every two of ten prints


def _known_version(value: int) -> int:
    if value != MESSAGE_VERSION:
        raise ValueError(f"only version {MESSAGE_VERSION} is read here: update the older of the two sides")
    return value


Version = Annotated[int, AfterValidator(_known_version)]


class Purpose(StrEnum):
    """Why a search was asked for; recorded with it."""

    BOOKING = "booking"
    RELEASE = "release"


class AckStatus(StrEnum):
    """What became of a submission at the matcher's door."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Colour(StrEnum):
    """Answer of a rapid search: red highly probable, yellow possible, green none. Never a verdict."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


class DeviceState(StrEnum):
    """Whether a device is connected to the broker."""

    ONLINE = "online"
    OFFLINE = "offline"


class CaptureTime(Message):
    """When something was captured, and how far the clock that says so can be trusted.

    Within one boot (`boot_id`) `monotonic_ms` orders events and measures between them, whatever the wall
    clock did; `synchronised` says whether the wall clock was set by a time server at that moment.
    """

    clock: Instant
    synchronised: bool
    boot_id: BootId
    monotonic_ms: Count


class ModelReference(Message):
    """The model that found the minutiae: the SHA-256 of its file, and the version that its card gives it.

    The version was added within message version 1: without it, a submission from an older kiosk is read as before.
    """

    name: Name
    sha256: Sha256
    version: ModelVersion | None = None


class Print(Message):
    """One finger of a submission, as an ISO/IEC 19794-2:2005 record with one view, in base64.

    Positions are those of the standard, 7.3.2 there: 0 unknown, 1-5 right thumb to little, 6-10 left.
    `finger_quality` is 0 to 100. `image_sha256` was added within message version 1: the device kept the image, and
    offers it once the submission is answered (`ImagesOffered`). The image itself never travels with the submission.
    """

    position: Annotated[int, Field(ge=0, le=10)]
    finger_quality: Annotated[int, Field(ge=0, le=100)]
    template: Template
    image_sha256: Sha256 | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without(handler(self), {"image_sha256": None})


def _without(tree: dict[str, Any], defaults: dict[str, object]) -> dict[str, Any]:
    """`tree` without what says no more than its absence, so that who does not know these fields reads on."""
    return {key: value for key, value in tree.items() if key not in defaults or value != defaults[key]}


class Submission(Message):
    """What one booking sends: ``fp/v1/{device}/up/submission``.

    What follows `prints` was added within message version 1, and is only sent where it says something: an older
    matcher reads a submission without it as before. Without a `charge_class` or a `disposition` the centre's rules
    that ask for them wait until they are reported (`DispositionReported`).
    """

    version: Version = MESSAGE_VERSION
    tcn: Tcn
    device: DeviceName
    captured_at: CaptureTime
    purpose: Purpose
    extractor: ModelReference
    prints: Annotated[tuple[Print, ...], Field(min_length=1, max_length=MAX_PRINTS)]
    transaction: Transaction = Transaction.CAR
    charge_class: ChargeClass | None = None
    disposition: Disposition | None = None
    left_out: Annotated[tuple[LeftOut, ...], Field(max_length=MAX_PRINTS)] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if device_of(self.tcn) != self.device:
            raise ValueError("tcn: was not made by this device")
        known = [p.position for p in self.prints if p.position]
        if len(set(known)) != len(known):
            raise ValueError("prints: the same finger position stands there twice")
        absent = [one.position for one in self.left_out]
        if len(set(absent)) != len(absent) or set(absent) & set(known):
            raise ValueError("left_out: a finger stands there twice, or was taken after all")
        if self.disposition is not None and self.disposition not in AT_BOOKING:
            raise ValueError("disposition: is one that comes after the booking; report it instead")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        empty: dict[str, object] = {
            "transaction": Transaction.CAR,
            "charge_class": None,
            "disposition": None,
        }
        tree = _without(handler(self), empty)
        if not self.left_out:
            tree.pop("left_out", None)
        return tree


class Reason(Message):
    """Why a submission was refused: the field, and what is wrong with it."""

    field: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    reason: Words


class Ack(Message):
    """The matcher's word on a submission, ``fp/v1/{device}/down/ack``.

    Only this releases a submission from the device's spool; the broker's PUBACK does not. `tcn` is missing
    only when what arrived had none that could be read.
    """

    version: Version = MESSAGE_VERSION
    tcn: Tcn | None
    status: AckStatus
    reason: Reason | None = None

    @model_validator(mode="after")
    def _reason_if_refused(self) -> Self:
        if (self.status is AckStatus.REFUSED) != (self.reason is not None):
            raise ValueError("reason: is there exactly when the status is 'refused'")
        return self


class RepositoryReply(Message):
    """What a search of one repository gave.

    `candidates` are opaque references, best first, made for this search alone: they mean something only to
    the matcher, and the same person has another one next time. Where the search `failed`, the colour is
    yellow, never green.
    """

    name: Name
    colour: Colour
    candidates: Annotated[tuple[Reference, ...], Field(max_length=MAX_CANDIDATES)] = ()
    failed: bool = False

    @model_validator(mode="after")
    def _never_green_unsearched(self) -> Self:
        if self.failed and self.colour is not Colour.YELLOW:
            raise ValueError("colour: a search that failed is yellow")
        return self


class CaptureFault(StrEnum):
    """What went wrong when the prints were taken, as the matcher sees it."""

    SAME_FINGER_TWICE = "same_finger_twice"
    HANDS_SWAPPED = "hands_swapped"
    FINGERS_RELABELLED = "fingers_relabelled"


class CaptureProblem(Message):
    """A slip at the sensor that the prints betray, not a reason to refuse them.

    `positions` are those concerned, as in the submission (0 unknown); `advice` tells the officer what to do next.
    """

    fault: CaptureFault
    positions: Annotated[
        tuple[Annotated[int, Field(ge=0, le=10)], ...], Field(min_length=1, max_length=MAX_PRINTS)
    ]
    advice: Words


class Reply(Message):
    """A reply to a submission, ``fp/v1/{device}/down/reply``. A candidate is not a finding.

    The first is the rapid one. The second follows after review and evaluation, for repositories that the first only
    named in `to_follow`; `words` say there what came of it.

    `timings_ms` says how long each stage took at the matcher: ``waiting``, ``decode``,
    ``search.{repository}``, ``total``.

    `capture_problems` was added within message version 1. It is only sent where there are any, so that an older
    kiosk reads all other replies; one that gets it keeps asking, as for any reply that it cannot read, until it is
    updated. So were the second stage, `to_follow`, `words`, and `not_searched`: repositories that were switched off
    while this one waited, or, where none was searched at all, those that no rule opens to it. In a second one
    `taken_back` names repositories of which nothing stands any more that was said before.
    """

    version: Version = MESSAGE_VERSION
    tcn: Tcn
    stage: Literal["first", "second"] = "first"
    answered_at: Instant
    repositories: Annotated[tuple[RepositoryReply, ...], Field(max_length=MAX_REPOSITORIES)]
    timings_ms: Annotated[dict[Name, Milliseconds], Field(max_length=64)]
    capture_problems: Annotated[tuple[CaptureProblem, ...], Field(max_length=MAX_CAPTURE_PROBLEMS)] = ()
    to_follow: Annotated[tuple[Name, ...], Field(max_length=MAX_REPOSITORIES)] = ()
    not_searched: Annotated[tuple[Name, ...], Field(max_length=MAX_REPOSITORIES)] = ()
    taken_back: Annotated[tuple[Name, ...], Field(max_length=MAX_REPOSITORIES)] = ()
    words: Words | None = None

    @model_validator(mode="after")
    def _each_repository_once(self) -> Self:
        names = [one.name for one in self.repositories]
        names += [*self.to_follow, *self.not_searched, *self.taken_back]
        if len(set(names)) != len(names):
            raise ValueError("repositories: one is named twice")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = handler(self)
        for key in ("capture_problems", "to_follow", "not_searched", "taken_back", "words"):
            if not getattr(self, key):
                tree.pop(key, None)
        return tree


class Status(Message):
    """Birth and will of a device, retained: ``fp/v1/{device}/up/status``.

    `session` grows with every connection. A will can arrive after the birth of a newer session, so a status
    with an older number than the newest one seen is to be ignored.
    """

    version: Version = MESSAGE_VERSION
    device: DeviceName
    session: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    state: DeviceState
    since: CaptureTime


class ReplyWanted(Message):
    """A device that was acknowledged but has seen no reply asks again: ``fp/v1/{device}/up/event``."""

    version: Version = MESSAGE_VERSION
    event: Literal["reply_wanted"] = "reply_wanted"
    device: DeviceName
    tcn: Tcn


class DispositionReported(Message):
    """What has become of a charge since the booking: ``fp/v1/{device}/up/event``, or told to the centre otherwise.

    At least one of `charge_class` and `disposition` is there; the other stays as it was.
    """

    version: Version = MESSAGE_VERSION
    event: Literal["disposition_reported"] = "disposition_reported"
    device: DeviceName
    tcn: Tcn
    charge_class: ChargeClass | None = None
    disposition: Disposition | None = None
    reported_at: Instant

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.charge_class is None and self.disposition is None:
            raise ValueError("disposition: neither a charge class nor a disposition is reported")
        return self


PrintNumber = Annotated[int, Field(ge=0, lt=MAX_PRINTS)]


class ImagesOffered(Message):
    """A device has the images of a submission that was answered: ``fp/v1/{device}/up/event``.

    The centre answers with `ImagesWanted`, and the device offers again until nothing is wanted any more.
    """

    version: Version = MESSAGE_VERSION
    event: Literal["images_offered"] = "images_offered"
    device: DeviceName
    tcn: Tcn


class ImagesWanted(Message):
    """Which images the centre's rules let it take and it does not have yet: ``fp/v1/{device}/down/command``.

    `prints` are places in the submission's `prints`, from 0. With none the device erases all that it kept.
    """

    version: Version = MESSAGE_VERSION
    command: Literal["images_wanted"] = "images_wanted"
    tcn: Tcn
    prints: Annotated[tuple[PrintNumber, ...], Field(max_length=MAX_PRINTS)]


class ImageSent(Message):
    """One image that was wanted, as `print_image` writes it: ``fp/v1/{device}/up/event``.

    It is that of `prints[number]` in the submission, whose `image_sha256` it has.
    """

    version: Version = MESSAGE_VERSION
    event: Literal["image_sent"] = "image_sent"
    device: DeviceName
    tcn: Tcn
    number: PrintNumber
    image: Image


M = TypeVar("M", bound=Message)


def encode_message(message: Message) -> bytes:
    """UTF-8 JSON of `message`. Raises MessageError if it is larger than a payload may be."""
    payload = message.model_dump_json().encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageError("message", f"{len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} are sent")
    return payload


def decode_message(model: type[M], payload: bytes) -> M:
    """Read `payload` as a `model`. Raises MessageError that names the first field that is wrong.

    The error never repeats a value from the payload, so that it can be logged and sent back.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageError("message", f"{len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} are read")
    try:
        message = model.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(_readable(str(part)) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if not field and ": " in reason and first["type"] == "value_error":
            field, _, reason = reason.partition(": ")
        raise MessageError(field[:120] or "message", reason[:300]) from None
    if "version" in model.model_fields and "version" not in message.model_fields_set:
        raise MessageError("version", "Field required")
    return message


def _readable(part: str) -> str:
    """An unknown key is written by the sender: keep it short and harmless in a log."""
    return "".join(c if c.isascii() and c.isprintable() and c != "." else "?" for c in part[:40])
