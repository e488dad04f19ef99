"""Notification, retraction and challenge: who is told, when, of what, and how it is taken back. A real SQLite file."""

import importlib.machinery
import importlib.util
import sys
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from interchange.charges import ChargeClass, Disposition
from interchange.errors import MessageError
from interchange.messages import encode_message
from interchange.notices import CAUTION
from interchange.topics import Notice, from_every_subscriber, notify_topic, parse_notify
from matcher_service import notify
from matcher_service.auditing.verifying import verify
from matcher_service.notify import parameters, queueing
from matcher_service.notify.addresses import chosen, read_url
from matcher_service.notify.receipts import Verdict
from matcher_service.repositories.notice_tables import Identification, Notification, Subscriber
from matcher_service.repositories.schema import StoredSubmission

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
Centre, REPOSITORY = notify_centre.Centre, notify_centre.REPOSITORY
BOONE, CASS, ORI = notify_centre.BOONE, notify_centre.CASS, notify_centre.ORI


@pytest.fixture
def desk(monkeypatch):
    """A case desk that only notes what it is asked for."""
    asked = []
    fake = types.ModuleType("made_up_cases")
    fake.__spec__ = importlib.machinery.ModuleSpec("made_up_cases", None)
    fake.open_case = lambda _session, identification, subscriber: asked.append((identification, subscriber))
    fake.withdraw = lambda _session, identification, *, words: asked.append((identification, words))
    monkeypatch.setitem(sys.modules, "made_up_cases", fake)
    monkeypatch.setattr(queueing, "_CASES", "made_up_cases")
    return asked


@pytest.fixture
def centre(tmp_path, desk):
    made = Centre(tmp_path)
    made.desk = desk
    yield made
    made.database.close()


# -- nothing leaves without a person


@pytest.mark.parametrize(
    ("examiners", "facts", "words"),
    [
        ((), {}, "1 examiners have to agree on it, and 0 did"),
        (("one",), {"state": "excluded"}, "it is 'excluded'"),
        (("one",), {"state": "open"}, "it is 'open'"),
        (("one",), {"seeded": True}, "came from no search"),
        (("one",), {"chosen_candidate_id": 999}, "none of its candidates"),
        (("one",), {"needs_second": True}, "2 examiners have to agree"),
        (("one",), {"void": True}, "and 0 did"),
    ],
)
def test_nobody_is_told_without_the_examiners_decision(centre, examiners, facts, words):
    centre.activate()
    _, task = centre.searched()
    with pytest.raises(notify.NotConfirmed, match=words):
        centre.decide(task, *examiners, **facts)
    assert centre.deliver() == []
    assert centre.rows() == []


def test_a_hit_says_what_matched_how_strongly_who_confirmed_it_and_what_it_is_not(centre):
    centre.activate()
    tcn, task = centre.searched()
    number = centre.decide(task, "one", "two", needs_second=True)
    assert centre.decide(task, needs_second=True) == number  # again: the same, and nothing more
    (hit,) = centre.deliver()
    assert (hit.repository, hit.record, hit.tcn) == (REPOSITORY, centre.person, tcn)
    assert (hit.ori, hit.jurisdiction) == (ORI, BOONE)
    assert hit.reference.startswith("reference-")
    assert hit.strength.log10_fmr == -6.5
    assert "one in 3 million pairs of different people" in hit.strength.words
    assert hit.confirmation.examiners == 2
    assert hit.confirmation.roles == ("first_examiner", "second_examiner")
    assert hit.provenance.enrolments == 1
    assert hit.provenance.enrolled_last <= datetime.now(UTC)
    assert (hit.charge.charge_class, hit.charge.disposition) == ("felony", "charged")
    assert hit.caution == CAUTION
    assert "no finding of status or guilt" in hit.caution
    message = centre.sent[0]
    assert message.topic == "notify/v1/field-office/hit"
    for secret in (tcn, ORI, centre.person, hit.reference):
        assert secret.encode() not in message.payload
        assert secret not in message.topic


