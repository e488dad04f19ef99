"""An uplink that can be seen to move, and that counts what it does."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

from edge_service.errors import SpoolError
from edge_service.ops import parameters
from edge_service.uplink import Uplink, UplinkEvent, UplinkNews
from interchange.health import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Outgoing
    from interchange.settings import BrokerSettings


class WatchedUplink(Uplink):
    """An `Uplink`; takes what that takes.

    Attributes:
        pulse: beats whenever the uplink's own thread has come to the end of a turn or of an attempt to connect.
        counts: what was reported, by kind.
        acknowledged_at: wall clock of the matcher's last acknowledgement in this process; None if there was none.
    """

    def __init__(
        self,
        *,
        broker: BrokerSettings,
        events: Callable[[UplinkEvent], None] = lambda _: None,
        **parts: Any,  # noqa: ANN401 - as Uplink has them
    ) -> None:
        self.pulse = Pulse()
        self.counts: Counter[UplinkNews] = Counter()
        self.acknowledged_at: float | None = None
        self.on_reply_s: Callable[[float], None] = lambda _: None
        self._pass_on = events
        self._sent_at: OrderedDict[str, float] = OrderedDict()
        # Longest time without a connection in which nothing need be seen.
        self._quiet_s = broker.backoff_max_s + broker.connect_timeout_s + parameters.LINK_SLACK_S
        super().__init__(broker=broker, events=self._note, **parts)

    def stands_still(self) -> str:
        """Why no progress can be proven; "" if it can."""
        limit_s = parameters.LINK_TURN_S if self.connected else self._quiet_s
        age_s = self.pulse.age_s
        return f"the uplink stands still for {age_s:.0f} s" if age_s > limit_s else ""

    def make_will(self) -> Outgoing:
        """A connection is being tried."""
        will = super().make_will()
        self.pulse.beat()
        return will

    def on_tick(self) -> None:
        """A turn. A spool that refuses has answered; after any other fault this was none."""
        try:
            super().on_tick()
        except SpoolError:
            self.pulse.beat()
            raise
        self.pulse.beat()

    def on_disconnected(self, reason: str) -> None:
        """The connection has ended."""
        super().on_disconnected(reason)
        self.pulse.beat()

    def _note(self, event: UplinkEvent) -> None:
        self.counts[event.news] += 1
        if event.news is UplinkNews.SENT:
            self._sent_at.setdefault(event.tcn, time.monotonic())
            if len(self._sent_at) > parameters.WATCHED_REPLIES:
                self._sent_at.popitem(last=False)
        elif event.news is UplinkNews.ACKNOWLEDGED:
            self.acknowledged_at = time.time()
        elif event.news is UplinkNews.REPLIED:
            sent_at = self._sent_at.pop(event.tcn, None)
            if sent_at is not None:
                self.on_reply_s(time.monotonic() - sent_at)
        self._pass_on(event)
