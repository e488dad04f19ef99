"""What goes on at the centre after a reply, beside the conversation.

Notifications go out, reviews are looked after, what is old is erased, the audit's head is signed. Each has a thread of
its own, and a fault in one stops none of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interchange.link_protocol import Outgoing
from interchange.topics import Notice, from_every_subscriber
from matcher_service.auditing.anchoring import TOPIC as HEADS
from matcher_service.auditing.anchoring import anchoring_of
from matcher_service.notify.delivery import open_delivery
from matcher_service.retention.keeper import Keeper
from matcher_service.review import Reviews, Tending

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Incoming
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


class Afterwards:
    """See the module. `publish` hands a message to the broker as it is; False if it did not go out."""

    def __init__(
        self, *, settings: MatcherSettings, database: Database, publish: Callable[[Outgoing], bool]
    ) -> None:
        """Raises MatcherError for settings that cannot be."""
        self.subscriptions = [from_every_subscriber(Notice.RECEIPT, share=settings.share)]
        self._delivery = open_delivery(settings, database, publish)
        self._tending = Tending(Reviews(database))
        self._keeper = Keeper(settings, database)
        self._anchoring = anchoring_of(
            settings,
            database,
            publish=lambda line: publish(Outgoing(topic=HEADS, payload=line.encode(), retain=True)),
        )

    def start(self) -> None:
        """Begin, in the background."""
        self._delivery.start()
        self._tending.start()
        self._keeper.start()
        if self._anchoring is not None:
            self._anchoring.start()

    def stop(self) -> None:
        """End; what is under way is done again at the next start."""
        self._tending.stop()
        self._keeper.stop()
        if self._anchoring is not None:
            self._anchoring.stop()
        self._delivery.stop()

    def wake(self) -> None:
        """There is a connection, or something new to send."""
        self._delivery.wake()

    def take_receipt(self, message: Incoming) -> None:
        """A subscriber has something, or says so."""
        self._delivery.take_receipt(message.topic, message.payload)
