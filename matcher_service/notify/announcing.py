"""The centre's new keys, told to subscribers by the old ones: ``notify/v1/{subscriber}/keys``.

A subscriber believes the keys that it was given. After ``authority rotate`` the newest are announced to each, signed by
each of the older generations that are still there, at once and again before every notification, until a receipt shows
that it has them. Nothing of it is kept: a matcher that starts announces once more, which harms nobody. Older keys that
were erased (``rotate --drop-older``) can say nothing: then the new file goes by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.envelope import seal
from interchange.envelope_keys import PublicKey
from interchange.errors import EnvelopeError
from interchange.link_protocol import Outgoing
from interchange.messages import encode_message
from interchange.notices import KeysNotice
from interchange.provisioning import CentreKeys as PublicKeys
from interchange.topics import Notice, notify_topic
from matcher_service.notify import parameters
from matcher_service.repositories.notice_tables import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.notify.keys import CentreKeys
    from matcher_service.repositories import Database


class Announcing:
    """Who is to be told of the newest keys, and in which words. Raises AuthorityError."""

    def __init__(
        self, database: Database, *, keys: CentreKeys, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._keys = keys
        self._now = now
        self._told: bytes | None = None  # the key that all were told of
        self._has: dict[str, bytes] = {}  # to which key each sealed its last receipt

    def heard(self, subscriber: str, receiver: bytes) -> None:
        """A receipt of it came, sealed to our key of that id."""
        self._has[subscriber] = receiver

    def to(self, name: str, sealing_pem: str) -> list[Outgoing]:
        """What to tell one subscriber, before anything else; nothing where it knows, or there is nothing to know."""
        signing, sealing = self._keys.signing(), self._keys.sealing()
        if len(signing) < 2 or self._has.get(name) == sealing[0].id:
            return []
        try:
            receiver = PublicKey.read(sealing_pem.encode("ascii"))
        except EnvelopeError:
            return []  # what it is to be told of fails for the same reason, and is noted there
        topic = notify_topic(name, Notice.KEYS)
        payload = encode_message(
            KeysNotice(
                made_at=self._now(),
                centre=PublicKeys(
                    generation=self._keys.generation(),
                    signing=signing[0].public.pem.decode("ascii"),
                    sealing=sealing[0].public.pem.decode("ascii"),
                ),
            )
        )
        return [
            Outgoing(topic=topic, payload=seal(payload, signer=old, receiver=receiver, context=topic))
            for old in signing[1 : 1 + parameters.ANNOUNCED_BY]
        ]

    def tell_all(self, publish: Callable[[Outgoing], bool]) -> int:
        """Tell every subscriber, once for each new key; how many messages. Tried again where there is no connection."""
        newest = self._keys.signing()[0].id
        if newest == self._told:
            return 0
        with self._database.read() as session:
            known = session.execute(
                select(Subscriber.name, Subscriber.sealing_pem).where(Subscriber.active.is_(True))
            ).all()
        messages = [message for name, pem in known for message in self.to(name, pem)]
        if all(publish(message) for message in messages):
            self._told = newest
        return len(messages)