@pytest.mark.parametrize(
    ("jurisdiction", "told"), [("", True), ("US-MO", True), (BOONE, True), (CASS, False)]
)
def test_only_those_are_told_who_subscribed_to_that_repository_and_jurisdiction(centre, jurisdiction, told):
    centre.activate()
    centre.subscriber("other", jurisdiction=jurisdiction)
    centre.subscriber("nothing", subscribe=False)
    centre.subscribers.unsubscribe("field-office", REPOSITORY, by="system:test")
    centre.confirmed()
    assert [one.subscriber for one in centre.rows()] == (["other"] if told else [])


# -- held


@pytest.mark.parametrize(
    ("conditions", "booking", "because"),
    [
        (
            {"notify_dispositions": (Disposition.CONVICTED,)},
            {},
            "disposition_awaited",
        ),
        ({"notify_dispositions": (Disposition.CONVICTED,)}, {"disposition": None}, "disposition_awaited"),
        ({"notify_charge_classes": (ChargeClass.FELONY,)}, {"charge": ChargeClass.TRAFFIC}, "charge_class"),
        ({"notify_charge_classes": (ChargeClass.FELONY,)}, {"charge": None}, "charge_awaited"),
        (
            {
                "notify_charge_classes": (ChargeClass.FELONY,),
                "notify_dispositions": (Disposition.CONVICTED,),
            },
            {"charge": ChargeClass.TRAFFIC, "disposition": Disposition.CONVICTED},
            "charge_class",
        ),
    ],
)
def test_a_hit_is_held_until_charge_and_disposition_are_what_the_rule_asks(
    centre, conditions, booking, because
):
    centre.activate(**conditions)
    centre.confirmed(**booking)
    assert [(one.state, one.held_because) for one in centre.rows()] == [("held", because)]
    centre.delivery.look_around()
    assert centre.deliver() == []


def test_a_conviction_releases_what_was_deferred_and_nothing_before_it_does(centre):
    centre.activate(notify_dispositions=(Disposition.CONVICTED,))
    tcn, _ = centre.confirmed(disposition=Disposition.ARRESTED)
    centre.report(tcn, Disposition.CHARGED)
    assert centre.deliver() == []
    assert centre.desk == []
    centre.report(tcn, Disposition.CONVICTED)
    (hit,) = centre.deliver()
    assert hit.charge.disposition == "convicted"
    assert centre.desk == [(1, 1)]
    assert centre.audited("notification.release")[0]["queued"] == 1


def test_what_was_switched_off_meanwhile_does_not_leave_and_goes_once_it_is_on_again(centre):
    centre.activate()
    centre.confirmed()
    assert centre.states() == ["queued"]
    centre.register.suspend(BOONE, REPOSITORY, by="system:test", reason="withdrew")
    assert centre.deliver() == []  # asked again right before
    assert [(one.state, one.held_because) for one in centre.rows()] == [("held", "not_allowed")]
    centre.clock.later(minutes=1)
    centre.activate()
    centre.delivery.look_around()
    assert len(centre.deliver()) == 1


@pytest.mark.parametrize("how", ["disabled", "unsubscribed"])
def test_who_is_disabled_or_unsubscribed_is_told_nothing_more_but_what_takes_back(centre, how):
    centre.activate()
    _, first = centre.confirmed()
    centre.deliver()
    _, second = centre.confirmed()
    if how == "disabled":
        centre.subscribers.set_active("field-office", active=False, by="system:test")
    else:
        centre.subscribers.unsubscribe("field-office", REPOSITORY, by="system:test")
    assert centre.deliver() == []
    assert [one.state for one in centre.rows(identification_id=second)] == ["cancelled"]
    centre.retract(first)
    assert [one.kind for one in centre.deliver()] == ["retraction"]


# -- retraction


@pytest.mark.parametrize("cause", ["wrong_hit", "dismissed", "expunged", "challenge", "withdrawn"])
def test_a_retraction_goes_to_everyone_who_was_told_and_cancels_the_rest(centre, cause):
    centre.activate()
    _, number = centre.confirmed()
    (hit,) = centre.deliver()
    done = centre.retract(number, cause)
    assert (done.told, done.cancelled, done.already) == (1, 0, False)
    assert centre.retract(number, cause).already
    (back,) = centre.deliver()
    assert (back.kind, back.answers, back.cause) == ("retraction", hit.number, cause)
    assert centre.receipt(back) is Verdict.RECEIVED
    assert centre.states("retraction") == ["received"]
    centre.clock.later(days=2)
    assert centre.deliver() == []  # the hit is not sent again
    assert len(centre.audited("retraction.make")) == 1
    assert centre.desk == [(number, 1), (number, f"retracted: {cause}")]
    with centre.database.read() as session:
        assert notify.told(session, number) == ["field-office"]
        assert verify(centre.database).holds


