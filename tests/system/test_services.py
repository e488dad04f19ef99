"""The two services as processes, with a real broker between them."""

import json
import os
import signal
import subprocess
import time

import pytest

from edge_service.spool import SpoolState
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import (
    Ack,
    AckStatus,
    DeviceState,
    Reply,
    ReplyWanted,
    Status,
    encode_message,
)
from interchange.topics import Down, Up, down, from_every_device, up
from matcher_service.repositories import Devices, Outcome, Quarantine

pytestmark = pytest.mark.system

ACKS = down("kiosk-1", Down.ACK)
REPLIES = down("kiosk-1", Down.REPLY)
SUBMIT = up("kiosk-1", Up.SUBMISSION)


def colours(reply):
    return {r.name: r.colour.value for r in reply.repositories}


def test_three_bookings(site):
    site.enroll("criminal", 1, 2, *range(100, 150))
    site.enroll("immigration", 2, *range(200, 250))
    site.matcher()
    edge = site.edge()
    known, known_to_both, unknown = (site.save(seed) for seed in (1, 2, 3))
    assert colours(site.reply(known)) == {"criminal": "red", "immigration": "green"}
    assert colours(site.reply(known_to_both)) == {"criminal": "red", "immigration": "red"}
    assert colours(site.reply(unknown)) == {"criminal": "green", "immigration": "green"}
    assert site.submissions.count()[Outcome.ANSWERED] == 3
    # No print and no identity is in any log.
    record = made_up_submission("kiosk-1", {2: made_up_minutiae(1)}).prints[0].template
    identity = site.submissions.searches(known)[0].candidates[0].identity
    for log in site.folder.glob("*.log"):
        text = log.read_bytes()
        assert identity.encode() not in text
        assert record[:40] not in text
    assert edge.stop() == 0


def test_broker_down_at_the_start(quiet_site):
    site = quiet_site
    site.enroll("criminal", 1)
    matcher = site.matcher(ready=False)
    edge = site.edge()
    tcn = site.save(1)
    matcher.wait_for("no connection to the broker")
    edge.wait_for("no connection to the broker", count=2)
    site.broker.start()
    assert colours(site.reply(tcn)) == {"criminal": "red"}
    matcher.wait_for("msg=ready")


def test_broker_killed_midway(site, until):
    site.repositories.create("criminal")
    matcher = site.matcher()
    edge = site.edge()
    site.reply(site.save(1))
    site.broker.kill()
    edge.wait_for("no connection to the broker")
    meanwhile = [site.save(seed) for seed in range(2, 7)]
    site.broker.start()
    matcher.wait_for("msg=connected", count=2)
    for tcn in meanwhile:
        site.reply(tcn)
    until(lambda: site.submissions.count()[Outcome.ANSWERED] == 6)
    assert matcher.output().count('msg="submission stored"') == 6  # each once
    assert matcher.output().count("msg=answered") == 6


def test_broker_killed_again_and_again_under_load(site, until):
    site.repositories.create("criminal")
    site.matcher()
    site.edge()
    tcns = []
    for burst in range(3):
        tcns += [site.save(100 * burst + number) for number in range(5)]
        time.sleep(0.1)
        site.broker.kill()
        site.broker.start()
    for tcn in tcns:
        site.reply(tcn)
    counted = {Outcome.WAITING: 0, Outcome.ANSWERED: 15, Outcome.FAILED: 0, Outcome.ERASED: 0}
    assert site.submissions.count() == counted


