"""One MQTT 5 connection, kept alive by a thread of its own, for either side.

`Link` comes back by itself after every loss, each time after a random pause, so that a county's kiosks do not
all return in the same second. It keeps no messages while there is no connection: whoever publishes has a
store of its own, and asks again from there.
"""

from __future__ import annotations

import logging
import threading
import time
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from interchange.link_protocol import Mailbox, told
from interchange.link_session import LinkSession
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interchange.link_protocol import LinkHandler, Outgoing
    from interchange.settings import BrokerSettings

log = logging.getLogger("interchange.link")

STABLE_AFTER_S = 5.0  # a connection that lived this long starts the pauses from the shortest again


class Link:
    """A connection to the broker that comes back by itself. All calls are safe from any thread."""

    def __init__(
        self,
        *,
        broker: BrokerSettings,
        client_id: str,
        subscriptions: Sequence[str],
        handler: LinkHandler,
        random: Random | None = None,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._handler = handler
        self._random = random or SystemRandom()
        self._stopping = threading.Event()
        self._up = threading.Event()
        self._mailbox = Mailbox()
        self._thread = threading.Thread(target=self._run, name=f"link-{client_id}", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        return self._up.is_set()

    def start(self) -> None:
        """Begin to connect; returns at once, whether or not there is a broker."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Say farewell if there is a connection, and end. False if the thread did not end in time."""
        self._stopping.set()
        self._mailbox.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def publish(self, message: Outgoing) -> bool:
        """Hand `message` over. False, and nothing is kept, if there is no connection."""
        if not self._up.is_set():
            return False
        self._mailbox.put(message)
        return True

    def wake(self) -> None:
        """Have the handler's `on_tick` called soon."""
        self._mailbox.wake()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            session = LinkSession(
                broker=self._broker,
                client_id=self._client_id,
                subscriptions=self._subscriptions,
                handler=self._handler,
                mailbox=self._mailbox,
                up=self._up,
                stopping=self._stopping,
            )
            reason = session.run()
            was_up = self._up.is_set()
            self._up.clear()
            self._mailbox.clear()
            if self._stopping.is_set():
                break
            failures = 0 if was_up and time.monotonic() - began > STABLE_AFTER_S else failures + 1
            pause = self._pause_s(failures)
            log.warning("no connection to the broker", extra=facts(reason=reason, again_in_s=pause))
            told(self._handler.on_disconnected, reason)
            self._stopping.wait(pause)

    def _pause_s(self, failures: int) -> float:
        """Doubling from the shortest to the longest pause, each cut at random by up to a half."""
        doubled = self._broker.backoff_min_s * 2.0 ** min(failures - 1, 20)
        return min(self._broker.backoff_max_s, doubled) * self._random.uniform(0.5, 1.0)
