"""The matcher's and the kiosk's ends of a sealed conversation, in one process: who is believed, and who is not.

One long file on purpose: one conversation, and each way to break into it.
"""

import json
from datetime import UTC, datetime, timedelta

import cbor2
import pytest

from edge_service.provisioning.channel import PlainChannel, SealedChannel
from edge_service.provisioning.identity import IdentityFolder
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.envelope import is_sealed, seal
from interchange.envelope_keys import PrivateKey
from interchange.errors import EnvelopeError, MessageError
from interchange.link_protocol import Incoming, Outgoing
from interchange.messages import (
    MAX_PAYLOAD_BYTES,
    Ack,
    AckStatus,
    CaptureTime,
    DeviceState,
    Reply,
    ReplyWanted,
    Status,
    decode_message,
    encode_message,
)
from interchange.provisioning import BrokerAddress, CentreKeys, NewCentreKeys, ProvisionRequest
from interchange.provisioning_code import ProvisioningCode
from interchange.statement import Statement
from interchange.topics import Down, Up, down, up
from matcher_service.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.intake import Intake
from matcher_service.repositories import Database, Devices, Outcome, Quarantine, Registry, Submissions
from matcher_service.sealing import Seals

SUBMISSION = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
PAYLOAD = encode_message(SUBMISSION)
TCN = SUBMISSION.tcn.encode()
TOPIC, EVENTS = up("kiosk-1", Up.SUBMISSION), up("kiosk-1", Up.EVENT)
ACKS, REPLIES, COMMANDS = (down("kiosk-1", kind) for kind in (Down.ACK, Down.REPLY, Down.COMMAND))
DAY = timedelta(days=1)


class Clock:
    def __init__(self, centre):
        self._centre = centre

    def now(self):
        return CaptureTime(clock=self._centre.now, synchronised=True, boot_id="0", monotonic_ms=0)


class Centre:
    """An intake behind its seals, over a real database and authority, with two kiosks that it admitted."""

    def __init__(self, folder, *, require_sealed=True):
        self.folder = folder
        self.now = datetime.now(UTC)
        create_centre(folder / "authority", addresses=["127.0.0.1"], matchers=["matcher-1"])
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.quarantine = Quarantine(self.database, per_device=50, total=100)
        self.registry = Registry(self.database, now=lambda: self.now)
        self.authority = Authority(folder / "authority", now=lambda: self.now)
        self.keyring = CentreKeyring(folder / "authority", now=lambda: self.now)
        self.registrar = Registrar(
            authority=self.authority,
            registry=self.registry,
            keyring=self.keyring,
            broker=BrokerAddress(host="127.0.0.1", port=8883),
        )
        self.seals = Seals(
            registry=self.registry,
            keyring=self.keyring,
            authority=self.authority,
            require_sealed=require_sealed,
            now=lambda: self.now,
        )
        self.said = []
        self.intake = Intake(
            submissions=self.submissions,
            quarantine=self.quarantine,
            devices=Devices(self.database),
            publish=self.publish,
            wake_search=lambda: None,
            seals=self.seals,
            registrar=self.registrar,
            publish_plain=self.say,
        )

    def say(self, message):
        self.said.append(message)
        return True

    def publish(self, message):
        sealed = self.seals.sealed(message)
        return sealed is not None and self.say(sealed)

    def admit(self, name="kiosk-1", ori="MO0100000", *, folder=None, **more):
        code = ProvisioningCode.read(self.registrar.invite(name, ori, valid=DAY, by="clerk", **more))
        kiosk = IdentityFolder(self.folder / (folder or name))
        pending = kiosk.prepare(code.secret_sha256)
        request = ProvisionRequest(
            secret=code.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
        )
        answer = self.registrar.provision(request, address="10.0.0.7")
        kiosk.install(
            name=answer.name,
            ori=answer.ori,
            broker=answer.broker,
            certificate=answer.certificate,
            ca=answer.ca,
            centre=[answer.centre],
            now=self.now,
        )
        return SealedChannel(kiosk, clock=Clock(self))

    def take(self, data, *, topic=TOPIC, correlation=TCN):
        """What the matcher says to `data` at `topic`, still sealed."""
        self.said.clear()
        self.intake.take(Incoming(topic, data, correlation=correlation))
        return list(self.said)

    def ack(self, kiosk, data, **more):
        """The acknowledgement that `kiosk` can open."""
        (message,) = [m for m in self.take(data, **more) if m.topic.endswith("/down/ack")]
        return decode_message(Ack, kiosk.unwrap(message.topic, message.payload))

    def stored(self):
        return sum(self.submissions.count().values())


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def kiosk(centre):
    return centre.admit()


