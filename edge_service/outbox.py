"""A submission as it goes to the broker: sealed, with its end, and with how late it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.envelope import is_sealed
from interchange.link_protocol import Outgoing
from interchange.topics import Down, Up, down, up

if TYPE_CHECKING:
    from edge_service.expiry import Expiry
    from edge_service.provisioning.channel import Channel
    from edge_service.spool import Spool


class Outbox:
    """Makes the messages, and counts how often each was sent by this process."""

    def __init__(self, *, spool: Spool, device: str, channel: Channel, expiry: Expiry) -> None:
        self._spool = spool
        self._channel = channel
        self._expiry = expiry
        self._topic = up(device, Up.SUBMISSION)
        self._ack_topic = down(device, Down.ACK)
        self._sent: dict[str, int] = {}

    def message(self, tcn: str) -> Outgoing | None:
        """What is to be published; None if there is nothing: it was let go, its time is over, it is damaged."""
        times = self._spool.times(tcn)
        if times is None or (left_s := self._expiry.left_s(times)) <= 0:
            return None
        payload = self._spool.payload(tcn)
        if payload is None:
            return None
        late = self._expiry.lateness(times, sent_here=self._sent.get(tcn, 0))
        wrapped = self._channel.wrap(self._topic, payload, late=late)
        return Outgoing(
            topic=self._topic,
            payload=wrapped,
            label=tcn,
            correlation=tcn.encode(),
            response_topic=self._ack_topic,
            expires_in_s=left_s,
            # What is sealed says it inside, signed.
            properties=() if late is None or is_sealed(wrapped) else late.properties,
        )

    def sent(self, tcn: str) -> bool:
        """Count it; whether it was sent before."""
        before = self._sent.get(tcn, 0)
        self._sent[tcn] = before + 1
        return before > 0

    def forget(self, tcn: str) -> None:
        """It is not sent any more."""
        self._sent.pop(tcn, None)
