"""The ABIS verbs at a real broker."""

import json
import time

import pytest

from interchange.settings import BrokerSettings
from matcher_service.abis.desk import AbisDesk
from matcher_service.abis.link import AbisLink, request_topic, response_topic
from matcher_service.abis.settings import AbisClient, AbisSettings

pytestmark = pytest.mark.system
SETTINGS = AbisSettings(
    clients=(
        AbisClient(token="mosip-1", repository="registrations", verbs=("insert",), purpose="deduplication"),
        AbisClient(token="http_only", repository="registrations", purpose="deduplication"),
    )
)


class NoGalleries:
    """Nothing here identifies."""

    def close(self):
        pass


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def asking(site):
    desk = AbisDesk(site.database, SETTINGS, galleries=NoGalleries(), fpir=0.1)
    link = AbisLink(desk, broker=BrokerSettings(port=site.broker.port), client_id="matcher-1-abis")
    link.start()
    peer = site.peer("mosip-1", response_topic("mosip-1"))
    wait_until(lambda: link.connected)
    yield peer
    link.stop()
    desk.close()


def request(verb, number, **more):
    tree = {"id": f"mosip.abis.{verb}", "version": "1.1", "requestId": number}
    return json.dumps({**tree, "requesttime": "2026-11-22T07:01:24.692Z", **more}).encode()


def test_each_request_is_answered_under_its_number(asking):
    topic = request_topic("mosip-1")
    asking.say(topic, request("ping", "one"))
    asking.say(topic, request("insert", "two", referenceId="a", referenceURL="https://not.listed.example/x"))
    asking.say(topic, request("identify", "three", referenceId="a"))
    asking.say(topic, b"no JSON")
    wait_until(lambda: len(asking.received) >= 4)
    answers = [json.loads(message.payload) for message in asking.received]
    assert {(one["requestId"], one["returnValue"], one.get("failureReason")) for one in answers} == {
        ("one", "1", None),
        ("two", "2", "7"),
        ("three", "2", "2"),
        ("", "2", "4"),
    }