def refused(ack, words):
    assert ack.status is AckStatus.REFUSED
    assert ack.reason.field == "seal"
    assert words in ack.reason.reason, ack.reason
    return True


# -- the good day


def test_sealed_both_ways(centre, kiosk):
    sealed = kiosk.wrap(TOPIC, PAYLOAD)
    assert SUBMISSION.tcn.encode() not in sealed
    ack = centre.ack(kiosk, sealed)
    assert (ack.status, ack.tcn) == (AckStatus.ACCEPTED, SUBMISSION.tcn)
    assert all(is_sealed(m.payload) for m in centre.said)
    assert centre.submissions.begin_next().payload == PAYLOAD


def test_the_reply_can_be_asked_for_again_and_is_sealed(centre, kiosk):
    centre.take(kiosk.wrap(TOPIC, PAYLOAD))
    centre.submissions.finish(centre.submissions.begin_next(), b"the reply", [], Outcome.ANSWERED)
    question = encode_message(ReplyWanted(device="kiosk-1", tcn=SUBMISSION.tcn))
    (reply,) = centre.take(kiosk.wrap(EVENTS, question), topic=EVENTS)
    assert reply.topic == REPLIES
    assert kiosk.unwrap(REPLIES, reply.payload) == b"the reply"
    assert centre.take(question, topic=EVENTS) == []  # in the clear nobody is told


def test_the_largest_submission_fits(centre, kiosk):
    payload = PAYLOAD + b" " * (MAX_PAYLOAD_BYTES - len(PAYLOAD))
    sealed = kiosk.wrap(TOPIC, payload)
    assert len(sealed) < 96 * 1024
    assert centre.ack(kiosk, sealed).status is AckStatus.ACCEPTED


# -- what a broker, or somebody on it, could try


def test_replay_of_a_captured_submission(centre, kiosk):
    sealed = kiosk.wrap(TOPIC, PAYLOAD)
    centre.take(sealed)
    for _ in range(3):
        assert centre.ack(kiosk, sealed).status is AckStatus.DUPLICATE
    assert (
        centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)).status is AckStatus.DUPLICATE
    )  # sealed anew, the same
    assert centre.stored() == 1


def test_replay_under_another_topic(centre, kiosk):
    other = centre.admit("kiosk-2", "MO0200000")
    sealed = kiosk.wrap(TOPIC, PAYLOAD)
    topic = up("kiosk-2", Up.SUBMISSION)
    assert refused(centre.ack(other, sealed, topic=topic, correlation=None), "kiosk-2")
    assert centre.take(sealed, topic=EVENTS) == []
    assert centre.stored() == 0


def test_signed_by_one_device_on_the_topic_of_another(centre, kiosk):
    other = centre.admit("kiosk-2", "MO0200000")
    topic = up("kiosk-2", Up.SUBMISSION)
    forged = kiosk.wrap(topic, PAYLOAD)  # with its own good key, for the other's topic
    ack = centre.ack(other, forged, topic=topic, correlation=None)
    assert refused(ack, "a key that is not known here")
    assert centre.stored() == 0


def statement(centre, kiosk, **changes):
    """Sealed and signed with the kiosk's own keys, but with something else in its statement."""
    me = kiosk.identity
    said = {
        "device": me.name,
        "ori": me.ori,
        "certificate": me.certificate.serial,
        "centre": me.centre[0].number,
        "payload": PAYLOAD,
    } | changes
    return seal(Statement(**said).encode(), signer=me.signing, receiver=me.centre[0].sealing, context=TOPIC)


def serial_of(name):
    """The certificate of another kiosk: kiosk-2 works for another agency, kiosk-3 for the same one."""
    return lambda others: others[name].identity.certificate.serial


DISAGREEMENTS = {
    "device": ({"device": "kiosk-2"}, "another device's"),
    "agency": ({"ori": "MO0200000"}, "another agency than MO0100000"),
    "no agency": ({"ori": ""}, "another agency"),
    "certificate of another agency": ({"certificate": serial_of("kiosk-2")}, "not that of 'kiosk-1'"),
    "certificate of another kiosk": ({"certificate": serial_of("kiosk-3")}, "not that of 'kiosk-1'"),
    "certificate of nobody": ({"certificate": "abc123"}, "not made by this centre"),
    "certificate with a path": ({"certificate": "../../ca"}, "not made by this centre"),
    "no certificate": ({"certificate": ""}, "not made by this centre"),
}


