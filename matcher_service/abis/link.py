"""The verbs over MQTT, by a queue as MOSIP has it: ``abis/v1/{client}/request`` and ``abis/v1/{client}/response``.

The level is the name in the client's certificate, which is that of its token over HTTP too. A client's requests are
worked on in the order in which they came; the quick verbs do not wait for them. A request that is lost with a process
is asked again by its client, and done once (`AbisDesk`).
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from typing import TYPE_CHECKING, Final

from interchange.errors import MessageError
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import MAX_PAYLOAD_BYTES
from interchange.topics import check_device
from matcher_service.abis import parameters
from matcher_service.abis.desk import ALWAYS_ALLOWED
from matcher_service.abis.failures import AbisFailure, NotInScope
from matcher_service.abis.requests import named, read_tree

if TYPE_CHECKING:
    from interchange.link_protocol import Incoming, Puback
    from interchange.settings import BrokerSettings
    from matcher_service.abis.desk import AbisDesk

log = logging.getLogger("matcher.abis")

PREFIX: Final = "abis/v1"
_QUICK: Final = ""


def request_topic(client: str) -> str:
    """Where a client asks. Raises MessageError for a name that fills no level."""
    return f"{PREFIX}/{check_device(client)}/request"


def response_topic(client: str) -> str:
    """Where it is answered. Raises MessageError for a name that fills no level."""
    return f"{PREFIX}/{check_device(client)}/response"


class AbisLink:
    """Serves the clients whose names fit a topic; the others have HTTP. `client_id` is this process at the broker."""

    def __init__(self, desk: AbisDesk, *, broker: BrokerSettings, client_id: str) -> None:
        self._desk = desk
        self._clients = {request_topic(name): name for name in sorted(desk.clients) if _fits(name)}
        self._queues: dict[str, queue.Queue[tuple[str, bytes] | None]] = {
            name: queue.Queue(parameters.QUEUED_REQUESTS) for name in (_QUICK, *self._clients.values())
        }
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=f"abis-{name or 'quick'}", daemon=True)
            for name, one in self._queues.items()
        ]
        self._link = Link(broker=broker, client_id=client_id, subscriptions=list(self._clients), handler=self)

    @property
    def connected(self) -> bool:
        """Whether there is a broker."""
        return self._link.connected

    def start(self) -> None:
        """Begin; returns at once. Without a client there is nothing to begin."""
        if not self._clients:
            return
        for thread in self._threads:
            thread.start()
        self._link.start()

    def stop(self) -> None:
        """Leave what waits; its clients ask again."""
        self._link.stop()
        for one in self._queues.values():
            while True:
                try:
                    one.put_nowait(None)
                    break
                except queue.Full:
                    self._drop(one)

    # -- what the link tells

    def make_will(self) -> None:
        """None: a client asks with a ping."""

    def make_farewell(self) -> None:
        """None, for the same reason."""

    def on_connected(self) -> None:
        """Nothing is kept here that would have to be told."""

    def on_disconnected(self, reason: str) -> None:
        """The link has logged it."""

    def on_puback(self, verdict: Puback) -> None:
        """An answer that is lost is asked for again."""

    def on_tick(self) -> None:
        """Nothing here goes by the clock."""

    def on_message(self, message: Incoming) -> None:
        """On to a thread of its own."""
        client = self._clients.get(message.topic)
        if client is None or message.retained:
            return
        if len(message.payload) > MAX_PAYLOAD_BYTES:
            log.warning("request dropped: too large", extra=facts(client=client))
            return
        try:
            waits = named(read_tree(message.payload))[0] not in ALWAYS_ALLOWED
        except AbisFailure:
            waits = False
        if waits:
            self._desk.waits(client, 1)
        try:
            self._queues[client if waits else _QUICK].put_nowait((client, message.payload))
        except queue.Full:
            log.warning("request dropped: too many wait; its client asks again", extra=facts(client=client))
            if waits:
                self._desk.waits(client, -1)

    # -- inside

    def _work(self, mine: queue.Queue[tuple[str, bytes] | None]) -> None:
        quick = mine is self._queues[_QUICK]
        while (job := mine.get()) is not None:
            client, body = job
            if not quick:
                self._desk.waits(client, -1)
            try:
                answer = self._desk.answer(client, body)
            except NotInScope as error:
                log.warning("request refused", extra=facts(client=client, reason=str(error)))
                answer = self._desk.refusal(body)
            payload = json.dumps(answer).encode()
            if not self._link.publish(Outgoing(topic=response_topic(client), payload=payload)):
                log.warning("answer not sent; its client asks again", extra=facts(client=client))

    @staticmethod
    def _drop(one: queue.Queue[tuple[str, bytes] | None]) -> None:
        try:
            one.get_nowait()
        except queue.Empty:
            return


def _fits(name: str) -> bool:
    try:
        check_device(name)
    except MessageError:
        log.warning("a client's name fits no topic, so it has HTTP alone", extra=facts(client=name))
        return False
    return True
