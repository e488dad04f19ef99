import base64
import json

import pytest

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.link_protocol import Incoming
from interchange.messages import (
    Ack,
    AckStatus,
    DeviceState,
    ReplyWanted,
    Status,
    decode_message,
    encode_message,
)
from interchange.tcn import new_tcn
from interchange.topics import Up, up
from matcher_service.errors import StoreError
from matcher_service.intake import Intake
from matcher_service.repositories import Database, Devices, Outcome, Quarantine, Submissions


class Door:
    """An intake over a real database, and what it said."""

    def __init__(self, folder):
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.quarantine = Quarantine(self.database, per_device=50, total=100)
        self.devices = Devices(self.database)
        self.said = []
        self.woken = 0
        self.intake = Intake(
            submissions=self.submissions,
            quarantine=self.quarantine,
            devices=self.devices,
            publish=self.publish,
            wake_search=self.wake,
        )

    def publish(self, message):
        self.said.append(message)
        return True

    def wake(self):
        self.woken += 1

    def take(self, payload, *, device="kiosk-1", topic=None, correlation=None):
        self.said.clear()
        self.intake.take(
            Incoming(topic or up(device, Up.SUBMISSION), payload, retained=False, correlation=correlation)
        )
        return [decode_message(Ack, m.payload) for m in self.said if m.topic.endswith("/down/ack")]


@pytest.fixture
def door(tmp_path):
    made = Door(tmp_path)
    yield made
    made.database.close()


SUBMISSION = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
PAYLOAD = encode_message(SUBMISSION)


def changed(path, value):
    tree = json.loads(PAYLOAD)
    place = tree
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(tree).encode()


def test_stored_then_acknowledged_then_searched(door):
    (ack,) = door.take(PAYLOAD)
    assert (ack.tcn, ack.status) == (SUBMISSION.tcn, AckStatus.ACCEPTED)
    assert door.said[0].topic == "fp/v1/kiosk-1/down/ack"
    assert door.said[0].correlation == SUBMISSION.tcn.encode()
    assert door.submissions.begin_next().payload == PAYLOAD
    assert door.woken == 1


def test_a_duplicate_is_acknowledged_and_not_stored_again(door):
    door.take(PAYLOAD)
    (ack,) = door.take(PAYLOAD)
    assert ack.status is AckStatus.DUPLICATE
    assert door.submissions.count()[Outcome.WAITING] == 1


def test_a_duplicate_of_what_was_answered_gets_the_stored_reply(door):
    door.take(PAYLOAD)
    door.submissions.finish(door.submissions.begin_next(), b"the reply", [], Outcome.ANSWERED)
    (ack,) = door.take(PAYLOAD)
    assert ack.status is AckStatus.DUPLICATE
    assert [(m.topic, m.payload) for m in door.said[1:]] == [("fp/v1/kiosk-1/down/reply", b"the reply")]
    assert door.submissions.count()[Outcome.ANSWERED] == 1


def test_a_tcn_used_for_something_else_is_refused(door):
    door.take(PAYLOAD)
    (ack,) = door.take(changed("purpose", "release"))
    assert (ack.status, ack.reason.field) == (AckStatus.REFUSED, "tcn")


