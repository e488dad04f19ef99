"""What follows the first reply: kept by the spool, taken by the uplink, shown by the kiosk."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from edge_service import parameters
from edge_service.clock import SystemClock
from edge_service.kiosk import answer
from edge_service.kiosk.answer import answer_of
from edge_service.settings import UplinkSettings
from edge_service.spool import Spool, SpoolState
from edge_service.uplink import Uplink
from edge_service.uplink_news import UplinkNews
from interchange.link_protocol import Incoming
from interchange.messages import Colour, Reply, RepositoryReply, encode_message
from interchange.settings import BrokerSettings

TCN = "kiosk-1.01M81SQ8GJ5GD9YN21AHB5YAQF"
START = datetime(2030, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool.db", device="kiosk-1") as opened:
        opened.add(TCN, b"prints")
        yield opened


def reply(stage="second", *, after_s=0, **said):
    said = {"repositories": (), "timings_ms": {}} | said
    return encode_message(Reply(tcn=TCN, stage=stage, answered_at=START + timedelta(seconds=after_s), **said))


def first(**said):
    criminal = RepositoryReply(name="criminal", colour=Colour.GREEN)
    return reply("first", repositories=(criminal,), to_follow=("immigration",), **said)


def said(colour, *, after_s=1, **more):
    row = RepositoryReply(name="immigration", colour=colour, **more)
    return reply(after_s=after_s, repositories=(row,), words="x")


def taken_back(*, after_s=2):
    return reply(after_s=after_s, taken_back=("immigration",), words="x")


def test_the_spool_keeps_them_beside_the_first_and_sealed(tmp_path, spool):
    assert spool.keep_second(TCN, b"SECRET-SECOND")  # before the first, which was lost on its way
    assert not spool.keep_second(TCN, b"SECRET-SECOND")
    assert not spool.keep_second("kiosk-1.unknown", b"x")
    assert spool.entry(TCN).state is SpoolState.QUEUED
    spool.acknowledge(TCN)
    assert spool.awaiting_reply() == [TCN]  # the first is still asked for
    spool.keep_reply(TCN, b"first")
    assert spool.keep_second(TCN, b"another")
    assert spool.entry(TCN).seconds == (b"SECRET-SECOND", b"another")
    assert spool.entry(TCN).reply == b"first"
    spool.close()
    assert b"SECRET-SECOND" not in (tmp_path / "spool.db").read_bytes()
    with Spool(tmp_path / "spool.db", device="kiosk-1") as again:
        assert again.entry(TCN).seconds == (b"SECRET-SECOND", b"another")
        assert again.reseal() == 2
        again._file.connection.execute("UPDATE submission SET second = x'00'")
        assert again.entry(TCN).seconds == ()  # damaged: forgotten, the rest is untouched
        assert again.entry(TCN).reply == b"first"
        assert again.keep_second(TCN, b"another")


def test_only_so_many_are_kept(spool):
    for number in range(parameters.KEPT_SECOND_REPLIES + 3):
        spool.keep_second(TCN, b"%d" % number)
    kept = spool.entry(TCN).seconds
    assert (len(kept), kept[0]) == (parameters.KEPT_SECOND_REPLIES, b"3")


def test_the_uplink_takes_them_by_stage(spool):
    news = []
    uplink = Uplink(
        spool=spool,
        device="kiosk-1",
        broker=BrokerSettings(),
        settings=UplinkSettings(),
        clock=SystemClock(store=spool),
        events=news.append,
    )
    topic = "fp/v1/kiosk-1/down/reply"
    for payload in (said(Colour.RED), first(), first(after_s=9), said(Colour.RED)):
        uplink.on_message(Incoming(topic, payload))
    assert [one.news for one in news] == [UplinkNews.REPLIED_AGAIN, UplinkNews.REPLIED]
    assert spool.entry(TCN).reply == first()
    assert spool.entry(TCN).seconds == (said(Colour.RED),)


@pytest.mark.parametrize(
    ("came", "kind"),
    [
        ([], answer.TO_FOLLOW),
        ([said(Colour.RED)], answer.MATCH),
        ([said(Colour.GREEN)], answer.NO_MATCH),
        ([said(Colour.YELLOW)], answer.UNDECIDED),
        # Passed on by a state bureau: a search elsewhere that nobody has looked at is no examiner's word.
        ([said(Colour.RED, candidates=("a" * 12,))], answer.FOUND),
        ([said(Colour.YELLOW, candidates=("a" * 12,))], answer.FOUND),
        ([said(Colour.YELLOW, failed=True)], answer.TO_FOLLOW),
        ([reply(not_searched=("immigration",))], answer.NO_MORE),
        ([said(Colour.RED), taken_back()], answer.TAKEN_BACK),
        ([taken_back(), said(Colour.RED)], answer.TAKEN_BACK),  # the older came last
        ([b"not to be read"], answer.TO_FOLLOW),
    ],
)
def test_the_kiosk_shows_what_was_said_last(spool, came, kind):
    spool.acknowledge(TCN)
    spool.keep_reply(TCN, first())
    for payload in came:
        spool.keep_second(TCN, payload)
    shown = answer_of(spool.entry(TCN), None)
    assert [(one.repository, one.kind) for one in shown.seconds] == [("immigration", kind)]
    assert (shown.second, shown.gravest, shown.delivery) == (kind, answer.NONE, answer.ANSWERED)
    assert not shown.final  # it can still come, or be taken back


def test_without_any_it_is_as_before(spool):
    spool.acknowledge(TCN)
    spool.keep_reply(TCN, reply("first", repositories=(RepositoryReply(name="criminal", colour=Colour.RED),)))
    shown = answer_of(spool.entry(TCN), None)
    assert (shown.seconds, shown.second, shown.final) == ((), "", True)


def test_a_missing_reply_is_asked_for_with_growing_pauses_until_it_comes(spool, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("edge_service.uplink.time", SimpleNamespace(monotonic=lambda: now[0]))
    uplink = Uplink(
        spool=spool,
        device="kiosk-1",
        broker=BrokerSettings(),
        settings=UplinkSettings(),
        clock=SystemClock(store=spool),
    )
    asked = []
    monkeypatch.setattr(uplink._link, "publish", lambda sent: asked.append((now[0], sent)))
    spool.acknowledge(TCN)
    for _ in range(1200):
        uplink._ask_for_replies(now[0])
        now[0] += 1.0
    pauses = [b - a for (a, _), (b, _) in itertools.pairwise(asked)]
    assert 18 <= pauses[0] <= 32
    assert all(a <= b or a >= parameters.ASK_AT_MOST_AFTER_S for a, b in itertools.pairwise(pauses))
    most_s = parameters.ASK_AT_MOST_AFTER_S * (1 + parameters.RESEND_JITTER) + 2
    assert parameters.ASK_AT_MOST_AFTER_S <= max(pauses) <= most_s
    uplink._session = 1
    uplink.on_connected()  # a new connection begins anew
    asked.clear()
    for _ in range(60):
        uplink._ask_for_replies(now[0])
        now[0] += 1.0
    assert len(asked) == 2
    uplink.on_message(Incoming("fp/v1/kiosk-1/down/reply", first()))
    now[0] += 10_000
    uplink._ask_for_replies(now[0])
    assert len(asked) == 2
