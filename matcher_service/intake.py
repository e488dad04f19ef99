"""The matcher's door: what comes from devices is checked, stored and acknowledged, or refused and kept.

Nothing that comes in can stop it. What cannot be stored, because the database fails, is not answered at all:
its device sends it again.

With an authority, what comes has to be sealed, and is opened here first; an answer goes as the question came.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from interchange.errors import MessageError, TemplateError
from interchange.lateness import Lateness
from interchange.link_protocol import Incoming, Outgoing
from interchange.logs import facts
from interchange.messages import (
    MAX_PAYLOAD_BYTES,
    Ack,
    AckStatus,
    DeviceState,
    DispositionReported,
    ImageSent,
    ImagesOffered,
    Reason,
    ReplyWanted,
    Status,
    Submission,
    decode_message,
    encode_message,
)
from interchange.provisioning import NotRenewed, RenewalWanted, word_of
from interchange.relaying import is_relayed, tcn_of
from interchange.tcn import check_tcn, device_of
from interchange.topics import Down, Up, down, parse
from matcher_service.authority import BadRequest
from matcher_service.cases.seconds import second_message
from matcher_service.parameters import DESK, UNTOLD_REPLIES
from matcher_service.relay.relaying import taken_message
from matcher_service.repositories import Filed, NotAdmitted, read_single
from matcher_service.routing import Arrival
from matcher_service.sealing import Received, SealRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from interchange.minutiae import Minutiae
    from interchange.provisioning import Renewed
    from matcher_service.authority.registrar import Registrar
    from matcher_service.cases import SecondResponses
    from matcher_service.images import Images
    from matcher_service.relay.relaying import Relaying
    from matcher_service.repositories import Devices, Quarantine, StoredReply, Submissions
    from matcher_service.routing.reports import Reports
    from matcher_service.sealing import Seals

log = logging.getLogger("matcher.intake")


class Intake:
    """Takes one message at a time; see the module."""

    def __init__(
        self,
        *,
        submissions: Submissions,
        quarantine: Quarantine,
        devices: Devices,
        publish: Callable[[Outgoing], bool],
        wake_search: Callable[[], None],
        seals: Seals | None = None,
        registrar: Registrar | None = None,
        publish_plain: Callable[[Outgoing], bool] | None = None,
        reports: Reports | None = None,
        agencies: Mapping[str, str] | None = None,
        seconds: SecondResponses | None = None,
        relaying: Relaying | None = None,
        images: Images | None = None,
    ) -> None:
        """`publish` seals where that is called for, `publish_plain` never.

        `agencies` says of which agency (ORI) a device is whose messages do not prove it.
        """
        self._submissions = submissions
        self._quarantine = quarantine
        self._devices = devices
        self._publish = publish
        self._publish_plain = publish_plain or publish
        self._wake_search = wake_search
        self._seals = seals
        self._registrar = registrar
        self._reports = reports
        self._agencies = agencies or {}
        self._seconds = seconds
        self._relaying = relaying
        self._images = images

    def take(self, message: Incoming) -> None:
        """Whatever came. Raises StoreError if the database fails; then nothing was answered."""
        try:
            topic = parse(message.topic)
        except MessageError as error:
            self._refuse(message, device="", error=error)
            return
        opened: bytes | None = None
        try:
            if topic.kind is Up.SUBMISSION:
                received = self._open(message, topic.device)
                opened = received.payload
                self._take_submission(received, topic.device)
            elif topic.kind is Up.STATUS:
                self._take_status(message, topic.device)
            elif topic.kind is Up.EVENT:
                self._take_event(self._open(message, topic.device).payload, topic.device)
        except MessageError as error:
            if topic.kind is Up.SUBMISSION:
                self._refuse(message, device=topic.device, error=error, opened=opened)
            else:
                wrong = facts(topic=message.topic, field=error.field, reason=error.reason)
                log.warning("message from a device not understood", extra=wrong)

    def tell_untold(self, device: str | None = None) -> None:
        """Publish again the replies that nobody was there to take, for one device or for all."""
        untold = self._submissions.untold(limit=UNTOLD_REPLIES, device=device)
        for reply in untold:
            self._publish(reply_message(reply))
        if untold:
            log.info("replies told again", extra=facts(count=len(untold), device=device or "all"))
        for second in [] if self._seconds is None else self._seconds.untold(device):
            self._publish(second_message(second))
        for passed in [] if self._relaying is None else self._relaying.untold(device):
            self._publish(passed)

    def tell_seconds(self) -> None:
        """Make the second responses that are due, and publish those that are new."""
        if self._seconds is not None:
            self._seconds.tend()
            for second in self._seconds.to_publish():
                self._publish(second_message(second))
        for passed in [] if self._relaying is None else self._relaying.to_publish():
            self._publish(passed)

    def _open(self, message: Incoming, device: str) -> Received:
        """What is in the message. Raises SealRefused."""
        received = (
            Received(message.payload)
            if self._seals is None
            else self._seals.open(message.topic, device, message.payload)
        )
        if received.behind and self._seals is not None:
            self._publish(self._seals.new_keys(device))
        return received if received.sealed else replace(received, late=_late_beside(message))

    def _take_submission(self, received: Received, device: str) -> None:
        relayed = None if self._relaying is None else self._relaying.admit(received, device)
        payload = received.payload if relayed is None else relayed.payload
        late = received.late
        submission = decode_message(Submission, payload)
        if relayed is None and submission.device != device:
            raise MessageError("device", "is not the one that this topic belongs to")
        if device == DESK:
            raise MessageError(
                "device", f"'{DESK}' stands for searches at the centre; give the kiosk another name"
            )
        read_prints(submission)
        arrival = Arrival(
            ori=received.ori or self._agencies.get(device, ""),
            sealed=received.sealed,
            waited_s=None if late is None else late.waited_s,
        )
        if relayed is None:
            filed = self._submissions.file(submission, payload, arrival)
        else:  # the rules go by the agency that took the prints, the answers to whoever brought them
            arrival = Arrival(ori=relayed.way.ori, sealed=True, waited_s=relayed.way.waited_s)
            filed = self._submissions.file(submission, payload, arrival, sender=device)
        if filed is Filed.OTHER:
            raise MessageError("tcn", "stands for another submission already; a TCN is never used again")
        known = filed is Filed.KNOWN
        if self._relaying is not None and relayed is not None:
            self._relaying.stored_of_relay(relayed, received)
        elif self._relaying is not None:
            self._relaying.stored(received, submission.tcn, payload, device)
        lateness = {} if late is None else {"waited_s": late.waited_s, "attempt": late.attempt}
        log.info(
            "submission known already" if known else "submission stored",
            extra=facts(
                tcn=submission.tcn, prints=len(submission.prints), purpose=submission.purpose, **lateness
            ),
        )
        self._acknowledge(device, submission.tcn, AckStatus.DUPLICATE if known else AckStatus.ACCEPTED)
        reply = self._submissions.reply_to(submission.tcn) if known else None
        if reply is not None:
            self._publish(reply_message(reply))
        else:
            self._wake_search()

    def _take_status(self, message: Incoming, device: str) -> None:
        status = decode_message(Status, message.payload)
        if status.device != device:
            raise MessageError("device", "is not the one that this topic belongs to")
        session = facts(device=device, session=status.session, state=status.state)
        if self._devices.note(status):
            log.info("device status", extra=session)
            if status.state is DeviceState.ONLINE:
                if self._seals is not None and self._seals.is_behind(device):
                    self._publish(self._seals.new_keys(device))
                self.tell_untold(device)
        else:
            log.info("late device status ignored", extra=session)

    def _take_event(self, payload: bytes, device: str) -> None:
        event = word_of(payload, "event")
        if self._registrar is not None and event == "renew":
            self._renew(decode_message(RenewalWanted, payload), device)
        elif self._reports is not None and event == "disposition_reported":
            self._take_report(self._reports, decode_message(DispositionReported, payload), device)
        elif self._images is not None and event == "images_offered":
            self._take_offer(self._images, decode_message(ImagesOffered, payload), device)
        elif self._images is not None and event == "image_sent":
            self._take_image(self._images, decode_message(ImageSent, payload), device)
        else:
            self._repeat_reply(decode_message(ReplyWanted, payload), device)

    def _renew(self, wanted: RenewalWanted, device: str) -> None:
        if self._registrar is None or wanted.device != device:
            raise MessageError("device", "is not the one that this topic belongs to")
        try:
            answer: Renewed | NotRenewed = self._registrar.renew(wanted)
        except (NotAdmitted, BadRequest) as error:
            log.warning("certificate not renewed", extra=facts(device=device, reason=error))
            answer = NotRenewed(reason=error.reason[:300])
        self._publish(Outgoing(topic=down(device, Down.COMMAND), payload=encode_message(answer)))

    def _take_report(self, reports: Reports, report: DispositionReported, device: str) -> None:
        if device != report.device or not self._is_of(report.tcn, device):
            raise MessageError("tcn", "belongs to another device")
        known = reports.take(report)
        if device_of(report.tcn) != device:  # a relay sends it again until it hears that we have it
            self._publish(taken_message(report, relay=device, known=known))

    def _take_offer(self, images: Images, offer: ImagesOffered, device: str) -> None:
        if offer.device != device:
            raise MessageError("device", "is not the one that this topic belongs to")
        wanted = images.offered(offer)
        if wanted is not None:
            log.info("images offered", extra=facts(tcn=offer.tcn, wanted=len(wanted.prints)))
            self._publish(Outgoing(topic=down(device, Down.COMMAND), payload=encode_message(wanted)))

    def _take_image(self, images: Images, sent: ImageSent, device: str) -> None:
        if sent.device != device:
            raise MessageError("device", "is not the one that this topic belongs to")
        if images.take(sent):
            log.info("image stored", extra=facts(tcn=sent.tcn, number=sent.number))

    def _is_of(self, tcn: str, device: str) -> bool:
        """Whether a device may speak of this number: it made it, or as a relay brought it."""
        if device == device_of(tcn):
            return True
        sender = self._submissions.device_of(tcn)
        return sender == device or (
            sender is None and self._relaying is not None and self._relaying.is_relay(device)
        )

    def _repeat_reply(self, wanted: ReplyWanted, device: str) -> None:
        if device != wanted.device or not self._is_of(wanted.tcn, device):
            raise MessageError("tcn", "belongs to another device")
        reply = self._submissions.reply_to(wanted.tcn)
        if reply is not None:
            log.info("reply wanted again", extra=facts(tcn=wanted.tcn))
            self._publish(reply_message(reply))
            for second in [] if self._seconds is None else self._seconds.of(wanted.tcn):
                self._publish(second_message(second))
            for passed in [] if self._relaying is None else self._relaying.of(wanted.tcn):
                self._publish(passed)
        elif self._submissions.device_of(wanted.tcn) is None:
            # Acknowledged once, and gone: the database was put back to an older state. Say so.
            lost = Reason(field="tcn", reason="the matcher does not have this submission; take it again")
            log.error("reply wanted to an unknown submission", extra=facts(tcn=wanted.tcn))
            self._acknowledge(device, wanted.tcn, AckStatus.REFUSED, lost)

    def _refuse(
        self, message: Incoming, *, device: str, error: MessageError, opened: bytes | None = None
    ) -> None:
        if opened is None or opened is message.payload:
            tcn = _tcn_of(message, device)
        else:
            # What was sealed speaks for itself: the correlation beside it may be anybody's.
            tcn = tcn_of(opened) if is_relayed(opened) else _tcn_of(Incoming(message.topic, opened), device)
        self._quarantine.keep(
            topic=message.topic,
            device=device,
            tcn=tcn,
            field=error.field,
            reason=error.reason,
            payload=message.payload,
        )
        log.warning(
            "submission refused",
            extra=facts(device=device or "?", tcn=tcn or "?", field=error.field, reason=error.reason),
        )
        if device:
            reason = Reason(field=error.field, reason=error.reason)
            plain = isinstance(error, SealRefused) and error.answer_plain
            self._acknowledge(
                device, tcn, AckStatus.REFUSED, reason, correlation=message.correlation, plain=plain
            )

    def _acknowledge(
        self,
        device: str,
        tcn: str | None,
        status: AckStatus,
        reason: Reason | None = None,
        *,
        correlation: bytes | None = None,
        plain: bool = False,
    ) -> None:
        payload = encode_message(Ack(tcn=tcn, status=status, reason=reason))
        if tcn is not None:
            correlation = tcn.encode()
        answer = Outgoing(topic=down(device, Down.ACK), payload=payload, correlation=correlation)
        (self._publish_plain if plain else self._publish)(answer)


def reply_message(reply: StoredReply) -> Outgoing:
    """A reply on its way; its label, the TCN, comes back with the PUBACK."""
    return Outgoing(
        topic=down(reply.device, Down.REPLY),
        payload=reply.payload,
        label=reply.tcn,
        correlation=reply.tcn.encode(),
    )


def read_prints(submission: Submission) -> list[tuple[int, Minutiae]]:
    """Position and minutiae of each print. Raises MessageError that names the print's field."""
    prints: list[tuple[int, Minutiae]] = []
    for number, print_ in enumerate(submission.prints):
        field = f"prints.{number}"
        try:
            position, minutiae = read_single(print_.template)
        except TemplateError as error:
            raise MessageError(f"{field}.template", str(error)[:300]) from None
        if position != print_.position:
            raise MessageError(f"{field}.position", f"the template says {position}")
        if minutiae.finger_quality != print_.finger_quality:
            raise MessageError(f"{field}.finger_quality", f"the template says {minutiae.finger_quality}")
        prints.append((position, minutiae))
    return prints


def _late_beside(message: Incoming) -> Lateness | None:
    """What a plain message says beside itself. Nonsense there is no reason to lose a booking."""
    try:
        return Lateness.from_properties(message.properties)
    except MessageError as error:
        log.warning("lateness not understood", extra=facts(topic=message.topic, reason=error.reason))
        return None


def _tcn_of(message: Incoming, device: str) -> str | None:
    """The TCN of something malformed, so that its device can tell what was refused; only its own count."""
    candidates: list[object] = []
    if len(message.payload) <= MAX_PAYLOAD_BYTES:
        try:
            tree: Any = json.loads(message.payload)
        except (ValueError, RecursionError):
            tree = None
        if isinstance(tree, dict):
            candidates.append(cast("dict[str, object]", tree).get("tcn"))
    if message.correlation is not None:
        candidates.append(message.correlation.decode("ascii", "replace"))
    for candidate in candidates:
        try:
            if isinstance(candidate, str) and device_of(check_tcn(candidate)) == device:
                return candidate
        except MessageError:
            continue
    return None
