"""MQTT topics, ``fp/v1/{device}/up|down/{kind}`` and ``notify/v1/{subscriber}/{kind}``: builders and strict parsers.

The name of the device or subscriber fills exactly one level, so that a broker's access rules can be written as
``fp/v1/%u/up/#``. Nothing else about a booking or a person ever stands in a topic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from interchange.errors import MessageError

PREFIX = "fp/v1"
NOTIFY_PREFIX = "notify/v1"
MAX_DEVICE_CHARACTERS = 32
MAX_TOPIC_CHARACTERS = 80
DEVICE_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"

_DEVICE = re.compile(DEVICE_PATTERN)


class Up(StrEnum):
    """What a device sends. Only `STATUS` and `HEALTH` are retained."""

    SUBMISSION = "submission"
    STATUS = "status"
    HEALTH = "health"
    EVENT = "event"


class Down(StrEnum):
    """What a device is told."""

    ACK = "ack"
    REPLY = "reply"
    COMMAND = "command"


class Notice(StrEnum):
    """What a subscriber is told, and the receipt that it gives. None is retained."""

    HIT = "hit"
    RETRACTION = "retraction"
    CORRECTION = "correction"
    KEYS = "keys"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Topic:
    """A parsed topic: whose it is, and what."""

    device: str
    kind: Up | Down


@dataclass(frozen=True, slots=True)
class NotifyTopic:
    """A parsed topic of notification: whose it is, and what."""

    subscriber: str
    kind: Notice


def check_device(name: str) -> str:
    """`name`, if it may name a device: 1-32 of a-z, 0-9 and inner hyphens. Raises MessageError."""
    if not _DEVICE.fullmatch(name):
        raise MessageError(
            "device", f"a name is 1 to {MAX_DEVICE_CHARACTERS} of a-z, 0-9 and inner hyphens, in one level"
        )
    return name


def up(device: str, kind: Up) -> str:
    """Topic on which `device` sends `kind`. Raises MessageError for a name that no device can have."""
    return f"{PREFIX}/{check_device(device)}/up/{kind}"


def down(device: str, kind: Down) -> str:
    """Topic on which `device` is told `kind`. Raises MessageError for a name that no device can have."""
    return f"{PREFIX}/{check_device(device)}/down/{kind}"


def from_every_device(kind: Up, *, share: str | None = None) -> str:
    """Subscription to `kind` from all devices.

    With `share`, matchers that subscribe under the same share name divide the messages between them
    (MQTT 5.0, 4.8.2).
    """
    topic = f"{PREFIX}/+/up/{kind}"
    return topic if share is None else f"$share/{share}/{topic}"


def parse(topic: str) -> Topic:
    """The device and kind in `topic`. Raises MessageError that says which level is wrong."""
    if len(topic) > MAX_TOPIC_CHARACTERS:
        raise MessageError("topic", f"longer than {MAX_TOPIC_CHARACTERS} characters")
    levels = topic.split("/")
    if len(levels) != 5 or "/".join(levels[:2]) != PREFIX:
        raise MessageError("topic", f"expected {PREFIX}/DEVICE/up|down/KIND")
    _, _, device, direction, kind = levels
    check_device(device)
    kinds = {"up": Up, "down": Down}.get(direction)
    if kinds is None:
        raise MessageError("topic", "the fourth level is 'up' or 'down'")
    try:
        return Topic(device, kinds(kind))
    except ValueError:
        known = ", ".join(kinds)
        raise MessageError("topic", f"the last level under '{direction}' is one of {known}") from None


def check_subscriber(name: str) -> str:
    """`name`, if it may name a subscriber: as a device, in the same level. Raises MessageError."""
    if not _DEVICE.fullmatch(name):
        raise MessageError(
            "subscriber",
            f"a name is 1 to {MAX_DEVICE_CHARACTERS} of a-z, 0-9 and inner hyphens, in one level",
        )
    return name


def notify_topic(subscriber: str, kind: Notice) -> str:
    """Topic on which `subscriber` is told `kind`, or gives its receipt. Raises MessageError for a wrong name."""
    return f"{NOTIFY_PREFIX}/{check_subscriber(subscriber)}/{kind}"


def from_every_subscriber(kind: Notice, *, share: str | None = None) -> str:
    """Subscription to `kind` from all subscribers; `share` as in `from_every_device`."""
    topic = f"{NOTIFY_PREFIX}/+/{kind}"
    return topic if share is None else f"$share/{share}/{topic}"


def is_notify(topic: str) -> bool:
    """Whether `topic` is one of notification, rightly made or not."""
    return topic.startswith(f"{NOTIFY_PREFIX}/")


def parse_notify(topic: str) -> NotifyTopic:
    """The subscriber and kind in `topic`. Raises MessageError that says which level is wrong."""
    if len(topic) > MAX_TOPIC_CHARACTERS:
        raise MessageError("topic", f"longer than {MAX_TOPIC_CHARACTERS} characters")
    levels = topic.split("/")
    if len(levels) != 4 or "/".join(levels[:2]) != NOTIFY_PREFIX:
        raise MessageError("topic", f"expected {NOTIFY_PREFIX}/SUBSCRIBER/KIND")
    _, _, subscriber, kind = levels
    check_subscriber(subscriber)
    try:
        return NotifyTopic(subscriber, Notice(kind))
    except ValueError:
        raise MessageError("topic", f"the last level is one of {', '.join(Notice)}") from None
