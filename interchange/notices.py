"""What crosses between the centre and a subscriber: hit, retraction, correction, keys, receipt, as JSON, version 1.

Always signed by the sender and sealed to the receiver (`envelope`), with the topic as context, also where it goes
by a webhook. A hit says that an examiner found two sets of prints to be of one person. It says nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from interchange.charges import ChargeClass, Disposition  # noqa: TC001 - pydantic reads them at run time
from interchange.fields import Count, Instant, Message, Name, Reference, Sha256, Tcn, Words
from interchange.messages import MESSAGE_VERSION, Version
from interchange.provisioning import CentreKeys  # noqa: TC001 - pydantic reads it at run time

CAUTION = (
    "A biometric candidate that examiners confirmed: two sets of prints agree. This is no finding of status or guilt,"
    " and no ground to hold anyone. Records can be wrong or old: check yours before you act."
)

NoticeNumber = Annotated[str, StringConstraints(pattern=r"\A[0-9a-f]{32}\z")]
Ori = Annotated[str, StringConstraints(pattern=r"\A(?:[A-Z]{2}[A-Z0-9]{7})?\z")]
JurisdictionCode = Annotated[str, StringConstraints(pattern=r"\A(?:US-[A-Z]{2}(?:-[0-9]{3})?)?\z")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Cause(StrEnum):
    """Why an identification was taken back."""

    WRONG_HIT = "wrong_hit"
    DISMISSED = "dismissed"
    EXPUNGED = "expunged"
    CHALLENGE = "challenge"
    WITHDRAWN = "withdrawn"


class Strength(Message):
    """How alike the prints are: how often those of two different people score as high, as a power of ten."""

    log10_fmr: Annotated[float, Field(ge=-100, le=0)] | None
    words: Words


class Confirmation(Message):
    """Who found that it is one person: how many examiners, in which turns. Names stay at the centre."""

    examiners: Annotated[int, Field(ge=1, le=3)]
    roles: Annotated[tuple[Name, ...], Field(min_length=1, max_length=3)]
    confirmed_at: Instant


class Provenance(Message):
    """Where the record comes from and how old it is: what it says beside the prints may have changed since."""

    owner: Annotated[str, StringConstraints(max_length=64)]
    enrolled_first: Instant
    enrolled_last: Instant
    enrolments: Annotated[int, Field(ge=1)]
    age_days: Count


class Charge(Message):
    """What was known of the charge when this was made; None: nothing was reported."""

    charge_class: ChargeClass | None
    disposition: Disposition | None


class Hit(Message):
    """A confirmed hit, ``notify/v1/{subscriber}/hit``.

    `record` is the opaque id of the identity in `repository`, `reference` that of this search, `tcn` the booking at
    the agency `ori` of `jurisdiction`. The same `number` may come more than once.
    """

    version: Version = MESSAGE_VERSION
    kind: Literal["hit"] = "hit"
    number: NoticeNumber
    made_at: Instant
    repository: Name
    record: Reference
    reference: Reference | None
    tcn: Tcn
    ori: Ori
    jurisdiction: JurisdictionCode
    strength: Strength
    confirmation: Confirmation
    provenance: Provenance
    charge: Charge
    caution: Sentence = CAUTION


class RetractionNotice(Message):
    """A hit is taken back, ``notify/v1/{subscriber}/retraction``. `answers` is the number of the hit.

    It may come before the hit that it answers, or where that never came: then there is nothing but to remember it.
    """

    version: Version = MESSAGE_VERSION
    kind: Literal["retraction"] = "retraction"
    number: NoticeNumber
    answers: NoticeNumber
    made_at: Instant
    repository: Name
    tcn: Tcn
    cause: Cause
    words: Sentence


class CorrectionState(StrEnum):
    """What has become of a hit: nothing may be done upon it, or it stands again."""

    FROZEN = "frozen"
    RELEASED = "released"


class Correction(Message):
    """A hit is challenged, or stands after one: ``notify/v1/{subscriber}/correction``. The newest counts."""

    version: Version = MESSAGE_VERSION
    kind: Literal["correction"] = "correction"
    number: NoticeNumber
    answers: NoticeNumber
    made_at: Instant
    repository: Name
    tcn: Tcn
    state: CorrectionState
    words: Sentence


class KeysNotice(Message):
    """The centre has new keys: ``notify/v1/{subscriber}/keys``, signed by keys that the subscriber may know.

    It comes once for each older generation of keys; the one whose signature is known is believed. A higher generation
    takes the place of the one that is known, and never the other way round. It asks for no receipt: the next one that
    is sealed to the new key says enough. The older keys still open receipts that are under way.
    """

    version: Version = MESSAGE_VERSION
    kind: Literal["keys"] = "keys"
    made_at: Instant
    centre: CentreKeys


class Receipt(Message):
    """What a subscriber gives for each message, every time: ``notify/v1/{subscriber}/receipt``.

    `content_sha256` is the hash of the opened message, so that a receipt cannot be given without reading.
    """

    version: Version = MESSAGE_VERSION
    number: NoticeNumber
    content_sha256: Sha256
    received_at: Instant
