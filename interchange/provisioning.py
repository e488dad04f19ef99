"""What kiosk and centre say to each other about keys and certificates: at the first meeting, and ever after.

The first meeting goes over HTTPS with a one-time code (`ProvisionRequest`, `Provisioned`). Afterwards all goes over
the broker, signed and sealed: `RenewalWanted` up, and `Renewed`, `NotRenewed` or `NewCentreKeys` down.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, StringConstraints

from interchange.fields import DeviceName, Message, Words
from interchange.messages import MAX_PAYLOAD_BYTES, MESSAGE_VERSION, Version

AUTHORITY_PATH: Final = "/v1/provision/authority"
PROVISION_PATH: Final = "/v1/provision"

SEAL_FIELD: Final = "seal"
"""The field that a refusal names when it is about the seal and not about what is sealed: the submission may be good,
and its device keeps it and sends it again once it is trusted."""

Ori = Annotated[str, StringConstraints(pattern=r"\A[A-Z]{2}[A-Z0-9]{7}\z")]
Pem = Annotated[str, StringConstraints(min_length=40, max_length=8192)]
Secret = Annotated[str, StringConstraints(pattern=r"\A[0-9A-HJKMNP-TV-Z]{17}\z")]


class CentreKeys(Message):
    """The centre's public keys. A device uses the highest generation that it was told of, and never goes back."""

    generation: Annotated[int, Field(ge=1, le=1_000_000)]
    signing: Pem
    sealing: Pem


class BrokerAddress(Message):
    """Where the broker is, as kiosks see it."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]


class ProvisionRequest(Message):
    """A kiosk asks to be let in: the code's secret, its certificate request and its public keys."""

    version: Version = MESSAGE_VERSION
    secret: Secret
    request: Pem
    signing: Pem
    sealing: Pem


class Provisioned(Message):
    """All that a kiosk has to know to speak to the centre."""

    version: Version = MESSAGE_VERSION
    name: DeviceName
    ori: Ori
    certificate: Pem
    ca: Pem
    centre: CentreKeys
    broker: BrokerAddress


class RenewalWanted(Message):
    """A kiosk asks for its next certificate, and names its next keys: ``fp/v1/{device}/up/event``."""

    version: Version = MESSAGE_VERSION
    event: Literal["renew"] = "renew"
    device: DeviceName
    request: Pem
    signing: Pem
    sealing: Pem


class Renewed(Message):
    """The next certificate: ``fp/v1/{device}/down/command``."""

    version: Version = MESSAGE_VERSION
    command: Literal["renewed"] = "renewed"
    certificate: Pem


class NotRenewed(Message):
    """No certificate, and why: ``fp/v1/{device}/down/command``."""

    version: Version = MESSAGE_VERSION
    command: Literal["not_renewed"] = "not_renewed"
    reason: Words


class NewCentreKeys(Message):
    """The centre has new keys: ``fp/v1/{device}/down/command``."""

    version: Version = MESSAGE_VERSION
    command: Literal["centre_keys"] = "centre_keys"
    centre: CentreKeys


def word_of(payload: bytes, key: Literal["event", "command"]) -> str:
    """Which event or command `payload` says it is; empty if it does not say. Nothing of it is checked."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return ""
    try:
        tree: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    word = cast("dict[str, object]", tree).get(key) if isinstance(tree, dict) else None
    return word if isinstance(word, str) else ""