@pytest.mark.parametrize("which", DISAGREEMENTS)
def test_device_certificate_and_agency_have_to_agree(centre, kiosk, which):
    """Signed with the kiosk's own good key, for its own topic; one thing in the statement is not what is registered."""
    others = {
        "kiosk-2": centre.admit("kiosk-2", "MO0200000"),
        "kiosk-3": centre.admit("kiosk-3", "MO0100000"),
    }
    changes, words = DISAGREEMENTS[which]
    made = {key: value(others) if callable(value) else value for key, value in changes.items()}
    assert refused(centre.ack(kiosk, statement(centre, kiosk, **made)), words)
    assert centre.stored() == 0
    assert centre.ack(kiosk, statement(centre, kiosk)).status is AckStatus.ACCEPTED


def test_a_certificate_that_was_revoked_while_the_kiosk_was_not(centre, kiosk):
    """The register says that the kiosk is good, the authority that this certificate is not: that is a refusal."""
    centre.authority.revoke("kiosk-1")
    assert refused(centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)), "was revoked")
    assert centre.stored() == 0


def test_what_is_signed_is_read_strictly(centre, kiosk):
    me = kiosk.identity
    good = [1, me.name, me.ori, me.certificate.serial, 1, PAYLOAD]
    for tree in ([2, *good[1:]], good[:5], [*good, 1], [1, 2, 3, 4, 5, 6], {"a": 1}, [*good[:5], "text"],
                 [1, "x" * 65, *good[2:]], [*good[:4], True, PAYLOAD], 7):  # fmt: skip
        data = seal(cbor2.dumps(tree), signer=me.signing, receiver=me.centre[0].sealing, context=TOPIC)
        assert refused(centre.ack(kiosk, data), "statement")
    data = seal(b"\xff", signer=me.signing, receiver=me.centre[0].sealing, context=TOPIC)
    assert refused(centre.ack(kiosk, data), "statement")


def test_a_revoked_device_is_refused_and_told_nothing(centre, kiosk):
    centre.registrar.revoke("kiosk-1", by="clerk")
    assert centre.take(kiosk.wrap(TOPIC, PAYLOAD)) == []
    kept = centre.quarantine.newest()[0]
    assert "revoked on" in kept.reason
    assert centre.stored() == 0


def test_the_old_key_of_a_kiosk_that_was_replaced(centre, kiosk):
    captured = kiosk.wrap(TOPIC, PAYLOAD)
    new = centre.admit(folder="its-successor", replace=True)
    assert refused(centre.ack(new, captured), "gave up on")
    assert centre.ack(new, new.wrap(TOPIC, PAYLOAD)).status is AckStatus.ACCEPTED


def test_a_certificate_that_ran_out(centre, kiosk):
    centre.now += 399 * DAY
    assert refused(centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)), "ran out")


def test_downgrade_to_plain(centre, kiosk):
    """A kiosk that has keys has to use them, whatever `require_sealed` says."""
    (answer,) = centre.take(PAYLOAD)
    assert refused(decode_message(Ack, answer.payload), "has to seal")
    with pytest.raises(EnvelopeError, match="not sealed"):
        kiosk.unwrap(ACKS, answer.payload)  # and believes no plain answer itself
    assert centre.stored() == 0


def test_a_kiosk_that_nobody_invited(centre):
    (answer,) = centre.take(PAYLOAD)
    assert refused(decode_message(Ack, answer.payload), "edge-service provision")
    stranger = seal(
        b"x", signer=PrivateKey.generate(), receiver=centre.keyring.newest.sealing.public, context=TOPIC
    )
    (answer,) = centre.take(stranger)
    assert refused(decode_message(Ack, answer.payload), "not registered")
    assert centre.stored() == 0


def test_while_kiosks_are_being_provisioned_those_without_keys_may_be_plain(tmp_path):
    centre = Centre(tmp_path, require_sealed=False)
    plain = PlainChannel()
    assert centre.ack(plain, PAYLOAD).status is AckStatus.ACCEPTED
    kiosk = centre.admit()
    assert refused(decode_message(Ack, centre.take(PAYLOAD)[0].payload), "has to seal")
    assert centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)).status is AckStatus.DUPLICATE
    centre.database.close()


