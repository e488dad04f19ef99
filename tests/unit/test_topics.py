import pytest
from hypothesis import given
from hypothesis import strategies as st

from interchange import topics
from interchange.errors import MessageError
from interchange.tcn import check_tcn, device_of, new_tcn
from interchange.topics import Down, Topic, Up


@pytest.mark.parametrize("kind", Up)
def test_up_topics_round_trip(kind):
    topic = topics.up("kiosk-7", kind)
    assert topic == f"fp/v1/kiosk-7/up/{kind.value}"
    assert topics.parse(topic) == Topic("kiosk-7", kind)


@pytest.mark.parametrize("kind", Down)
def test_down_topics_round_trip(kind):
    topic = topics.down("mo-boone-01", kind)
    assert topic == f"fp/v1/mo-boone-01/down/{kind.value}"
    assert topics.parse(topic) == Topic("mo-boone-01", kind)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "+",
        "#",
        "a/b",
        "Kiosk",
        "kiosk 1",
        "-kiosk",
        "kiosk-",
        "k\n",
        "k\x00",
        "kiösk",
        "$share",
        "a" * 33,
    ],
)
def test_names_that_no_device_has(name):
    with pytest.raises(MessageError, match="1 to 32"):
        topics.up(name, Up.SUBMISSION)


def test_the_longest_and_the_shortest_name():
    assert topics.check_device("a" * 32) == "a" * 32
    assert topics.check_device("7") == "7"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "fp/v1/kiosk-1",
        "fp/v2/kiosk-1/up/submission",
        "fp/v1/kiosk-1/up/submission/x",
        "fp/v1/kiosk-1/sideways/submission",
        "fp/v1/kiosk-1/up/ack",
        "fp/v1/kiosk-1/down/submission",
        "fp/v1/+/up/submission",
        "fp/v1/kiosk-1/up/submission\n",
        "/fp/v1/kiosk-1/up/submission",
        "x" * 70_000,
    ],
)
def test_topics_that_are_refused(topic):
    with pytest.raises(MessageError):
        topics.parse(topic)


@given(st.text(max_size=100))
def test_parsing_raises_nothing_else(topic):
    try:
        parsed = topics.parse(topic)
    except MessageError:
        return
    build = topics.up if isinstance(parsed.kind, Up) else topics.down
    assert build(parsed.device, parsed.kind) == topic


def test_shared_subscription():
    assert topics.from_every_device(Up.SUBMISSION) == "fp/v1/+/up/submission"
    assert topics.from_every_device(Up.EVENT, share="matcher") == "$share/matcher/fp/v1/+/up/event"


def test_tcns_are_unique_and_say_who_made_them():
    made = {new_tcn("kiosk-1", now_ms=1_700_000_000_000) for _ in range(2000)}
    assert len(made) == 2000
    assert {device_of(tcn) for tcn in made} == {"kiosk-1"}


def test_tcns_sort_by_age():
    earlier = new_tcn("k", now_ms=1_700_000_000_000)
    later = new_tcn("k", now_ms=1_700_000_000_001)
    assert earlier < later


@pytest.mark.parametrize("now_ms", [-5, 0, 2**60])
def test_no_clock_is_too_wrong_for_a_tcn(now_ms):
    check_tcn(new_tcn("k", now_ms=now_ms))


@pytest.mark.parametrize(
    "tcn",
    [
        "",
        "kiosk-1",
        "kiosk-1.",
        "kiosk-1.01HF7YAT00Z7X8ZF9B2AHC5HD",  # one short
        "kiosk-1.81HF7YAT00Z7X8ZF9B2AHC5HD1",  # more than 128 bits
        "kiosk-1.01HF7YAT00Z7X8ZF9B2AHC5HDI",  # Crockford has no I
        "Kiosk.01HF7YAT00Z7X8ZF9B2AHC5HD1",
        "kiosk-1.01HF7YAT00Z7X8ZF9B2AHC5HD1\n",
        ".01HF7YAT00Z7X8ZF9B2AHC5HD1",
    ],
)
def test_what_is_no_tcn(tcn):
    with pytest.raises(MessageError, match="tcn"):
        device_of(tcn)