def test_what_was_not_sent_yet_is_cancelled_without_a_word(centre):
    centre.activate()
    _, number = centre.confirmed()
    assert centre.retract(number).cancelled == 1
    assert centre.deliver() == []
    assert centre.states() == ["cancelled"]


@pytest.mark.parametrize("end", [Disposition.DISMISSED, Disposition.ACQUITTED])
@pytest.mark.parametrize("sent", [True, False])
def test_a_dismissed_charge_takes_the_hit_back(centre, end, sent):
    centre.activate()
    tcn, number = centre.confirmed()
    if sent:
        centre.deliver()
    centre.report(tcn, end)
    assert [(one.kind, one.cause) for one in centre.deliver()] == (
        [("retraction", "dismissed")] if sent else []
    )
    with centre.database.read() as session:
        assert session.get_one(Identification, number).state == "retracted"


def test_words_and_causes_that_are_none_are_refused(centre):
    centre.activate()
    _, number = centre.confirmed()
    with pytest.raises(notify.NoticeRefused, match="cause: is one of wrong_hit"):
        centre.retract(number, "because")
    with pytest.raises(notify.NoticeRefused, match="words"):
        centre.do(notify.retract, number, cause="wrong_hit", by="one", words=" ")
    with pytest.raises(notify.UnknownNotice, match="no identification '77'"):
        centre.retract(77)


# -- challenge


def challenge(centre, number):
    return centre.do(notify.open_challenge, number, by="one", grounds="I was never there")


@pytest.mark.parametrize("upheld", [True, False])
def test_a_challenge_freezes_what_is_shared_until_it_is_closed(centre, upheld):
    centre.activate()
    told = centre.subscriber("told-first")
    _, number = centre.confirmed()
    centre.connected = False
    centre.deliver()
    centre.connected = True
    with centre.database.write() as session:  # only one of the two has it
        for row in session.scalars(select(Notification).where(Notification.subscriber_id == 1)):
            row.next_at = centre.clock.now + timedelta(minutes=5)
    centre.clock.later(seconds=10)
    assert centre.delivery.send_due()
    first = centre.open(centre.sent[-1], told)
    opened = challenge(centre, number)
    with pytest.raises(notify.NoticeRefused, match="challenged already"):
        challenge(centre, number)
    centre.clock.later(minutes=10)
    assert centre.delivery.send_due()
    assert not centre.delivery.send_due()
    frozen = centre.open(centre.sent[-1], told)
    assert (frozen.kind, frozen.state, frozen.answers) == ("correction", "frozen", first.number)
    centre.delivery.look_around()
    assert centre.states() == ["held", "held"]
    assert b"never there" not in encode_message(frozen)
    before = len(centre.sent)
    centre.do(notify.close_challenge, opened, by="two", upheld=upheld, words="compared again")
    with pytest.raises(notify.NoticeRefused, match="closed already"):
        centre.do(notify.close_challenge, opened, by="two", upheld=upheld, words="compared again")
    while centre.delivery.send_due():
        pass
    kinds = sorted(m.topic.removeprefix("notify/v1/") for m in centre.sent[before:])
    if upheld:
        assert kinds == ["told-first/retraction"]
        assert centre.states() == ["cancelled", "cancelled"]
    else:
        assert kinds == ["field-office/hit", "told-first/correction", "told-first/hit"]
    assert all("never there" not in str(one) for one in centre.audited("challenge.open"))


# -- receipts


def test_it_is_sent_again_until_its_receipt_is_there_and_then_no_more(centre):
    centre.activate()
    centre.confirmed()
    (hit,) = centre.deliver()
    assert centre.deliver() == []
    centre.clock.later(seconds=6)
    assert centre.deliver() == [hit]  # the same number, the same words
    centre.clock.later(minutes=5)
    assert centre.receipt(hit) is Verdict.RECEIVED
    assert centre.receipt(hit) is Verdict.DUPLICATE
    assert centre.deliver() == []
    (row,) = centre.rows()
    assert (row.state, row.via, row.attempts) == ("received", "topic", 2)


