"""The kinds of field that messages are made of: bounded, and strict in what they take for what."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from interchange.errors import MessageError
from interchange.print_image import MAX_IMAGE_BYTES
from interchange.tcn import check_tcn
from interchange.topics import check_device

if TYPE_CHECKING:
    from collections.abc import Callable

# A record of 255 minutiae is 1,560 bytes; the rest is room for a vendor's extended data.
MAX_TEMPLATE_BYTES = 4096
MAX_INTEGER = 2**53 - 1  # what every JSON reader can hold


def _as_value_error(check: Callable[[str], str]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        try:
            return check(value)
        except MessageError as error:
            raise ValueError(error.reason) from None

    return checked


def _from_base64(most: int) -> Callable[[object], object]:
    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        if len(value) > 4 * (most // 3 + 1):
            raise ValueError(f"longer than {most} bytes")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("not base64 (RFC 4648, section 4, with padding)") from None

    return read


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _in_utc(value: datetime) -> datetime:
    # Years at the ends of the calendar cannot be moved to UTC, and mean nothing here.
    if not 1970 <= value.year <= 2200:
        raise ValueError("the year is not between 1970 and 2200")
    return value.astimezone(UTC)


DeviceName = Annotated[str, AfterValidator(_as_value_error(check_device))]
Tcn = Annotated[str, AfterValidator(_as_value_error(check_tcn))]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Name = Annotated[str, StringConstraints(pattern=r"\A[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?\z")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Reference = Annotated[str, StringConstraints(pattern=r"\A[A-Za-z0-9_-]{8,64}\z")]
Sha256 = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{64}\z")]
ModelVersion = Annotated[str, StringConstraints(pattern=r"\A[0-9]{1,4}(\.[0-9]{1,4}){1,2}\z")]
BootId = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f-]{1,36}\z")]
Milliseconds = Annotated[float, Field(ge=0, le=1e9)]
Template = Annotated[
    bytes,
    Field(min_length=24, max_length=MAX_TEMPLATE_BYTES),
    BeforeValidator(_from_base64(MAX_TEMPLATE_BYTES)),
    PlainSerializer(_to_base64, return_type=str),
]
Image = Annotated[
    bytes,
    Field(min_length=64, max_length=MAX_IMAGE_BYTES),
    BeforeValidator(_from_base64(MAX_IMAGE_BYTES)),
    PlainSerializer(_to_base64, return_type=str),
]


class Message(BaseModel):
    """Base of all parts of messages: strict, frozen, no unknown keys."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        cache_strings="keys",  # not the values: 16,384 of them, TCNs and times, would stay in memory for good
    )
