"""A matcher that can be seen to move, and that counts what it does."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from interchange.health import Condition, Pulse
from matcher_service.ops import parameters
from matcher_service.service import MatcherService

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Incoming
    from matcher_service.repositories import Database, Outcome, StoredReply
    from matcher_service.settings import MatcherSettings


class WatchedMatcher(MatcherService):
    """A `MatcherService`; takes what that takes.

    Attributes:
        warm: set once searches are fast, whether or not there is a broker.
        received, replied: messages taken from the broker, replies handed to it.
    """

    def __init__(
        self,
        *,
        settings: MatcherSettings,
        database: Database,
        on_warm: Callable[[], None] = lambda: None,
        **parts: Any,  # noqa: ANN401 - as MatcherService has them
    ) -> None:
        self.warm = threading.Event()
        self.received = self.replied = 0
        self.on_reply_s: Callable[[float], None] = lambda _: None
        self.on_warm = on_warm
        self._link_pulse = Pulse()
        self._intake_pulse = Pulse()
        self._storing = False
        self._received_at: OrderedDict[bytes, float] = OrderedDict()
        self._watched_database = database
        broker = settings.broker
        self._quiet_s = broker.backoff_max_s + broker.connect_timeout_s + parameters.LINK_SLACK_S
        super().__init__(settings=settings, database=database, **parts)

    # -- looking

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self._link.connected

    @property
    def intake_waiting(self) -> int:
        """Messages that wait to be stored."""
        return self._jobs.qsize()

    def prove(self) -> str:
        """What stands still; "" when progress is proven: the link turned, and the intake does not sit on a message.

        A search of any length counts for nothing here, and the database only through the intake, which waits for it.
        """
        limit_s = parameters.LINK_TURN_S if self.connected else self._quiet_s
        if self._link_pulse.age_s > limit_s:
            return f"the link stands still for {self._link_pulse.age_s:.0f} s"
        has_work = self._storing or self.intake_waiting > 0
        if has_work and self._intake_pulse.age_s > parameters.INTAKE_STILL_S:
            return f"the intake stands still for {self._intake_pulse.age_s:.0f} s"
        return ""

    def conditions(self) -> list[Condition]:
        """Everything that it takes to answer a kiosk."""
        return [
            Condition("broker", self.connected, "" if self.connected else "not connected"),
            Condition("searches", self.warm.is_set(), "" if self.warm.is_set() else "still starting"),
            self._database_condition(),
        ]

    def words(self) -> str:
        """One line on how it is, for `systemctl status`."""
        link = "connected" if self.connected else "no broker"
        return f"{link}, {self.intake_waiting} to store, {self.replied} replies"

    def counted(self) -> dict[Outcome, int]:
        """Submissions by outcome. Raises StoreError."""
        return self._submissions.count()

    def gallery_sizes(self) -> dict[str, int]:
        """Prints that are searched, by repository."""
        try:
            return {name: len(gallery) for name, gallery in self._galleries}
        except RuntimeError:  # one is being added just now
            return {}

    # -- what the parts tell

    def on_tick(self) -> None:
        """The link has turned."""
        super().on_tick()
        self._link_pulse.beat()

    def on_disconnected(self, reason: str) -> None:
        """So it has here."""
        super().on_disconnected(reason)
        self._link_pulse.beat()

    def on_message(self, message: Incoming) -> None:
        """Counted, and on to the intake."""
        self.received += 1
        if message.correlation is not None:
            self._received_at.setdefault(message.correlation, time.monotonic())
            if len(self._received_at) > parameters.WATCHED_REPLIES:
                self._received_at.popitem(last=False)
        super().on_message(message)

    def _tell(self, reply: StoredReply) -> bool:
        told = super()._tell(reply)
        received_at = self._received_at.pop(reply.tcn.encode(), None)
        if told:
            self.replied += 1
            if received_at is not None:
                self.on_reply_s(time.monotonic() - received_at)
        return told

    def _searches_are_fast(self) -> None:
        super()._searches_are_fast()
        self.warm.set()
        self.on_warm()

    def _put(self, job: Callable[[], None] | None) -> None:
        if self.intake_waiting == 0 and not self._storing:
            self._intake_pulse.beat()  # idle until now
        super()._put(None if job is None else partial(self._do, job))

    def _do(self, job: Callable[[], None]) -> None:
        self._intake_pulse.beat()
        self._storing = True
        try:
            job()
        finally:
            self._storing = False
            self._intake_pulse.beat()

    def _database_condition(self) -> Condition:
        try:
            with self._watched_database.connection() as connection:
                connection.exec_driver_sql("SELECT 1")
        except Exception as error:  # noqa: BLE001 - whatever the driver raises, it is not ready
            return Condition("database", holds=False, words=type(error).__name__)
        return Condition("database", holds=True)
