"""The AsyncAPI document (version 3.0.0) of all that crosses the broker, made from the messages themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interchange.lateness import MAX_ATTEMPTS, MAX_WAITED_S
from interchange.messages import (
    Ack,
    DispositionReported,
    ImageSent,
    ImagesOffered,
    ImagesWanted,
    Reply,
    ReplyWanted,
    Status,
    Submission,
)
from interchange.notices import Correction, Hit, KeysNotice, Receipt, RetractionNotice
from interchange.provisioning import NewCentreKeys, NotRenewed, RenewalWanted, Renewed
from interchange.relaying import ReportTaken
from interchange.statement import STATEMENT_VERSION
from interchange.topics import (
    DEVICE_PATTERN,
    NOTIFY_PREFIX,
    PREFIX,
    Down,
    Notice,
    Up,
)
from matcher_service.abis.http import ANSWER as ABIS_ANSWER
from matcher_service.abis.http import REQUEST as ABIS_REQUEST
from matcher_service.abis.link import PREFIX as ABIS_PREFIX
from matcher_service.api.wire_schemas import REF, wire_schemas
from matcher_service.auditing.anchoring import TOPIC as HEADS
from matcher_service.auditing.heads import HEAD_FORMAT

if TYPE_CHECKING:
    from interchange.fields import Message

ASYNCAPI_VERSION = "3.0.0"
DOCUMENT_VERSION = "1.0.0"
_DESCRIPTION = """\
What kiosks, the centre and subscribers say to each other over MQTT 5. The document is written from the centre's side:
it receives what goes up and receipts, and sends the rest.

Everything is QoS 1. The broker's PUBACK is no delivery: a submission is done with the `Ack` of its TCN, a notification
with its `Receipt`. Anything may come twice; who reads knows it by its TCN or number.

Where the centre has an authority, which is every installation but a demo on one machine, each payload except the
status, the audit's head and ABIS travels sealed: COSE_Encrypt (RFC 9052: ECDH-ES + A256KW, A256GCM) around COSE_Sign1
(ES256) around the message, both bound to the topic as external data. A device signs a `Statement` (CBOR) whose last
part is the message; the centre and subscribers sign the message itself. The schemas are those of what is inside.
What a state bureau passes on is, in place of the submission, a list in CBOR with its attestation and what the device
signed: docs/state-bureau.md, interchange/relaying.py.

