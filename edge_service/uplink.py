"""The way from the spool to the matcher and back.

The uplink publishes what the spool holds and believes nobody but the matcher: PUBACK says that the broker
has a submission, not that anybody has stored it, so a submission is sent again, by its TCN, after every
reconnection and after a while, until the matcher acknowledges or refuses it. One that was acknowledged and
has no reply is asked for. Everything in here but `start`, `wake` and `stop` runs on the link's thread.

What goes out and comes in passes the `Channel`, which signs, seals and opens where this kiosk has an identity. A
submission whose *seal* is refused is not refused itself: it is held, and sent again, until the kiosk is trusted.

A submission that is late says so (`expiry`), and none is sent, or kept by a broker, beyond its time.
"""

from __future__ import annotations

import logging
import time
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.errors import SpoolError
from edge_service.expiry import Expiry
from edge_service.image_offers import COMMAND, ImageOffers
from edge_service.outbox import Outbox
from edge_service.provisioning.channel import PlainChannel
from edge_service.spool import SpoolState
from edge_service.uplink_news import UplinkEvent, UplinkNews
from interchange.errors import EnvelopeError, MessageError
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import (
    Ack,
    DeviceState,
    ImagesWanted,
    Reply,
    ReplyWanted,
    Status,
    decode_message,
    encode_message,
)
from interchange.provisioning import SEAL_FIELD, word_of
from interchange.topics import Down, Up, down, up

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.clock import Clock
    from edge_service.provisioning.channel import Channel
    from edge_service.settings import UplinkSettings
    from edge_service.spool import Spool
    from edge_service.spool.images import ImageStore
    from interchange.link_protocol import Incoming, Puback
    from interchange.settings import BrokerSettings

log = logging.getLogger("edge.uplink")

__all__ = ["Uplink", "UplinkEvent", "UplinkNews"]