def test_forged_and_malformed_receipts_are_refused_and_the_audit_says_so(centre, caplog):
    centre.activate()
    other = centre.subscriber("other")
    tcn, _ = centre.confirmed()
    before = len(centre.sent)
    centre.delivery.send_due()
    hit = next(centre.open(m) for m in centre.sent[before:] if "field-office" in m.topic)
    topic = notify_topic("field-office", Notice.RECEIPT)
    assert centre.receipt(hit, signer=other.signing) is Verdict.REFUSED  # another's key
    assert centre.receipt(hit, agency=other) is Verdict.REFUSED  # another's message
    assert centre.receipt(hit, content_sha256="0" * 64) is Verdict.REFUSED  # not what was sent
    assert centre.receipt(hit, number="0" * 32) is Verdict.REFUSED
    assert centre.receipt(hit, topic="notify/v1/nobody/receipt") is Verdict.REFUSED
    for topic_of, payload in (
        (topic, b""),
        (topic, b"{}"),
        (topic, b"\xd8\x60" + b"\xff" * 50),
        ("notify/v1/field-office/hit", b""),
        ("notify/v1/a/b/c", b""),
    ):
        assert centre.delivery.take_receipt(topic_of, payload) is Verdict.REFUSED
    assert set(centre.states()) == {"sent"}
    assert centre.delivery.counts["refused"] == 10
    assert centre.audited("notification.receipt-refused")
    assert tcn not in caplog.text
    assert centre.receipt(hit) is Verdict.RECEIVED


def test_what_has_no_receipt_in_time_is_told_to_people_and_in_the_end_kept_as_dead(centre):
    centre.activate()
    _, _ = centre.confirmed()
    (hit,) = centre.deliver()
    centre.clock.later(hours=5)
    centre.delivery.look_around()
    centre.delivery.look_around()
    assert centre.delivery.counts["overdue"] == 1
    assert centre.rows()[0].overdue
    for _ in range(parameters.LEAST_ATTEMPTS):
        centre.clock.later(days=1)
        centre.deliver()
    centre.clock.later(days=1)
    assert centre.deliver() == []
    assert centre.states() == ["dead"]
    centre.do(notify.resend, hit.number, by="one")
    assert centre.deliver() == [hit]
    assert centre.receipt(hit) is Verdict.RECEIVED
    assert len(centre.audited("notification.dead")) == 1


# -- clock, crash, connection


def test_a_clock_that_jumps_neither_stalls_nor_kills_a_notification(centre):
    centre.activate()
    centre.clock.later(days=30)
    centre.confirmed()
    (hit,) = centre.deliver()
    centre.clock.later(days=-20)
    assert centre.deliver() == [hit]
    centre.clock.later(days=4000)
    assert centre.deliver() == [hit]
    assert centre.states() == ["sent"]


def test_without_a_connection_nothing_counts_as_told(centre):
    centre.activate()
    _, number = centre.confirmed()
    centre.connected = False
    assert centre.deliver() == []
    (row,) = centre.rows()
    assert (row.state, row.attempts, row.sent_at) == ("queued", 0, None)
    assert centre.retract(number).told == 0


def test_what_a_crash_left_unsent_goes_out_under_the_same_number(centre):
    centre.activate()
    _, number = centre.confirmed()

    def crash(_):
        raise KeyboardInterrupt

    centre.delivery._publish = crash
    with pytest.raises(KeyboardInterrupt):
        centre.delivery.send_due()
    (row,) = centre.rows()
    assert row.state == "sent"  # perhaps it went; whoever takes it back asks everyone
    centre.delivery._publish = centre._publish
    centre.clock.later(seconds=6)
    (hit,) = centre.deliver()
    assert hit.number == row.number
    assert centre.retract(number).told == 1


def test_without_a_key_of_ours_a_notification_waits_and_with_a_broken_one_of_theirs_it_is_listed(centre):
    centre.activate()
    centre.confirmed()
    keys = centre.keys

    class NoKey:
        def signing(self):
            raise notify.NoticeRefused("key", "is gone")

    centre.delivery._keys = NoKey()
    assert centre.deliver() == []
    assert (centre.states(), centre.rows()[0].sent_at) == (["queued"], None)
    centre.delivery._keys = keys
    with centre.database.write() as session:
        session.get_one(Subscriber, 1).sealing_pem = "broken"
    centre.clock.later(minutes=1)
    assert centre.deliver() == []
    assert centre.states() == ["failed"]
    assert centre.rows()[0].overdue