TRUNCATED = base64.b64encode(SUBMISSION.prints[0].template[:-3]).decode()
OTHER_FINGER = base64.b64encode(SUBMISSION.prints[1].template).decode()


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("version", 2, "version"),
        ("device", "kiosk-2", "tcn"),
        ("purpose", "curiosity", "purpose"),
        ("captured_at.clock", "soon", "captured_at.clock"),
        ("extractor.sha256", "x", "extractor.sha256"),
        ("prints", [], "prints"),
        ("prints.1.position", 11, "prints.1.position"),
        ("prints.1.position", 3, "prints.1.position"),  # not what its template says
        ("prints.0.finger_quality", 12, "prints.0.finger_quality"),
        ("prints.0.template", "?", "prints.0.template"),
        ("prints.0.template", TRUNCATED, "prints.0.template"),
        ("prints.0.template", OTHER_FINGER, "prints.0.position"),
        ("extra", 1, "extra"),
    ],
)
def test_malformed_is_refused_with_its_field_and_kept(door, path, value, field):
    payload = changed(path, value)
    (ack,) = door.take(payload)
    assert (ack.status, ack.tcn, ack.reason.field) == (AckStatus.REFUSED, SUBMISSION.tcn, field)
    (kept,) = door.quarantine.newest()
    assert (kept.device, kept.tcn, kept.field, kept.payload) == ("kiosk-1", SUBMISSION.tcn, field, payload)
    assert door.submissions.count()[Outcome.WAITING] == 0
    assert door.take(PAYLOAD)[0].status is AckStatus.ACCEPTED  # and the matcher goes on


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{" * 1000, b"[" * 70_000, b"0" * 200_000, b'{"tcn": 5}'])
def test_what_has_no_tcn_is_told_by_its_correlation(door, payload):
    (ack,) = door.take(payload, correlation=SUBMISSION.tcn.encode())
    assert (ack.status, ack.tcn) == (AckStatus.REFUSED, SUBMISSION.tcn)
    (ack,) = door.take(payload, correlation=b"\xff\x00")
    assert ack.tcn is None
    assert door.said[0].correlation == b"\xff\x00"


def test_speaking_for_another_device_is_refused(door):
    (ack,) = door.take(PAYLOAD, device="kiosk-2")
    assert ack.reason.field == "device"
    assert ack.tcn is None  # the TCN is not kiosk-2's to ask about
    assert door.said[0].topic == "fp/v1/kiosk-2/down/ack"
    assert door.take(PAYLOAD)[0].status is AckStatus.ACCEPTED


def test_a_topic_of_nobody_is_kept_and_not_answered(door):
    assert door.take(PAYLOAD, topic="fp/v1/KIOSK/up/submission") == []
    assert door.said == []
    assert door.quarantine.newest()[0].field == "device"


def test_a_database_that_fails_means_no_answer(door, monkeypatch):
    def fail(*_):
        raise StoreError("sqlite://", "the disk is full")

    monkeypatch.setattr(door.submissions, "file", fail)
    with pytest.raises(StoreError):
        door.take(PAYLOAD)
    assert door.said == []


def test_a_reply_can_be_asked_for(door):
    door.take(PAYLOAD)
    question = encode_message(ReplyWanted(device="kiosk-1", tcn=SUBMISSION.tcn))
    door.take(question, topic=up("kiosk-1", Up.EVENT))
    assert door.said == []  # being searched
    door.submissions.finish(door.submissions.begin_next(), b"the reply", [], Outcome.ANSWERED)
    door.take(question, topic=up("kiosk-1", Up.EVENT))
    assert door.said[0].payload == b"the reply"


def test_a_reply_to_something_unknown_is_said_to_be_lost(door):
    tcn = new_tcn("kiosk-1", now_ms=0)
    question = encode_message(ReplyWanted(device="kiosk-1", tcn=tcn))
    (ack,) = door.take(question, topic=up("kiosk-1", Up.EVENT))
    assert (ack.status, ack.tcn) == (AckStatus.REFUSED, tcn)
    assert "take it again" in ack.reason.reason


@pytest.mark.parametrize("device", ["kiosk-1", "kiosk-2"])
def test_nobody_asks_for_anothers_reply(door, device):
    door.take(PAYLOAD)
    door.submissions.finish(door.submissions.begin_next(), b"the reply", [], Outcome.ANSWERED)
    question = encode_message(ReplyWanted(device=device, tcn=SUBMISSION.tcn))
    door.take(question, topic=up("kiosk-2", Up.EVENT))
    assert door.said == []


def test_a_status_is_noted_and_one_for_another_device_is_not(door):
    born = Status(device="kiosk-1", session=4, state=DeviceState.ONLINE, since=SUBMISSION.captured_at)
    door.take(encode_message(born), topic=up("kiosk-2", Up.STATUS))
    door.take(b"nonsense", topic=up("kiosk-1", Up.STATUS))
    assert door.devices.all() == []
    door.take(encode_message(born), topic=up("kiosk-1", Up.STATUS))
    assert [(d.device, d.session) for d in door.devices.all()] == [("kiosk-1", 4)]


def test_a_device_that_comes_back_is_told_what_it_missed(door):
    for device in ("kiosk-1", "kiosk-2"):
        one = made_up_submission(device, {2: made_up_minutiae(1)})
        door.take(encode_message(one), device=device)
        door.submissions.finish(door.submissions.begin_next(), device.encode(), [], Outcome.ANSWERED)
    born = Status(device="kiosk-1", session=4, state=DeviceState.ONLINE, since=SUBMISSION.captured_at)
    door.take(encode_message(born), topic=up("kiosk-1", Up.STATUS))
    assert [m.payload for m in door.said] == [b"kiosk-1"]
    door.submissions.mark_told(door.said[0].label)
    door.take(encode_message(born), topic=up("kiosk-1", Up.STATUS))
    assert door.said == []


def test_no_kiosk_speaks_for_the_desk_at_the_centre(door):
    payload = encode_message(made_up_submission("desk", {2: made_up_minutiae(1)}))
    (ack,) = door.take(payload, device="desk")
    assert (ack.status, ack.reason.field) == (AckStatus.REFUSED, "device")
    assert door.submissions.begin_next() is None
