"""One MQTT 5 connection from TCP connect to its end. Everything in here runs on the link's thread.

It does what paho leaves to its user: a will that is made anew, and so can be numbered, for each connection;
the reason codes of CONNACK, SUBACK and PUBACK; giving up on a broker that accepts and then says nothing. A
fresh client for each connection means that paho never sends a message again on its own account: that is for
the stores on both sides to decide.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from interchange.link_protocol import Incoming, Outgoing, Puback, told
from interchange.link_tls import tls_context
from interchange.logs import facts

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from paho.mqtt.reasoncodes import ReasonCode

    from interchange.link_protocol import LinkHandler, Mailbox
    from interchange.settings import BrokerSettings

log = logging.getLogger("interchange.link")

TICK_S = 0.2  # how often `on_tick` is called while connected; publishing wakes the thread at once
FLUSH_S = 1.0  # at the end, how long to wait for the broker to take what was still to be said
WILL_DELAY_S = 3  # a connection that is back within this time was never gone
NO_MATCHING_SUBSCRIBERS = 0x10
MAX_EXPIRY_S = 0xFFFF_FFFF  # MQTT 5.0, 3.3.2.3.3
MAX_PROPERTIES = 16  # of what comes; beyond them nobody means us
_LAST_WORDS = "last words"


class LinkSession:
    """One connection. `up` is set while messages can be published; the session ends when `stopping` is."""

    def __init__(
        self,
        *,
        broker: BrokerSettings,
        client_id: str,
        subscriptions: Sequence[str],
        handler: LinkHandler,
        mailbox: Mailbox,
        up: threading.Event,
        stopping: threading.Event,
    ) -> None:
        self._broker = broker
        self._subscriptions = subscriptions
        self._handler = handler
        self._mailbox = mailbox
        self._up = up
        self._stopping = stopping
        self._labels: dict[int, str] = {}
        self._ended: str | None = None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = broker.connect_timeout_s
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    def run(self) -> str:
        """Connect and serve until the connection ends or the link stops; why it ended."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._broker.session_expiry_s
        self._set_will()
        try:
            if self._broker.tls is not None:
                self._client.tls_set_context(tls_context(self._broker.tls))
            self._client.connect(
                self._broker.host,
                self._broker.port,
                keepalive=self._broker.keepalive_s,
                clean_start=False,
                properties=properties,
            )
            self._send_at_once()
            self._serve()
            if self._stopping.is_set() and self._ended is None:
                self._end()
        except OSError as error:
            self._ended = self._ended or f"{type(error).__name__}: {error}"
        except Exception as error:
            # Whatever a broken peer sends must not end the thread: up but deaf is the worst of states.
            log.exception("fault in the connection to the broker")
            self._ended = self._ended or type(error).__name__
        finally:
            connection = self._client.socket()
            if connection is not None:
                connection.close()
        return self._ended or "stopped"

    def _set_will(self) -> None:
        will = told(self._handler.make_will)
        if will is not None:
            properties = Properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = WILL_DELAY_S
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain, properties=properties)

    def _send_at_once(self) -> None:
        """Without Nagle's algorithm, which makes a message wait 40 ms for the acknowledgement of the last."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        deadline = time.monotonic() + self._broker.connect_timeout_s
        next_tick = 0.0
        while self._ended is None and not self._stopping.is_set():
            woken = self._turn(TICK_S)
            now = time.monotonic()
            if self._up.is_set():
                if woken or now >= next_tick:
                    told(self._handler.on_tick)
                    next_tick = now + TICK_S
                self._empty_mailbox()
            elif now > deadline:
                self._ended = "the broker does not answer"

    def _turn(self, timeout_s: float) -> bool:
        """Wait for the socket or a wake-up, and let paho read and write. True if it was woken."""
        connection = self._client.socket()
        if connection is None:
            self._ended = self._ended or "connection lost"
            return False
        with selectors.DefaultSelector() as ready:
            interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
            ready.register(connection.fileno(), interest)
            ready.register(self._mailbox.wake_socket, selectors.EVENT_READ)
            # What TLS has decrypted already makes no socket readable.
            pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
            readable = pending or any(
                key.fd == connection.fileno() and events & selectors.EVENT_READ
                for key, events in ready.select(0.0 if pending else timeout_s)
            )
        code = self._client.loop_read() if readable else MQTTErrorCode.MQTT_ERR_SUCCESS
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._client.want_write():
            code = self._client.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = self._client.loop_misc()
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended = self._ended or mqtt.error_string(code)
        return self._mailbox.drain()

    def _empty_mailbox(self) -> None:
        while (message := self._mailbox.take()) is not None:
            self._publish(message, message.label)

    def _publish(self, message: Outgoing, label: str) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        if message.response_topic is not None:
            properties.ResponseTopic = message.response_topic
        if message.expires_in_s is not None:
            properties.MessageExpiryInterval = min(max(message.expires_in_s, 1), MAX_EXPIRY_S)
        if message.properties:
            properties.UserProperty = list(message.properties)
        info = self._client.publish(
            message.topic, message.payload, qos=1, retain=message.retain, properties=properties
        )
        if label:
            self._labels[info.mid] = label

    def _end(self) -> None:
        """Orderly end: what is in the mailbox, the farewell, then DISCONNECT, which cancels the will."""
        if self._up.is_set():
            self._empty_mailbox()
            last = told(self._handler.make_farewell)
            if last is not None:
                self._publish(last, _LAST_WORDS)
                deadline = time.monotonic() + FLUSH_S
                while _LAST_WORDS in self._labels.values() and self._ended is None:
                    if time.monotonic() > deadline:
                        break
                    self._turn(0.05)
        if self._client.socket() is not None:
            self._client.disconnect()
            self._turn(0.0)

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            self._ended = f"the broker refused the connection: {code}"
        elif self._subscriptions:
            # Every time: a broker that lost its memory would otherwise never send us anything again.
            self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._subscriptions])
        else:
            self._come_up()

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        codes: list[ReasonCode],
        _properties: object,
    ) -> None:
        if any(code.is_failure for code in codes):
            self._ended = f"the broker refused a subscription: {', '.join(map(str, codes))}"
        else:
            self._come_up()

    def _come_up(self) -> None:
        log.info("connected", extra=facts(host=self._broker.host, port=self._broker.port))
        self._up.set()
        told(self._handler.on_connected)

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _properties: object
    ) -> None:
        label = self._labels.pop(mid, "")
        if code.is_failure:
            log.error("the broker refused a message", extra=facts(reason=str(code)))
        if label and label != _LAST_WORDS:
            nobody = code.value == NO_MATCHING_SUBSCRIBERS
            told(self._handler.on_puback, Puback(label, str(code), code.is_failure, nobody))

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", None)
        said = getattr(message.properties, "UserProperty", ())[:MAX_PROPERTIES]
        incoming = Incoming(
            message.topic,
            bytes(message.payload),
            message.retain,
            correlation,
            tuple((str(k), str(v)) for k, v in said),
        )
        told(self._handler.on_message, incoming)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        self._ended = self._ended or f"disconnected: {code}"