def test_a_forged_answer_to_a_kiosk(centre, kiosk):
    forger, me = PrivateKey.generate(), kiosk.identity
    ack = encode_message(Ack(tcn=SUBMISSION.tcn, status=AckStatus.ACCEPTED))
    to_me = me.sealing[0].public
    for forged in (
        ack,
        b"",
        seal(ack, signer=forger, receiver=to_me, context=ACKS),
        seal(ack, signer=me.signing, receiver=to_me, context=ACKS),  # a device is no centre
        seal(ack, signer=centre.keyring.newest.signing, receiver=to_me, context=REPLIES),
        seal(ack, signer=centre.keyring.newest.signing, receiver=forger.public, context=ACKS),
    ):
        with pytest.raises(EnvelopeError):
            kiosk.unwrap(ACKS, forged)


def test_an_answer_for_another_kiosk(centre, kiosk):
    other = centre.admit("kiosk-2", "MO0100000")
    (answer,) = centre.take(kiosk.wrap(TOPIC, PAYLOAD))
    for topic in (down("kiosk-2", Down.ACK), ACKS):
        with pytest.raises(EnvelopeError):
            other.unwrap(topic, answer.payload)


def test_damaged_oversize_and_meaningless(centre, kiosk):
    sealed = kiosk.wrap(TOPIC, PAYLOAD)
    for data in (
        sealed[:-1],
        sealed[:-40] + bytes(40),
        sealed + bytes(100_000),
        b"\xd8\x60",
        b"\xd8\x60" + bytes(50),
    ):
        assert refused(centre.ack(kiosk, data), "kiosk-1")
    large = kiosk.wrap(TOPIC, PAYLOAD + b" " * MAX_PAYLOAD_BYTES)
    ack = centre.ack(kiosk, large)
    assert ack.status is AckStatus.REFUSED
    assert centre.stored() == 0


def test_what_is_refused_is_kept_as_it_came(centre, kiosk):
    tampered = json.loads(PAYLOAD) | {"purpose": "curiosity"}
    sealed = kiosk.wrap(TOPIC, json.dumps(tampered).encode())
    ack = centre.ack(kiosk, sealed)
    assert ack.reason.field == "purpose"
    kept = centre.quarantine.newest()[0]
    assert kept.payload == sealed
    assert b"curiosity" not in kept.payload


def test_a_correlation_beside_a_seal_names_no_other_submission(centre, kiosk):
    """Otherwise a broker could have a good submission refused by sending its TCN along with a bad one."""
    other = made_up_submission("kiosk-1", {2: made_up_minutiae(2)})
    bad = json.loads(encode_message(other)) | {"purpose": "curiosity"}
    ack = centre.ack(kiosk, kiosk.wrap(TOPIC, json.dumps(bad).encode()), correlation=SUBMISSION.tcn.encode())
    assert ack.tcn == other.tcn


# -- keys change while messages wait


def test_the_centre_changes_its_keys_while_a_message_is_under_way(centre, kiosk):
    sealed_before = kiosk.wrap(TOPIC, PAYLOAD)
    centre.keyring.rotate()
    answers = centre.take(sealed_before)
    assert [m.topic for m in answers] == [COMMANDS, ACKS]
    order, ack = (kiosk.unwrap(m.topic, m.payload) for m in answers)
    assert decode_message(Ack, ack).status is AckStatus.ACCEPTED
    kiosk.take_command(order)
    assert kiosk.identity.centre[0].number == 2
    (ack,) = centre.take(kiosk.wrap(TOPIC, PAYLOAD))  # sealed to the new ones now, and answered with them
    assert decode_message(Ack, kiosk.unwrap(ACKS, ack.payload)).status is AckStatus.DUPLICATE
    assert centre.registry.find("kiosk-1").centre_generation == 2
    assert not centre.seals.is_behind("kiosk-1")


def test_a_kiosk_that_comes_online_is_told_of_new_keys(centre, kiosk):
    centre.keyring.rotate()
    birth = Status(device="kiosk-1", session=1, state=DeviceState.ONLINE, since=Clock(centre).now())
    (order,) = centre.take(encode_message(birth), topic=up("kiosk-1", Up.STATUS))
    kiosk.take_command(kiosk.unwrap(COMMANDS, order.payload))
    assert kiosk.identity.centre[0].number == 2