def test_a_busy_webhook_holds_nobody_else_up(centre):
    centre.activate()
    other = centre.subscriber("other", webhook_url="https://cases.agency.example/in")
    centre.confirmed()
    centre.webhooks.full = {1}
    while centre.delivery.send_due():
        pass
    assert {m.topic for m in centre.sent} == {"notify/v1/other/hit"}
    (post,) = centre.webhooks.posts
    assert post.secret.decode() == other.secret
    assert "agency.example" not in repr(post)
    centre.delivery._posted(post, "answered 500")
    assert centre.rows(subscriber="other")[0].state == "sent"
    centre.delivery._posted(post, "")
    assert (centre.rows(subscriber="other")[0].state, centre.rows(subscriber="other")[0].via) == (
        "received",
        "webhook",
    )


def test_an_identity_that_is_gone_is_never_told_of(centre):
    centre.activate()
    _, number = centre.confirmed()
    with centre.database.write() as session:
        session.get_one(Identification, number).identity_id = None
    assert centre.deliver() == []
    assert centre.states() == ["cancelled"]
    with centre.database.read() as session:
        assert session.scalar(select(StoredSubmission.id)) is not None


# -- topics and addresses


def test_topics_of_notification_are_built_and_read_strictly():
    assert notify_topic("field-office", Notice.HIT) == "notify/v1/field-office/hit"
    assert parse_notify("notify/v1/a/receipt").kind is Notice.RECEIPT
    assert from_every_subscriber(Notice.RECEIPT, share="m") == "$share/m/notify/v1/+/receipt"
    for wrong in (
        "notify/v1/a",
        "notify/v1/a/b",
        "notify/v1/A/hit",
        "notify/v2/a/hit",
        "notify/v1//hit",
        "x" * 99,
    ):
        with pytest.raises(MessageError):
            parse_notify(wrong)
    with pytest.raises(MessageError):
        notify_topic("a/b", Notice.HIT)


@pytest.mark.parametrize(
    "url",
    [
        "http://cases.agency.example/in",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fd00::1]/",
        "https://user:secret@cases.agency.example/",
        "https://cases.agency.example/#x",
        "https://cases.agency.example:99999/",
        "ftp://cases.agency.example/",
        "https://",
        "https://a b/",
        "https://x/" + "y" * 500,
    ],
)
def test_a_webhook_leads_to_a_public_address_over_https_or_is_refused(url):
    with pytest.raises(notify.NoticeRefused) as refused:
        read_url(url)
    assert "secret" not in str(refused.value)


def test_every_address_that_a_name_leads_to_is_looked_at():
    assert chosen(["93.184.216.34"]) == ["93.184.216.34"]
    assert chosen(["10.1.2.3"], networks=("10.1.0.0/16",)) == ["10.1.2.3"]
    for wrong in (["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"], ["0.0.0.0"], ["100.64.0.1"], []):
        with pytest.raises(notify.NoticeRefused):
            chosen(wrong)
    assert read_url("http://127.0.0.1:8080/x", networks=("127.0.0.0/8",)).at("127.0.0.1") == (
        "http://127.0.0.1:8080/x"
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "Field"}, "a-z"),
        ({"name": "matcher-9"}, "centre's own"),
        ({"ori": "MO9999999"}, "not in the register"),
        ({"sealing_pem": "nonsense"}, "sealing key: this is no public key"),
        ({"webhook_url": "https://10.0.0.1/"}, "private address"),
        ({"name": "field-office"}, "already"),
    ],
)
def test_a_subscriber_that_cannot_be_is_refused(centre, changed, words):
    agency = notify_centre.Agency("new")
    given = {
        "name": "new",
        "words": "New",
        "ori": ORI,
        "sealing_pem": agency.sealing.public.pem.decode(),
        "signing_pem": agency.signing.public.pem.decode(),
    } | changed
    with pytest.raises(notify.NotifyError, match=words):
        centre.subscribers.add(given.pop("name"), **given, by="system:test")
    assert [one.name for one in centre.subscribers.all()] == ["field-office"]
