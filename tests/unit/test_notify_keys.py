"""The centre changes its keys: subscribers learn of the new ones from the old."""

import asyncio
import base64
import importlib.util
from hashlib import sha256
from pathlib import Path

import pytest

from interchange.envelope import seal, unseal
from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import EnvelopeError
from interchange.messages import decode_message, encode_message
from interchange.notices import Hit, KeysNotice, Receipt
from interchange.topics import Notice, notify_topic, parse_notify
from matcher_service.notify.receipts import Verdict
from matcher_service.notify.settings import NotifySettings
from matcher_service.notify.webhooks import Post, Webhooks

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
Agency, Centre = notify_centre.Agency, notify_centre.Centre


class Believer:
    """A subscriber that goes by what docs/notification.md says."""

    def __init__(self, centre):
        self.centre, self.agency = centre, centre.agency
        self.generation = 1
        self.signing, self.sealing = centre.keys.signing()[0].public, centre.keys.sealing()[0].public
        self.hits = []

    def take(self, topic, payload):
        opened = unseal(payload, receiver=[self.agency.sealing], signers=[self.signing], context=topic)
        if parse_notify(topic).kind is Notice.KEYS:
            told = decode_message(KeysNotice, opened.payload).centre
            if told.generation > self.generation:
                self.generation = told.generation
                self.signing = PublicKey.read(told.signing.encode())
                self.sealing = PublicKey.read(told.sealing.encode())
        else:
            self.hits.append(decode_message(Hit, opened.payload))

    def take_all(self, messages):
        refused = 0
        for message in messages:
            try:
                self.take(message.topic, message.payload)
            except EnvelopeError:
                refused += 1
        return refused

    def receipt(self):
        topic = notify_topic(self.agency.name, Notice.RECEIPT)
        payload = encode_message(
            Receipt(
                number=self.hits[-1].number,
                content_sha256=sha256(encode_message(self.hits[-1])).hexdigest(),
                received_at=self.centre.clock.now,
            )
        )
        sealed = seal(payload, signer=self.agency.signing, receiver=self.sealing, context=topic)
        return self.centre.delivery.take_receipt(topic, sealed)


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    made.activate()
    yield made
    made.database.close()


def kinds(messages):
    return [str(parse_notify(message.topic).kind) for message in messages]


def send(centre):
    before = len(centre.sent)
    while centre.delivery.send_due():
        pass
    return centre.sent[before:]


def test_a_subscriber_follows_the_centres_keys_by_itself(centre):
    believer = Believer(centre)
    centre.delivery.look_around()
    assert centre.sent == []  # there is nothing to tell
    centre.keys.rotate()
    centre.connected = False
    centre.delivery.look_around()
    centre.connected = True
    centre.delivery.look_around()
    centre.delivery.look_around()
    assert kinds(centre.sent) == ["keys"]  # once there is a connection, once
    believer.take_all(centre.sent)
    assert believer.generation == 2
    centre.confirmed()
    sent = send(centre)
    assert kinds(sent) == ["keys", "hit"]
    # What is announced by a key that it has given up is refused; the hit is by the new one.
    assert believer.take_all(sent) == 1
    assert believer.receipt() is Verdict.RECEIVED
    centre.confirmed()
    assert kinds(send(centre)) == ["hit"]  # it has shown that it knows


def test_one_that_was_away_for_two_changes_learns_with_the_next_hit(centre):
    believer = Believer(centre)
    centre.keys.rotate()
    centre.keys.rotate()
    centre.confirmed()
    sent = send(centre)
    assert kinds(sent) == ["keys", "keys", "hit"]
    assert believer.take_all(sent) == 1  # signed by the generation between, of which it never heard
    assert (believer.generation, len(believer.hits)) == (3, 1)
    # A receipt to an old key is still read, and the announcement goes on.
    believer.sealing = centre.keys.sealing()[2].public
    assert believer.receipt() is Verdict.RECEIVED
    centre.confirmed()
    assert kinds(send(centre)) == ["keys", "keys", "hit"]


def test_nobody_else_announces_and_nothing_goes_back(centre):
    believer = Believer(centre)
    first = believer.signing
    centre.keys.rotate()
    centre.delivery.look_around()
    (announced,) = centre.sent
    believer.take(announced.topic, announced.payload)
    stranger = PrivateKey.generate()
    forged = seal(b"{}", signer=stranger, receiver=believer.agency.sealing.public, context=announced.topic)
    with pytest.raises(EnvelopeError):
        believer.take(announced.topic, forged)
    with pytest.raises(EnvelopeError):  # another's topic, another's seal
        unseal(
            announced.payload, receiver=[Agency("other").sealing], signers=[first], context=announced.topic
        )
    believer.signing = first
    believer.take(announced.topic, announced.payload)  # again: the same generation changes nothing
    assert believer.generation == 2
    assert believer.signing == first


def test_a_webhook_gets_them_in_a_header(centre, monkeypatch):
    centre.keys.rotate()
    centre.confirmed()
    subscriber = centre.agency.name
    news = centre.delivery._announcing.to(subscriber, centre.agency.sealing.public.pem.decode())
    post = Post(1, "0" * 32, 1, subscriber, notify_topic(subscriber, Notice.HIT), "http://127.0.0.1:9/x",
                b"secret", b"body", tuple(m.payload for m in news))  # fmt: skip
    seen = {}

    async def at(_self, _target, _address, headers, _body):
        seen.update(headers)
        return ""

    monkeypatch.setattr(Webhooks, "_at", at)
    assert asyncio.run(Webhooks(NotifySettings(webhook_networks=("127.0.0.0/8",)))._exchange(post)) == ""
    (payload,) = [base64.b64decode(one) for one in seen["Whorl-Keys"].split(",")]
    believer = Believer(centre)
    believer.signing = centre.keys.signing()[1].public
    believer.take(notify_topic(subscriber, Notice.KEYS), payload)
    assert believer.generation == 2