def test_malformed_submissions_are_refused_and_the_matcher_goes_on(site, until):
    site.repositories.create("criminal")
    site.matcher()
    good = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
    tree = json.loads(encode_message(good))
    malformed = {key: tree | {key: None} for key in tree}
    malformed["prints.0.template"] = tree | {"prints": [tree["prints"][0] | {"template": "Zm9v"}]}
    malformed["prints.0.position"] = tree | {"prints": [tree["prints"][0] | {"position": 11}]}
    malformed["captured_at.clock"] = tree | {"captured_at": tree["captured_at"] | {"clock": "soon"}}
    malformed["surplus"] = tree | {"surplus": 1}
    payloads = {field: json.dumps(changed).encode() for field, changed in malformed.items()}
    payloads["message"] = b"\x00\xff not JSON"
    peer = site.peer("kiosk-1", ACKS, REPLIES)
    for payload in payloads.values():
        peer.say(SUBMIT, payload, correlation=good.tcn.encode())
    acks = until(lambda: (a := peer.heard(ACKS, Ack)) and len(a) == len(payloads) and a)
    assert [a.reason.field for a in acks] == list(payloads)
    assert {a.tcn for a in acks} == {good.tcn}
    assert len(Quarantine(site.database, per_device=99, total=99).newest()) == len(payloads)
    peer.say("fp/v1/kiosk-1/up/status", b"nonsense")
    peer.say("fp/v1/kiosk-1/up/event", b"{}")
    peer.say(SUBMIT, encode_message(good))
    until(lambda: peer.heard(REPLIES, Reply))
    assert peer.heard(ACKS, Ack)[-1].status is AckStatus.ACCEPTED
    listed = subprocess.run(
        [site.processes[0]._process.args[0], "refused", "--set", f"database.url={site.url}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "prints.0.template" in listed
    assert good.tcn in listed


def test_a_duplicate_is_acknowledged_and_answered_from_the_store(site, until):
    site.enroll("criminal", 1)
    matcher = site.matcher()
    submission = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
    peer = site.peer("kiosk-1", ACKS, REPLIES)
    peer.say(SUBMIT, encode_message(submission))
    until(lambda: peer.heard(REPLIES, Reply))
    peer.say(SUBMIT, encode_message(submission))
    replies = until(lambda: (r := peer.heard(REPLIES, Reply)) and len(r) == 2 and r)
    assert replies[0] == replies[1]
    assert [a.status for a in peer.heard(ACKS, Ack)] == [AckStatus.ACCEPTED, AckStatus.DUPLICATE]
    assert matcher.output().count("msg=answered") == 1


def test_refused_is_kept_at_the_kiosk_and_not_sent_again(site, until):
    site.repositories.create("criminal")
    site.matcher()
    edge = site.edge()
    submission = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
    broken = json.loads(encode_message(submission)) | {"purpose": "curiosity"}
    spool = site.spool()
    spool.add(submission.tcn, json.dumps(broken).encode())
    until(lambda: spool.entry(submission.tcn).state is SpoolState.REFUSED)
    entry = spool.entry(submission.tcn)
    assert entry.refused_field == "purpose"
    assert spool.payload(submission.tcn) == json.dumps(broken).encode()
    site.reply(site.save(5))  # others go on
    assert edge.output().count(f'msg="submission sent" tcn={submission.tcn}') == 1


def test_matcher_killed_between_acknowledgement_and_reply(site, until):
    # Loading this many prints takes a while, in which submissions are acknowledged and none is answered.
    site.enroll("criminal", 1, *range(1000, 2500))
    site.edge()
    tcn = site.save(1)
    matcher = site.matcher(ready=False)
    until(lambda: site.spool().entry(tcn).state is SpoolState.ACKNOWLEDGED)
    matcher.kill()
    assert site.submissions.reply_to(tcn) is None, "it was faster than this test; enroll more"
    assert site.spool().payload(tcn) is None
    site.matcher()
    assert colours(site.reply(tcn)) == {"criminal": "red"}
    assert site.submissions.count()[Outcome.ANSWERED] == 1


def test_a_reply_that_nobody_could_be_given_is_told_when_the_device_is_back(site, until):
    site.enroll("criminal", 1, *range(1000, 2000))  # takes a while to load, see above
    patient = ("uplink.ask_for_reply_after_s=600", "uplink.resend_after_s=600")
    edge = site.edge("kiosk-1", *patient)
    tcn = site.save(1)
    matcher = site.matcher(ready=False)
    until(lambda: site.spool().entry(tcn).state is SpoolState.ACKNOWLEDGED)
    edge.kill()
    site.broker.kill()
    matcher.wait_for("msg=answered")
    site.broker.start()
    matcher.wait_for("msg=connected", count=2)
    assert site.spool().entry(tcn).reply is None
    site.edge("kiosk-1", *patient)
    assert colours(site.reply(tcn)) == {"criminal": "red"}


def test_puback_lets_nothing_go(site, until):
    site.repositories.create("criminal")
    listener = site.peer("listener", from_every_device(Up.SUBMISSION))
    edge = site.edge()
    tcn = site.save(1)
    until(lambda: len(listener.received) >= 2)  # taken by the broker, given to somebody, and sent again
    assert site.spool().entry(tcn).state is SpoolState.SENT
    assert site.spool().payload(tcn) is not None
    site.matcher()
    site.reply(tcn)
    assert edge.output().count(f'msg="submission acknowledged" tcn={tcn}') == 1


def test_a_reply_that_was_lost_is_asked_for(site, until):
    """Here the test is the matcher, one that acknowledges and says no more."""
    peer = site.peer("listener", from_every_device(Up.SUBMISSION), from_every_device(Up.EVENT))
    site.edge()
    tcn = site.save(1)
    until(lambda: peer.received)
    peer.say(ACKS, encode_message(Ack(tcn=tcn, status=AckStatus.ACCEPTED)))
    until(lambda: peer.heard("fp/v1/kiosk-1/up/event", ReplyWanted))
    assert peer.heard("fp/v1/kiosk-1/up/event", ReplyWanted)[0].tcn == tcn
    assert len(peer.heard(SUBMIT, made_up_submission("kiosk-1", {1: made_up_minutiae(1)}).__class__)) >= 1


def test_nonsense_from_above_does_not_stop_the_kiosk(site, until):
    site.repositories.create("criminal")
    edge = site.edge()
    peer = site.peer()
    until(lambda: "msg=connected" in edge.output())
    for payload in (b"", b"\xff", b"[]", b'{"version":1}', b"x" * 100_000):
        peer.say(ACKS, payload)
        peer.say(REPLIES, payload)
    edge.wait_for("not understood", count=10)
    site.matcher()
    site.reply(site.save(1))


def test_births_and_wills(site, until):
    matcher = site.matcher()
    edge = site.edge()
    devices = Devices(site.database)

    def state():
        return next(iter(devices.all()), None)

    born = until(state)
    assert born.state is DeviceState.ONLINE
    edge.kill()  # the broker speaks for it, a while later
    until(lambda: state().state is DeviceState.OFFLINE)
    assert state().session == born.session
    again = site.edge()
    until(lambda: state().state is DeviceState.ONLINE)
    assert state().session > born.session
    # The will of the older session, late.
    stamp = made_up_submission("kiosk-1", {1: made_up_minutiae(1)}).captured_at
    late = Status(device="kiosk-1", session=born.session, state=DeviceState.OFFLINE, since=stamp)
    site.peer().say(up("kiosk-1", Up.STATUS), encode_message(late), retain=True)
    matcher.wait_for("late device status ignored")
    assert state().state is DeviceState.ONLINE
    assert again.stop() == 0  # in order: it says itself that it goes
    until(lambda: state().state is DeviceState.OFFLINE)


@pytest.mark.parametrize("service", ["matcher", "edge"])
def test_sigterm_at_any_moment(site, service):
    site.enroll("criminal", *range(300))
    start = {"matcher": lambda: site.matcher(ready=False), "edge": site.edge}[service]
    for delay_s in (0.0, 0.1, 0.25, 0.5, 0.8, 1.3):
        if service == "edge":
            site.save(int(delay_s * 100))
        process = start()
        time.sleep(delay_s)
        began = time.monotonic()
        process.send(signal.SIGTERM)
        code = process.wait(5.0)
        assert time.monotonic() - began < 5.0
        # Before our first line is read the signal's own default ends it: nothing was said or opened yet. How long that
        # lasts is the machine's business.
        assert code == 0 or (code == -signal.SIGTERM and not process.output()), process.output()
        assert "Traceback" not in process.output()


def test_sigterm_with_no_broker_and_while_searching(quiet_site):
    site = quiet_site
    site.enroll("criminal", *range(300))
    matcher = site.matcher(ready=False)
    edge = site.edge()
    matcher.wait_for("no connection")
    edge.wait_for("no connection")
    assert matcher.stop() == 0
    assert edge.stop() == 0
    site.broker.start()
    edge = site.edge()
    tcns = [site.save(seed) for seed in range(20)]
    matcher = site.matcher()
    matcher.wait_for("msg=answered")
    assert matcher.stop() == 0
    site.matcher()
    for tcn in tcns:
        site.reply(tcn)
    assert site.submissions.count()[Outcome.ANSWERED] == 20


def test_a_broker_that_hangs(site, until):
    site.repositories.create("criminal")
    edge = site.edge("kiosk-1", "broker.connect_timeout_s=0.5")
    until(lambda: "msg=connected" in edge.output())
    edge.kill()
    os.kill(site.broker.pid, signal.SIGSTOP)  # it accepts connections, and says nothing
    try:
        edge = site.edge("kiosk-1", "broker.connect_timeout_s=0.5")
        edge.wait_for("the broker does not answer")
        tcn = site.save(1)
    finally:
        os.kill(site.broker.pid, signal.SIGCONT)
    site.matcher()
    site.reply(tcn)


def test_one_service_for_a_spool(site):
    first = site.edge()
    first.wait_for("msg=ready")
    second = site.edge()
    assert second.wait(10) == 1
    assert "already" in second.output()


def test_a_damaged_spool_is_said_and_waits_for_a_person(site):
    path = site.folder / "kiosk-1.db"
    path.write_bytes(b"not a spool" * 1000)
    for _ in range(2):
        edge = site.edge()
        assert edge.wait(10) == 1
        assert "--start-empty" in edge.output()
    assert [p.read_bytes()[:11] for p in site.folder.glob("kiosk-1.db.damaged-*")] == [b"not a spool"]
    told = site.start(
        "told",
        [*site.processes[0]._process.args[:1], "spool", "--start-empty"],
        "device=kiosk-1",
        f"spool.path={path}",
    )
    assert told.wait(10) == 0
    assert "damaged spool set aside" in told.output()
    site.edge().wait_for("msg=connected")