Readers refuse unknown keys. What was added within version 1 is left out where it says nothing.
"""
_ABIS = {
    "request": "A request of MOSIP's ABIS, plain: see docs/abis.md.",
    "response": "Its answer, known by its requestId; plain.",
}
_SUMMARY_OF_DEVICE = "The device, by the name in its certificate."
_SUMMARY_OF_SUBSCRIBER = "The subscriber, by the name in its certificate."


@dataclass(frozen=True, slots=True)
class _Channel:
    """A topic, who says what on it, and whether the broker keeps the last."""

    name: str
    address: str
    words: str
    receive: bool
    models: tuple[type[Message], ...]
    retain: bool = False


def _up(kind: Up, words: str, *models: type[Message], retain: bool = False) -> _Channel:
    return _Channel(f"up{kind.capitalize()}", f"{PREFIX}/{{device}}/up/{kind}", words, True, models, retain)


def _down(kind: Down, words: str, *models: type[Message]) -> _Channel:
    return _Channel(f"down{kind.capitalize()}", f"{PREFIX}/{{device}}/down/{kind}", words, False, models)


def _notice(kind: Notice, words: str, model: type[Message]) -> _Channel:
    address = f"{NOTIFY_PREFIX}/{{subscriber}}/{kind}"
    return _Channel(f"notify{kind.capitalize()}", address, words, kind is Notice.RECEIPT, (model,))


CHANNELS = (
    _up(Up.SUBMISSION, "The prints of one booking.", Submission),
    _up(Up.STATUS, "Birth and will of a device; plain, also where the rest is sealed.", Status, retain=True),
    _up(Up.HEALTH, "Kept free for a device's health; nothing is sent there yet.", retain=True),
    _up(
        Up.EVENT,
        "What a device asks for or reports later. `event` says which.",
        ReplyWanted,
        DispositionReported,
        RenewalWanted,
        ImagesOffered,
        ImageSent,
    ),
    _down(Down.ACK, "Whether a submission is accepted; the device keeps it until then.", Ack),
    _down(Down.REPLY, "What a search gave. A candidate is not a finding.", Reply),
    _down(
        Down.COMMAND,
        "Keys and certificates; which images are wanted; to a state bureau, that a report was taken. `command` says"
        " which.",
        Renewed,
        NotRenewed,
        NewCentreKeys,
        ImagesWanted,
        ReportTaken,
    ),
    _notice(Notice.HIT, "A hit that examiners confirmed.", Hit),
    _notice(Notice.RETRACTION, "A hit is taken back; it may come before the hit.", RetractionNotice),
    _notice(Notice.CORRECTION, "A hit is frozen, or stands again.", Correction),
    _notice(Notice.KEYS, "The centre has new keys; the old ones sign it.", KeysNotice),
    _notice(Notice.RECEIPT, "What a subscriber gives for each message, every time.", Receipt),
)


def asyncapi_document() -> dict[str, Any]:
    """The whole document, as a tree."""
    models = [model for channel in CHANNELS for model in channel.models]
    schemas = {**wire_schemas(models), "AuditHead": _audit_head(), "Statement": _statement()}
    messages = {
        model.__name__: _message(model.__name__, schemas[model.__name__].get("description", ""))
        for model in models
    }
    messages["AuditHead"] = _message("AuditHead", schemas["AuditHead"]["description"])
    channels = {one.name: _channel(one) for one in CHANNELS}
    channels["auditHead"] = {
        "address": HEADS,
        "description": "The signed head of the audit's chain, for whoever keeps it elsewhere; plain.",
        "messages": {"AuditHead": {"$ref": "#/components/messages/AuditHead"}},
    }
    operations = {_verb(one.name, receive=one.receive): _operation(one) for one in CHANNELS if one.models}
    schemas |= {"AbisRequest": ABIS_REQUEST, "AbisAnswer": ABIS_ANSWER}
    for kind, model in (("request", "AbisRequest"), ("response", "AbisAnswer")):
        messages[model] = _message(model, _ABIS[kind])
        channels[f"abis{kind.capitalize()}"] = {
            "address": f"{ABIS_PREFIX}/{{client}}/{kind}",
            "description": _ABIS[kind],
            "parameters": {"client": {"$ref": "#/components/parameters/client"}},
            "messages": {model: {"$ref": f"#/components/messages/{model}"}},
        }
        action = "receive" if kind == "request" else "send"
        operations[f"{action}Abis{kind.capitalize()}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/abis{kind.capitalize()}"},
            "bindings": {"mqtt": {"qos": 1, "retain": False}},
        }
    operations["sendAuditHead"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/auditHead"},
        "bindings": {"mqtt": {"qos": 1, "retain": True}},
    }
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {"title": "Whorl over MQTT", "version": DOCUMENT_VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "broker.example:8883",
                "protocol": "mqtts",
                "protocolVersion": "5.0",
                "description": "The centre's broker. Who connects shows a certificate of the centre's authority.",
                "security": [{"$ref": "#/components/securitySchemes/certificate"}],
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "securitySchemes": {"certificate": {"type": "X509"}},
            "parameters": {
                "device": {"description": f"{_SUMMARY_OF_DEVICE} ^{DEVICE_PATTERN}$"},
                "client": {
                    "description": f"A client of ABIS, by the name in its certificate. ^{DEVICE_PATTERN}$"
                },
                "subscriber": {"description": f"{_SUMMARY_OF_SUBSCRIBER} ^{DEVICE_PATTERN}$"},
            },
            "messages": messages,
            "schemas": schemas,
        },
    }


def _channel(one: _Channel) -> dict[str, Any]:
    level = "subscriber" if "{subscriber}" in one.address else "device"
    return {
        "address": one.address,
        "description": one.words,
        "parameters": {level: {"$ref": f"#/components/parameters/{level}"}},
        "messages": {
            model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in one.models
        },
    }


def _operation(one: _Channel) -> dict[str, Any]:
    return {
        "action": "receive" if one.receive else "send",
        "channel": {"$ref": f"#/channels/{one.name}"},
        "messages": [{"$ref": f"#/channels/{one.name}/messages/{model.__name__}"} for model in one.models],
        "bindings": {"mqtt": {"qos": 1, "retain": one.retain}},
    }


def _verb(name: str, *, receive: bool) -> str:
    return f"{'receive' if receive else 'send'}{name[0].upper()}{name[1:]}"


def _message(name: str, words: str) -> dict[str, Any]:
    summary = " ".join(words.partition("\n\n")[0].split())
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": REF.format(model=name)},
    }


def _audit_head() -> dict[str, Any]:
    texts = ("at", "key", "algorithm", "signature")
    return {
        "type": "object",
        "description": "Number and hash of the audit's last entry, signed.",
        "properties": {
            "format": {"const": HEAD_FORMAT},
            "seq": {"type": "integer", "minimum": 0},
            "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            **{name: {"type": "string"} for name in texts},
        },
        "required": ["format", "seq", "hash", *texts],
    }


def _statement() -> dict[str, Any]:
    """As `interchange.statement` writes it; CBOR, so that the message is a byte string."""
    return {
        "type": "array",
        "description": (
            "What a device signs, in CBOR: version, device, ORI, its certificate's serial number in hexadecimal, the"
            " generation of the centre's key it is sealed to, the message; and, only for a submission that is late,"
            " [seconds waited, attempt]."
        ),
        "items": [
            {"const": STATEMENT_VERSION},
            {"type": "string", "pattern": f"^{DEVICE_PATTERN}$"},
            {"type": "string", "maxLength": 64},
            {"type": "string", "pattern": "^[0-9a-f]{1,64}$"},
            {"type": "integer", "minimum": 1},
            {"description": "The message: JSON in a byte string."},
            {
                "type": "array",
                "items": [
                    {"type": "integer", "minimum": 0, "maximum": MAX_WAITED_S},
                    {"type": "integer", "minimum": 1, "maximum": MAX_ATTEMPTS},
                ],
                "minItems": 2,
                "maxItems": 2,
            },
        ],
        "minItems": 6,
        "maxItems": 7,
    }
