"""The state's conversation with the centre above, over the bridge between their brokers.

PUBACK says that this state's own broker has a message, no more. A submission is sent again, by its TCN, after a while
and whenever the bridge comes up, until the centre acknowledges or refuses it; one that has no first response is asked
for; so is, now and then, a second one that was promised. Everything runs on one thread of its own: a centre that is
slow never keeps a kiosk from being answered here.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from interchange.charges import ChargeClass, Disposition
from interchange.errors import EnvelopeError, MessageError
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import (
    Ack,
    DispositionReported,
    Reply,
    ReplyWanted,
    decode_message,
    encode_message,
)
from interchange.provisioning import SEAL_FIELD, NewCentreKeys, word_of
from interchange.relaying import RELAY_FIELD, Attestation, Relayed, ReportTaken
from interchange.topics import Down, Up, parse, up
from matcher_service.relay import parameters
from matcher_service.relay.topics import bridge_state, from_bridge, subscriptions, to_bridge

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Incoming
    from matcher_service.relay.answers import RelayAnswers
    from matcher_service.relay.identity import UpwardIdentity
    from matcher_service.relay.outbox import RelayOutbox
    from matcher_service.relay.settings import RelaySettings

log = logging.getLogger("matcher.relay")


class Upward:
    """See the module. `own` is this centre's id, for the path."""

    def __init__(
        self,
        *,
        identity: UpwardIdentity,
        outbox: RelayOutbox,
        answers: RelayAnswers,
        settings: RelaySettings,
        publish: Callable[[Outgoing], bool],
        connected: Callable[[], bool],
        own: str,
    ) -> None:
        """`publish` hands a message to this state's own broker, which `connected` says is there."""
        self._identity = identity
        self._outbox = outbox
        self._answers = answers
        self._settings = settings
        self._publish = publish
        self._connected = connected
        self._own = own
        self._down_at: float | None = None  # when the bridge was said to be down
        self._anew = threading.Event()
        self._due: dict[str, float] = {}
        self._ask_due: dict[str, float] = {}
        self._reports_due = 0.0
        self._warned = False
        self._messages: queue.Queue[Incoming] = queue.Queue(parameters.QUEUE)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @property
    def subscriptions(self) -> list[str]:
        """What has to be listened to at this state's broker."""
        return subscriptions(self._identity.name)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End; what is under way is sent again at the next start."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def take(self, message: Incoming) -> None:
        """Something came over the bridge, or about it; from any thread."""
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            log.warning("too much from the centre above; a message was dropped and will be asked for again")

    def connected(self) -> None:
        """There is a new connection to this state's own broker; from any thread.

        What the last one said of its bridge counts no more: the next may have come up before anybody listened.
        """
        self._anew.set()

    # -- on the relay's thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen(parameters.TICK_S)
                self.tick()
            except Exception:
                log.exception("fault in relaying; what is not acknowledged is sent again")
                self._stopping.wait(parameters.TICK_S)

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            try:
                message = self._messages.get(timeout=left)
            except queue.Empty:
                return
            self._hear(message)

    def tick(self) -> None:
        """Find what goes up now, send what is due, ask for what is missing."""
        self._identity.refresh()
        self._outbox.find()
        now = time.monotonic()
        if self._anew.is_set():
            self._anew.clear()
            self._begin_anew()
        down = self._down_at is not None and now - self._down_at < parameters.BRIDGE_DOWN_S
        if down or not self._connected():
            return
        self._send(now)
        self._tell_reports(now)
        self._ask(now)
        self._watch_certificate()

    def _send(self, now: float) -> None:
        self._due = {tcn: at for tcn, at in self._due.items() if at > now}
        room = parameters.MAX_IN_FLIGHT - sum(
            at - now <= self._settings.resend_after_s for at in self._due.values()
        )
        for tcn in self._outbox.due(skip=self._due, limit=room) if room > 0 else ():
            parcel = self._outbox.parcel(tcn)
            if parcel is None:
                self._due[tcn] = now + parameters.TICK_S
                continue
            proof = parcel.evidence
            relayed = Relayed(
                Attestation(
                    relay=self._identity.name,
                    centre=self._own,
                    tcn=tcn,
                    sender=proof.sender,
                    ori=proof.ori,
                    signer=proof.signer,
                    received_at=proof.received_at,
                ),
                proof.signed,
            )
            if not self._say(Up.SUBMISSION, relayed.encode()):
                return
            self._due[tcn] = now + self._settings.resend_after_s
            log.info("sent on to the centre above", extra=facts(tcn=tcn, bytes=len(proof.signed)))

    def _tell_reports(self, now: float) -> None:
        if now < self._reports_due:
            return
        self._reports_due = now + self._settings.resend_after_s / 2
        for report in self._outbox.reports(limit=parameters.MAX_IN_FLIGHT):
            message = DispositionReported(
                device=self._identity.name,
                tcn=report.tcn,
                charge_class=None if report.charge_class is None else ChargeClass(report.charge_class),
                disposition=None if report.disposition is None else Disposition(report.disposition),
                reported_at=report.reported_at,
            )
            if not self._say(Up.EVENT, encode_message(message)):
                return

    def _ask(self, now: float) -> None:
        wait = self._settings.ask_for_reply_after_s
        before = datetime.now(UTC) - timedelta(seconds=wait)
        owing = self._outbox.unanswered(before=before, limit=parameters.MAX_IN_FLIGHT)
        patience = dict.fromkeys(owing, wait)
        # What people there have to look at first takes its time.
        for tcn in self._outbox.owed(limit=parameters.MAX_OWED):
            patience[tcn] = wait * parameters.SECOND_PATIENCE
            self._ask_due.setdefault(tcn, now + patience[tcn])
        for tcn, pause in patience.items():
            if self._ask_due.get(tcn, 0.0) <= now:
                self._ask_due[tcn] = now + pause
                self._say(Up.EVENT, encode_message(ReplyWanted(device=self._identity.name, tcn=tcn)))
                log.info("asked the centre above for its reply", extra=facts(tcn=tcn))

    def _say(self, kind: Up, payload: bytes) -> bool:
        topic = up(self._identity.name, kind)
        sealed = self._identity.wrap(topic, payload)
        # Longer than that it is not wanted from the bridge: it is sent again.
        expires = max(1, round(self._settings.resend_after_s * 2))
        return self._publish(Outgoing(topic=to_bridge(topic), payload=sealed, expires_in_s=expires))

    def _hear(self, message: Incoming) -> None:
        if message.topic == bridge_state(self._identity.name):
            self._note_bridge(up=message.payload.strip() == b"1")
            return
        topic = from_bridge(message.topic)
        try:
            kind = parse(topic).kind
            payload = self._identity.unwrap(topic, message.payload)
            if kind is Down.ACK:
                self._take_ack(decode_message(Ack, payload))
            elif kind is Down.REPLY:
                self._take_reply(decode_message(Reply, payload), payload)
            elif kind is Down.COMMAND:
                self._take_command(payload)
        except EnvelopeError as error:
            log.warning(
                "not believed to be the centre's above", extra=facts(topic=topic, reason=error.reason)
            )
        except MessageError as error:
            wrong = facts(topic=topic, field=error.field, reason=error.reason)
            log.warning("message of the centre above not understood", extra=wrong)

    def _note_bridge(self, *, up: bool) -> None:
        if up != (self._down_at is None):
            log.info("bridge to the centre above", extra=facts(up=up))
        if up:
            self._begin_anew()
        else:
            self._down_at = time.monotonic()

    def _begin_anew(self) -> None:
        """All that is not acknowledged is due."""
        self._down_at = None
        self._due.clear()
        self._ask_due.clear()
        self._reports_due = 0.0

    def _take_ack(self, ack: Ack) -> None:
        if ack.tcn is None:
            log.error("the centre above refused something", extra=facts(reason=ack.reason))
        elif ack.reason is not None:
            later = ack.reason.field in {SEAL_FIELD, RELAY_FIELD}
            told = facts(tcn=ack.tcn, field=ack.reason.field, reason=ack.reason.reason, again=later)
            if self._outbox.refuse(
                ack.tcn, field=ack.reason.field, reason=ack.reason.reason, final=not later
            ):
                log.error("refused by the centre above", extra=told)
            self._due[ack.tcn] = time.monotonic() + parameters.HELD_RETRY_S
        else:
            self._due.pop(ack.tcn, None)
            if self._outbox.acknowledge(ack.tcn):
                log.info("the centre above has it", extra=facts(tcn=ack.tcn, status=ack.status))

    def _take_reply(self, reply: Reply, payload: bytes) -> None:
        if self._answers.keep(reply, payload):
            self._ask_due.pop(reply.tcn, None)
            self._due.pop(reply.tcn, None)
            log.info("answered by the centre above", extra=facts(tcn=reply.tcn, stage=reply.stage))

    def _take_command(self, payload: bytes) -> None:
        match word_of(payload, "command"):
            case "report_taken":
                taken = decode_message(ReportTaken, payload)
                if taken.known:  # otherwise it has to have the submission first, again
                    self._outbox.report_taken(taken.tcn, taken.reported_at)
            case "centre_keys":
                keys = decode_message(NewCentreKeys, payload).centre
                if self._identity.learn(keys):
                    log.info("the centre above has new keys", extra=facts(generation=keys.generation))
            case word:
                raise MessageError("command", f"'{word[:20]}' is not known here; update this state")

    def _watch_certificate(self) -> None:
        left = self._identity.certificate.not_after - datetime.now(UTC)
        if left < timedelta(days=parameters.WARN_CERTIFICATE_DAYS) and not self._warned:
            self._warned = True
            log.warning(
                "the certificate for the centre above runs out; ask it for a code and provision this state again",
                extra=facts(days_left=left.days),
            )