class Uplink:
    """The edge's half of the conversation; see the module."""

    def __init__(
        self,
        *,
        spool: Spool,
        device: str,
        broker: BrokerSettings,
        settings: UplinkSettings,
        clock: Clock,
        events: Callable[[UplinkEvent], None] = lambda _: None,
        random: Random | None = None,
        channel: Channel | None = None,
        images: ImageStore | None = None,
    ) -> None:
        self._spool = spool
        self._channel = channel or PlainChannel()
        self._device = device
        self._settings = settings
        self._clock = clock
        self._tell = events
        self._random = random or SystemRandom()
        self._ack_topic = down(device, Down.ACK)
        self._reply_topic = down(device, Down.REPLY)
        self._command_topic = down(device, Down.COMMAND)
        self._session = 0
        self._since = clock.now()
        # When, by the monotonic clock, each TCN is to be sent, or its reply asked for, the next time.
        self._send_due: dict[str, float] = {}
        self._held: dict[str, str] = {}
        self._expiry = Expiry(spool, clock=clock)
        self._outbox = Outbox(spool=spool, device=device, channel=self._channel, expiry=self._expiry)
        self._images = None if images is None else ImageOffers(images, spool=spool, device=device)
        self._ask_due: dict[str, float] = {}
        self._ask_pause_s: dict[str, float] = {}
        self._birth_due = 0.0
        self._link = Link(
            broker=broker,
            client_id=device,
            subscriptions=[self._ack_topic, self._reply_topic, *self._orders],
            handler=self,
            random=random,
        )

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached; says nothing of the matcher."""
        return self._link.connected

    @property
    def held(self) -> dict[str, str]:
        """Why the matcher does not trust this kiosk's seal, by TCN; those were heard of in this process."""
        return dict(self._held)

    def start(self) -> None:
        """Begin to deliver; returns at once, whether or not there is a broker."""
        self._link.start()

    def wake(self) -> None:
        """Look at the spool now."""
        self._link.wake()

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Say that the device goes offline, and end. False if that was not done in time."""
        return self._link.stop(timeout_s)

    # -- what the link tells

    def make_will(self) -> Outgoing:
        """Offline, numbered with the session that the coming connection begins."""
        try:
            self._session = self._spool.next_session()
        except SpoolError as error:
            # What is saved must still get out when the disk is full: count on without keeping count.
            log.warning("session number not kept", extra=facts(reason=error))
            self._session = max(self._session + 1, time.time_ns() // 1_000_000)
        self._since = self._clock.now()
        return self._status(DeviceState.OFFLINE)

    def on_connected(self) -> None:
        """Birth, and everything that is not acknowledged once more."""
        self._send_due.clear()
        self._ask_due.clear()
        self._ask_pause_s.clear()
        self._birth_due = 0.0
        if self._images is not None:
            self._images.connected()
        self._tell(UplinkEvent(UplinkNews.CONNECTED))
        self.on_tick()

    def on_disconnected(self, reason: str) -> None:
        """Tell the kiosk."""
        self._tell(UplinkEvent(UplinkNews.DISCONNECTED, detail=reason))

    def on_puback(self, verdict: Puback) -> None:
        """The broker took a submission, or did not. Neither lets it go."""
        tcn = verdict.label
        if verdict.refused:
            log.error("the broker refused a submission", extra=facts(tcn=tcn, reason=verdict.reason))
            self._tell(UplinkEvent(UplinkNews.BROKER_REFUSED, tcn, verdict.reason))
        elif verdict.nobody_listens and tcn in self._send_due:
            self._send_due[tcn] = self._later(self._settings.nobody_listens_retry_s)
            self._tell(UplinkEvent(UplinkNews.NOBODY_LISTENS, tcn))

    def on_message(self, message: Incoming) -> None:
        """An acknowledgement, a reply or an order; anything else is logged and left alone."""
        try:
            payload = self._channel.unwrap(message.topic, message.payload)
            if message.topic == self._ack_topic:
                self._take_ack(decode_message(Ack, payload))
            elif message.topic == self._reply_topic:
                self._take_reply(decode_message(Reply, payload), payload)
            elif message.topic == self._command_topic:
                self._take_command(payload)
        except EnvelopeError as error:
            log.warning("message not believed", extra=facts(topic=message.topic, reason=error.reason))
        except MessageError as error:
            wrong = facts(topic=message.topic, field=error.field, reason=error.reason)
            log.warning("message from the matcher not understood", extra=wrong)
        except SpoolError as error:
            # It is asked for again, or told again, once there is room.
            log.error("what the matcher said was not kept", extra=facts(topic=message.topic, reason=error))  # noqa: TRY400

    def on_tick(self) -> None:
        """Say that we are here, send what is due, ask for what is missing."""
        now = time.monotonic()
        if now >= self._birth_due:
            self._link.publish(self._status(DeviceState.ONLINE))
            self._birth_due = now + self._settings.birth_again_s
        self._give_up_what_expired()
        self._send_what_is_due(now)
        self._ask_for_replies(now)
        event = self._channel.next_event()
        if event is not None:
            self._publish_event(event)
        for offer in [] if self._images is None else self._images.due():
            self._publish_event(offer)

    def make_farewell(self) -> Outgoing:
        """Offline, said by ourselves."""
        return self._status(DeviceState.OFFLINE)

    # -- inside

    def _send_what_is_due(self, now: float) -> None:
        waiting = self._spool.undelivered()
        in_flight = sum(self._send_due.get(tcn, 0.0) > now for tcn in waiting)
        for tcn in waiting:
            if in_flight >= parameters.MAX_IN_FLIGHT:
                break
            if self._send_due.get(tcn, 0.0) > now:
                continue
            sent = self._send(tcn)
            if sent is None:
                break
            in_flight += sent

    def _send(self, tcn: str) -> bool | None:
        """Whether it was sent; None if nothing can be now."""
        message = self._outbox.message(tcn)
        if message is None:
            self._tell_if_damaged(tcn)
            return False
        if not self._link.publish(message):
            return None
        again = self._outbox.sent(tcn)
        self._send_due[tcn] = self._later(self._settings.resend_after_s)
        self._spool.mark_sent(tcn)
        log.info("submission sent", extra=facts(tcn=tcn, bytes=len(message.payload), again=again))
        self._tell(UplinkEvent(UplinkNews.SENT, tcn))
        return True

    def _tell_if_damaged(self, tcn: str) -> None:
        entry = self._spool.entry(tcn)
        if entry is not None and entry.state is SpoolState.DAMAGED:
            self._forget(tcn)
            self._tell(UplinkEvent(UplinkNews.DAMAGED, tcn))

    def _give_up_what_expired(self) -> None:
        for tcn in self._expiry.look():
            self._forget(tcn)
            self._tell(UplinkEvent(UplinkNews.EXPIRED, tcn))

    def _forget(self, tcn: str) -> None:
        """Nothing more is to be done for it."""
        self._outbox.forget(tcn)
        self._send_due.pop(tcn, None)
        self._held.pop(tcn, None)
        self._ask_due.pop(tcn, None)
        self._ask_pause_s.pop(tcn, None)

    def _ask_for_replies(self, now: float) -> None:
        for tcn in self._spool.awaiting_reply():
            first_s = self._settings.ask_for_reply_after_s
            due = self._ask_due.setdefault(tcn, self._later(first_s))
            if due <= now:
                # Each time twice as long: a matcher that is behind with its answers is not helped by questions.
                longest_s = max(first_s, parameters.ASK_AT_MOST_AFTER_S)
                pause_s = min(2.0 * self._ask_pause_s.get(tcn, first_s), longest_s)
                self._ask_pause_s[tcn], self._ask_due[tcn] = pause_s, self._later(pause_s)
                question = encode_message(ReplyWanted(device=self._device, tcn=tcn))
                self._publish_event(question)
                log.info("asked for the reply again", extra=facts(tcn=tcn))

    def _publish_event(self, payload: bytes) -> None:
        topic = up(self._device, Up.EVENT)
        self._link.publish(Outgoing(topic=topic, payload=self._channel.wrap(topic, payload)))

    def _take_ack(self, ack: Ack) -> None:
        if ack.tcn is None:
            log.error("the matcher refused something without a TCN", extra=facts(reason=ack.reason))
        elif ack.reason is not None and ack.reason.field == SEAL_FIELD:
            if ack.tcn in self._send_due:
                self._send_due[ack.tcn] = self._later(parameters.HELD_RETRY_S)
                self._held[ack.tcn] = ack.reason.reason
            self._spool.hold(ack.tcn, reason=ack.reason.reason)
            log.error("submission held: not trusted", extra=facts(tcn=ack.tcn, reason=ack.reason.reason))
            self._tell(UplinkEvent(UplinkNews.HELD, ack.tcn, ack.reason.reason))
        elif ack.reason is not None:
            field, reason = ack.reason.field, ack.reason.reason
            self._forget(ack.tcn)
            if self._spool.refuse(ack.tcn, field=field, reason=reason):
                log.error("submission refused", extra=facts(tcn=ack.tcn, field=field, reason=reason))
                self._tell(UplinkEvent(UplinkNews.REFUSED, ack.tcn, f"{field}: {reason}"))
        elif self._spool.acknowledge(ack.tcn):
            log.info("submission acknowledged", extra=facts(tcn=ack.tcn, status=ack.status))
            self._forget(ack.tcn)
            self._tell(UplinkEvent(UplinkNews.ACKNOWLEDGED, ack.tcn))

    @property
    def _orders(self) -> list[str]:
        """Where the matcher says what else it wants."""
        topics = self._channel.subscriptions
        wants = self._images is not None and self._command_topic not in topics
        return [*topics, self._command_topic] if wants else topics

    def _take_command(self, payload: bytes) -> None:
        if self._images is not None and word_of(payload, "command") == COMMAND:
            for image in self._images.wanted(decode_message(ImagesWanted, payload)):
                self._publish_event(image)
        else:
            self._channel.take_command(payload)

    def _take_reply(self, reply: Reply, payload: bytes) -> None:
        tcn = reply.tcn
        if reply.stage == "second":
            if self._spool.keep_second(tcn, payload):
                log.info("second reply received", extra=facts(tcn=tcn))
                self._tell(UplinkEvent(UplinkNews.REPLIED_AGAIN, tcn))
        elif self._spool.keep_reply(tcn, payload):
            log.info("reply received", extra=facts(tcn=tcn))
            self._ask_due.pop(tcn, None)
            self._ask_pause_s.pop(tcn, None)
            self._tell(UplinkEvent(UplinkNews.REPLIED, tcn))

    def _later(self, seconds: float) -> float:
        return time.monotonic() + seconds * (1.0 + self._random.uniform(0.0, parameters.RESEND_JITTER))

    def _status(self, state: DeviceState) -> Outgoing:
        status = Status(device=self._device, session=self._session, state=state, since=self._since)
        topic = up(self._device, Up.STATUS)
        return Outgoing(topic=topic, payload=encode_message(status), retain=True)
