"""The broker: can it be reached, does TLS hold, does it let this kiosk in. Each step says where it ends."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING

from edge_service.ops import parameters
from edge_service.ops.figures import CONNECTED
from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient
    from interchange.settings import BrokerSettings

NETWORK = "Look at the network cable, the address in [broker], and with the county whether the broker runs."
TLS = "Look at the clock and the certificates, above; else have this kiosk provisioned again."
LET_IN = "Ask the centre whether this kiosk is registered or was revoked: matcher-service devices list"

# MQTT 5.0, table 3.1.2.6: what a broker says to somebody whom it does not let in.
REFUSALS = {
    0x84: "it does not speak MQTT 5",
    0x85: "it refuses this client id",
    0x86: "it refuses these credentials",
    0x87: "it does not let this kiosk in",
    0x88: "it is unavailable",
    0x89: "it is busy",
    0x8A: "this kiosk is banned",
}


def check(patient: Patient) -> Finding:
    """TCP, TLS, CONNACK; the last not while the service is connected, because it would throw the service out."""
    broker, service = patient.settings.broker, patient.service
    where = f"{broker.host}:{broker.port}"
    try:
        plain = socket.create_connection((broker.host, broker.port), timeout=parameters.BROKER_WAIT_S)
    except OSError as error:
        return Finding("broker", Level.PROBLEM, f"{where} cannot be reached: {_words(error)}", NETWORK)
    with closing(plain):
        try:
            connection = _wrapped(plain, broker)
        except OSError as error:
            return Finding("broker", Level.PROBLEM, f"{where}: TLS fails: {_words(error)}", TLS)
        with closing(connection):
            if service.running:
                return _as_the_service_says(where, service.figures.get(CONNECTED))
            try:
                code = _connack(connection, patient.settings.device, broker)
            except OSError as error:
                return Finding(
                    "broker", Level.PROBLEM, f"{where} ends the conversation: {_words(error)}", LET_IN
                )
    if code:
        words = REFUSALS.get(code, f"it refuses, code {code:#x}")
        return Finding("broker", Level.PROBLEM, f"{where}: {words}", LET_IN, {"connack": code})
    return Finding("broker", Level.OK, f"{where} lets this kiosk in", facts={"connack": 0})


def _as_the_service_says(where: str, connected: float | None) -> Finding:
    if connected == 0.0:
        what = f"{where} answers, but the running service is not connected"
        return Finding("broker", Level.PROBLEM, what, f"{LET_IN}. Its reason: journalctl -u whorl-edge -n 20")
    said = "and the running service is connected" if connected else "; the running service was not disturbed"
    return Finding("broker", Level.OK, f"{where} answers, {said}".replace(", ;", ";"))


def _wrapped(plain: socket.socket, broker: BrokerSettings) -> socket.socket:
    if broker.tls is None:
        return plain
    from interchange.link_tls import tls_context

    return tls_context(broker.tls).wrap_socket(plain, server_hostname=broker.host)


def _connack(connection: socket.socket, device: str, broker: BrokerSettings) -> int:
    """The broker's reason code for this kiosk: 0 lets it in.

    Connects as the service would (its session is resumed and kept, nothing is subscribed to, no will) and hangs up:
    what the broker begins to deliver meanwhile is not acknowledged and is delivered again.
    """
    client_id = device.encode()
    expiry = b"\x11" + broker.session_expiry_s.to_bytes(4, "big")
    body = b"\x00\x04MQTT\x05\x00\x00\x3c" + bytes([len(expiry)]) + expiry
    body += len(client_id).to_bytes(2, "big") + client_id
    connection.sendall(b"\x10" + bytes([len(body)]) + body)
    answer = b""
    while len(answer) < 4:
        more = connection.recv(4 - len(answer))
        if not more:
            raise ConnectionResetError("the broker hung up")
        answer += more
    if answer[0] != 0x20:
        raise ConnectionError("what answers there is no MQTT broker")
    return answer[3]


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "unknown").lower().replace("_", " ")
    return error.strerror or str(error) or type(error).__name__
