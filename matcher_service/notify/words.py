"""The words of notification: kinds, states, and why something is held."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a notification is; also the last level of its topic."""

    HIT = "hit"
    RETRACTION = "retraction"
    CORRECTION = "correction"


class State(StrEnum):
    """What has become of a notification."""

    HELD = "held"
    QUEUED = "queued"
    SENT = "sent"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DEAD = "dead"


# Of these nothing is certain yet; a hit among them may still be held back.
UNDER_WAY = frozenset({State.HELD, State.QUEUED, State.SENT, State.FAILED, State.DEAD})
# These are sent when their time comes.
TO_SEND = frozenset({State.QUEUED, State.SENT})


class IdentificationState(StrEnum):
    """What has become of an identification."""

    CONFIRMED = "confirmed"
    FROZEN = "frozen"
    RETRACTED = "retracted"


class ChallengeState(StrEnum):
    """What has become of a challenge."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class Held(StrEnum):
    """Why a hit is held, or was cancelled."""

    RETRACTED = "retracted"
    CHALLENGE_OPEN = "challenge_open"
    RECORD_GONE = "record_gone"
    NOT_ALLOWED = "not_allowed"
    CHARGE_AWAITED = "charge_awaited"
    CHARGE_CLASS = "charge_class"
    DISPOSITION_AWAITED = "disposition_awaited"
    NOT_SUBSCRIBED = "not_subscribed"


HELD_WORDS = {
    Held.RETRACTED: "it was taken back",
    Held.CHALLENGE_OPEN: "it is challenged",
    Held.RECORD_GONE: "the record is not there any more",
    Held.NOT_ALLOWED: "no rule opens this repository to the booking now",
    Held.CHARGE_AWAITED: "the class of the charge was not reported yet",
    Held.CHARGE_CLASS: "the rule does not tell of a charge of this class",
    Held.DISPOSITION_AWAITED: "the rule waits for another disposition",
    Held.NOT_SUBSCRIBED: "its subscriber is disabled, or not subscribed to it any more",
}
