"""The link against brokers that misbehave, and against a good one."""

import contextlib
import socket
import statistics
import threading
import time
from random import Random

import pytest

from hardware.bench.broker import Broker
from interchange.link import Link
from interchange.link_protocol import Outgoing
from interchange.settings import BrokerSettings

pytestmark = pytest.mark.system

CONNACK = b"\x20\x03\x00\x00\x00"
NOT_AUTHORISED = b"\x20\x03\x00\x87\x00"
SUBACK_REFUSED = b"\x90\x04\x00\x01\x00\x87"


class Handler:
    def __init__(self):
        self.reasons = []
        self.messages = []
        self.verdicts = []
        self.ups = 0
        self.fault = False

    def make_will(self):
        return Outgoing(topic="will", payload=b"gone")

    def make_farewell(self):
        return Outgoing(topic="farewell", payload=b"bye")

    def on_connected(self):
        self.ups += 1
        if self.fault:
            raise RuntimeError("a handler with a fault")

    def on_disconnected(self, reason):
        self.reasons.append(reason)

    def on_message(self, message):
        self.messages.append(message)
        if self.fault:
            raise RuntimeError("a handler with a fault")

    def on_puback(self, verdict):
        self.verdicts.append(verdict)

    def on_tick(self):
        pass


@contextlib.contextmanager
def bad_broker(*answers, then_close):
    """A server that answers whatever it hears with `answers`, one a packet."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection):
            with contextlib.suppress(OSError), connection:
                for answer in answers:
                    connection.recv(4096)
                    connection.sendall(answer)
                if not then_close:
                    time.sleep(5)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@contextlib.contextmanager
def linked(port, handler, *subscriptions, client_id="linked", **settings):
    quick = {"backoff_min_s": 0.05, "backoff_max_s": 0.2, "connect_timeout_s": 0.3, "session_expiry_s": 0}
    broker = BrokerSettings(port=port, **(quick | settings))
    link = Link(broker=broker, client_id=client_id, subscriptions=subscriptions, handler=handler)
    link.start()
    try:
        yield link
    finally:
        began = time.monotonic()
        assert link.stop()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("answers", "then_close", "reason"),
    [
        ((), True, ""),
        ((), False, "does not answer"),
        ((NOT_AUTHORISED,), True, "Not authorized"),
        ((CONNACK, SUBACK_REFUSED), True, "refused a subscription"),
        ((CONNACK,), False, "does not answer"),
        ((b"\xff" * 100,), False, ""),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), True, ""),
        ((b"\x20\xff\xff\xff\xff\xff\xff",), False, ""),
        ((CONNACK[:2],), True, ""),
    ],
    ids=range(9),
)
def test_it_tries_again_whatever_the_broker_does(until, answers, then_close, reason):
    handler = Handler()
    with bad_broker(*answers, then_close=then_close) as port, linked(port, handler, "some/topic") as link:
        until(lambda: len(handler.reasons) >= 2, timeout_s=10)
        assert not link.connected
        assert not link.publish(Outgoing(topic="t", payload=b""))
    assert handler.ups == 0
    assert reason in handler.reasons[0]


def test_a_handler_with_a_fault_does_not_end_the_link(until):
    with Broker() as broker:
        handler = Handler()
        handler.fault = True
        with linked(broker.port, handler, "t") as link:
            until(lambda: link.connected)
            for _ in range(3):
                link.publish(Outgoing(topic="t", payload=b"x"))
            until(lambda: len(handler.messages) == 3)
            assert link.connected


def test_pubacks_say_whether_anybody_listens(until):
    with Broker() as broker:
        handler = Handler()
        with linked(broker.port, handler, "heard") as link:
            until(lambda: link.connected)
            link.publish(Outgoing(topic="heard", payload=b"x", label="a", correlation=b"c"))
            link.publish(Outgoing(topic="unheard", payload=b"x", label="b"))
            until(lambda: len(handler.verdicts) == 2)
            assert {(v.label, v.nobody_listens, v.refused) for v in handler.verdicts} == {
                ("a", False, False),
                ("b", True, False),
            }
            until(lambda: handler.messages)
            assert handler.messages[0].correlation == b"c"


def test_farewell_in_order_and_will_when_thrown_out(until):
    with Broker() as broker:
        watcher = Handler()
        with linked(broker.port, watcher, "will", "farewell", client_id="watcher") as watching:
            until(lambda: watching.connected)
            with linked(broker.port, Handler(), client_id="kiosk") as link:
                until(lambda: link.connected)
            until(lambda: watcher.messages)
            assert [(m.topic, m.payload) for m in watcher.messages] == [("farewell", b"bye")]


def test_what_came_while_away_is_there_on_return(until):
    with Broker() as broker:
        with linked(broker.port, Handler(), "t", client_id="away", session_expiry_s=60) as link:
            until(lambda: link.connected)
        with linked(broker.port, Handler(), client_id="other") as other:
            until(lambda: other.connected)
            other.publish(Outgoing(topic="t", payload=b"meanwhile"))
            other.publish(Outgoing(topic="t", payload=b"last"))
        back = Handler()
        with linked(broker.port, back, "t", client_id="away", session_expiry_s=60):
            until(lambda: [m.payload for m in back.messages] == [b"meanwhile", b"last"])


def test_publishing_from_many_threads(until):
    with Broker() as broker:
        handler = Handler()
        with linked(broker.port, handler, "t") as link:
            until(lambda: link.connected)

            def publish(start):
                for number in range(start, start + 50):
                    link.publish(Outgoing(topic="t", payload=str(number).encode(), label=str(number)))

            threads = [threading.Thread(target=publish, args=(1000 * n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            until(lambda: len(handler.messages) == 200 and len(handler.verdicts) == 200)
            assert len({m.payload for m in handler.messages}) == 200


def test_pauses_grow_and_are_never_in_step():
    broker = BrokerSettings(backoff_min_s=0.5, backoff_max_s=30)
    link = Link(broker=broker, client_id="x", subscriptions=[], handler=Handler(), random=Random(1))
    pauses = [[link._pause_s(failures) for _ in range(200)] for failures in (1, 2, 3, 50, 5000)]
    for longest, drawn in zip((0.5, 1.0, 2.0, 30.0, 30.0), pauses, strict=True):
        assert longest / 2 <= min(drawn)
        assert max(drawn) <= longest
        assert statistics.stdev(drawn) > longest / 10