def test_an_older_announcement_does_not_turn_the_clock_back(centre, kiosk):
    first = centre.keyring.newest
    centre.keyring.rotate()
    kiosk.take_command(encode_message(NewCentreKeys(centre=centre.keyring.newest.public)))
    kiosk.take_command(encode_message(NewCentreKeys(centre=first.public)))
    assert kiosk.identity.centre[0].number == 2
    junk = CentreKeys(generation=9, signing="x" * 50, sealing="x" * 50)
    with pytest.raises(MessageError):
        kiosk.take_command(encode_message(NewCentreKeys(centre=junk)))
    with pytest.raises(MessageError, match="not known here"):
        kiosk.take_command(b'{"command": "open_the_door"}')
    with pytest.raises(MessageError):
        PlainChannel().take_command(b'{"command": "renewed"}')
    assert kiosk.identity.centre[0].number == 2


def test_the_device_renews_in_time_by_itself(centre, kiosk, monkeypatch):
    assert kiosk.next_event() is None  # a year ahead
    monkeypatch.setattr("edge_service.provisioning.parameters.LOOK_AFTER_KEYS_S", 0.0)
    kiosk._look_at = 0.0
    captured = kiosk.wrap(TOPIC, PAYLOAD)
    before = kiosk.identity
    centre.now += 345 * DAY
    request = kiosk.next_event()
    assert kiosk.next_event() is None  # asked once; again in some hours
    (order,) = centre.take(kiosk.wrap(EVENTS, request), topic=EVENTS)
    # What the centre seals from now on is for the next key, which the kiosk opens before it has its certificate.
    (ack,) = centre.take(captured)
    assert decode_message(Ack, kiosk.unwrap(ACKS, ack.payload)).status is AckStatus.ACCEPTED
    kiosk.take_command(kiosk.unwrap(COMMANDS, order.payload))
    after = kiosk.identity
    assert after.certificate.not_after > centre.now + 300 * DAY
    assert after.signing.id != before.signing.id
    # What was signed with the last key is still good, for a month.
    assert centre.ack(kiosk, captured).status is AckStatus.DUPLICATE
    assert centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)).status is AckStatus.DUPLICATE
    centre.now += 31 * DAY
    assert refused(centre.ack(kiosk, captured), "gave up on")
    assert centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)).status is AckStatus.DUPLICATE
    assert kiosk.next_event() is None
    assert len(kiosk.identity.sealing) == 1


def test_renewal_is_not_for_others(centre, kiosk, monkeypatch):
    other = centre.admit("kiosk-2", "MO0200000")
    centre.now += 345 * DAY
    request = kiosk.next_event()
    (ack_free,) = [centre.take(request, topic=EVENTS)]  # in the clear
    assert ack_free == []
    topic = up("kiosk-2", Up.EVENT)
    assert centre.take(other.wrap(topic, request), topic=topic) == []  # kiosk-2 for kiosk-1
    assert len(centre.authority.issued_to("kiosk-1")) == 1


def test_a_renewal_that_is_refused_is_said_and_tried_with_other_keys(centre, kiosk):
    centre.now += 345 * DAY
    request = kiosk.next_event()
    first = kiosk._folder.pending_sealing().id
    me = kiosk.identity
    double = json.loads(request) | {"signing": me.signing.public.pem.decode()}
    (order,) = centre.take(kiosk.wrap(EVENTS, json.dumps(double).encode()), topic=EVENTS)
    kiosk.take_command(kiosk.unwrap(COMMANDS, order.payload))
    assert kiosk._folder.prepare("renewal")
    assert kiosk._folder.pending_sealing().id != first


def test_an_identity_that_is_replaced_under_a_running_service(centre, kiosk):
    before = kiosk.identity.certificate.serial
    centre.admit(replace=True)
    assert kiosk.identity.certificate.serial != before
    assert centre.ack(kiosk, kiosk.wrap(TOPIC, PAYLOAD)).status is AckStatus.ACCEPTED


def test_the_reply_is_only_for_its_device(centre, kiosk):
    """Told again when the device comes back, and sealed each time anew."""
    centre.take(kiosk.wrap(TOPIC, PAYLOAD))
    reply = Reply(tcn=SUBMISSION.tcn, answered_at=centre.now, repositories=(), timings_ms={})
    centre.submissions.finish(centre.submissions.begin_next(), encode_message(reply), [], Outcome.ANSWERED)
    centre.said.clear()
    centre.intake.tell_untold("kiosk-1")
    centre.intake.tell_untold("kiosk-1")
    one, two = centre.said
    assert one.payload != two.payload
    assert decode_message(Reply, kiosk.unwrap(REPLIES, one.payload)) == reply
    assert isinstance(one, Outgoing)
