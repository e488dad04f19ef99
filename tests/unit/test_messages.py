import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.errors import MessageError
from interchange.messages import (
    MAX_PAYLOAD_BYTES,
    Ack,
    AckStatus,
    CaptureFault,
    CaptureProblem,
    CaptureTime,
    Colour,
    DeviceState,
    Reason,
    Reply,
    ReplyWanted,
    RepositoryReply,
    Status,
    Submission,
    decode_message,
    encode_message,
)

TCN = "kiosk-1.01HF7YAT00Z7X8ZF9B2AHC5HD1"
STAMP = CaptureTime(
    clock=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), synchronised=True, boot_id="ab-1", monotonic_ms=12
)
MESSAGES = [
    made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)}, tcn=TCN),
    Ack(tcn=TCN, status=AckStatus.ACCEPTED),
    Ack(tcn=None, status=AckStatus.REFUSED, reason=Reason(field="prints.0.position", reason="11 of 10")),
    Reply(
        tcn=TCN,
        answered_at=STAMP.clock,
        repositories=(
            RepositoryReply(name="criminal", colour=Colour.RED, candidates=("abcdefgh1",)),
            RepositoryReply(name="immigration", colour=Colour.YELLOW, failed=True),
        ),
        timings_ms={"waiting": 0.5, "search.criminal": 12.25},
    ),
    Status(device="kiosk-1", session=3, state=DeviceState.ONLINE, since=STAMP),
    ReplyWanted(device="kiosk-1", tcn=TCN),
]


def tree():
    return json.loads(encode_message(MESSAGES[0]))


def refused(changed, model=Submission):
    payload = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    with pytest.raises(MessageError) as caught:
        decode_message(model, payload)
    return caught.value


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_round_trip(message):
    assert decode_message(type(message), encode_message(message)) == message


def test_capture_problems_travel_and_are_left_out_where_there_are_none():
    reply = MESSAGES[3]
    assert b"capture_problems" not in encode_message(reply)
    problem = CaptureProblem(
        fault=CaptureFault.SAME_FINGER_TWICE, positions=(2, 7), advice="Take both fingers again."
    )
    slipped = reply.model_copy(update={"capture_problems": (problem,)})
    sent = json.loads(encode_message(slipped))
    assert sent["capture_problems"] == [
        {"fault": "same_finger_twice", "positions": [2, 7], "advice": "Take both fingers again."}
    ]
    assert decode_message(Reply, encode_message(slipped)) == slipped
    sent["capture_problems"][0]["positions"] = [2, 11]
    assert refused(sent, Reply).field == "capture_problems.0.positions.1"


def test_the_json_is_what_is_documented():
    sent = tree()
    assert list(sent) == ["version", "tcn", "device", "captured_at", "purpose", "extractor", "prints"]
    assert sent["version"] == 1
    assert sent["prints"][0]["position"] == 2
    assert base64.b64decode(sent["prints"][0]["template"]).startswith(b"FMR\0 20\0")
    assert sent["captured_at"]["clock"].endswith("Z")


def test_the_models_version_travels_and_an_older_kiosk_without_one_is_read():
    sent = tree()
    sent["extractor"]["version"] = "3.0"
    assert decode_message(Submission, json.dumps(sent).encode()).extractor.version == "3.0"
    del sent["extractor"]["version"]
    assert decode_message(Submission, json.dumps(sent).encode()).extractor.version is None


def test_ten_full_prints_fit_a_payload():
    full = {p: made_up_minutiae(p, count=255) for p in range(1, 11)}
    assert len(encode_message(made_up_submission("kiosk-1", full))) < MAX_PAYLOAD_BYTES / 2


MALFORMED = {
    "version": [("version", 2), ("version", "1"), ("version", None), ("version", True)],
    "tcn": [("tcn", 5), ("tcn", "x"), ("tcn", "kiosk-2.01HF7YAT00Z7X8ZF9B2AHC5HD1"), ("tcn", None)],
    "device": [("device", "Kiosk"), ("device", "a/b"), ("device", ["kiosk-1"])],
    "purpose": [("purpose", "curiosity"), ("purpose", 1)],
    "extractor": [("extractor", None), ("extractor", "whorl")],
    "extractor.sha256": [("extractor.sha256", "0" * 63), ("extractor.sha256", "G" * 64)],
    "extractor.name": [("extractor.name", ""), ("extractor.name", "x" * 65)],
    "extractor.version": [("extractor.version", v) for v in ("", "3", "3.0-rc1", "3.0.0.0", 3.0, "3.0\n")],
    "captured_at.clock": [
        ("captured_at.clock", "yesterday"),
        ("captured_at.clock", "2026-01-02T03:04:05"),
        ("captured_at.clock", "0001-01-01T00:00:00+14:00"),
        ("captured_at.clock", "9999-12-31T23:59:59-14:00"),
        ("captured_at.clock", {}),
    ],
    "captured_at.synchronised": [("captured_at.synchronised", 1), ("captured_at.synchronised", "true")],
    "captured_at.boot_id": [("captured_at.boot_id", ""), ("captured_at.boot_id", "x" * 37)],
    "captured_at.monotonic_ms": [
        ("captured_at.monotonic_ms", -1),
        ("captured_at.monotonic_ms", 1.5),
        ("captured_at.monotonic_ms", 2**53),
        ("captured_at.monotonic_ms", "1"),
    ],
    "prints": [("prints", []), ("prints", {}), ("prints", None)],
    "prints.0.position": [("prints.0.position", 11), ("prints.0.position", -1), ("prints.0.position", 2.0)],
    "prints.1.finger_quality": [("prints.1.finger_quality", 101), ("prints.1.finger_quality", None)],
    "prints.0.image_sha256": [("prints.0.image_sha256", v) for v in ("", "0" * 63, "G" * 64, 5)],
    "prints.0.template": [
        ("prints.0.template", "not base64!"),
        ("prints.0.template", ""),
        ("prints.0.template", "QUJD"),
        ("prints.0.template", "A" * 8000),
        ("prints.0.template", 7),
    ],
}


@pytest.mark.parametrize(
    ("field", "path", "value"), [(f, p, v) for f, cases in MALFORMED.items() for p, v in cases]
)
def test_a_malformed_field_is_named(field, path, value):
    changed = tree()
    place = changed
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        place = place[step]
    place[last] = value
    assert refused(changed).field == field


@pytest.mark.parametrize(
    "field", ["version", "tcn", "device", "captured_at", "purpose", "extractor", "prints"]
)
def test_a_missing_field_is_named(field):
    changed = tree()
    del changed[field]
    assert refused(changed).field == field


def test_an_unknown_field_is_refused_and_its_name_made_harmless():
    changed = tree() | {"na\x1b[31mme" + "x" * 500: 1}
    error = refused(changed)
    assert error.field.startswith("na?[31mme")
    assert len(error.field) <= 40


def test_the_same_finger_twice_is_refused():
    changed = tree()
    changed["prints"][1]["position"] = 2
    assert refused(changed).field == "prints"


def test_two_fingers_of_unknown_position_are_not():
    changed = tree()
    for one in changed["prints"]:
        one["position"] = 0
    decode_message(Submission, json.dumps(changed).encode())


def test_eleven_prints_are_refused():
    changed = tree()
    changed["prints"] = [changed["prints"][0] | {"position": 0}] * 11
    assert refused(changed).field == "prints"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{",
        b"[" * 60_000,
        b'{"version":' + b"9" * 20_000 + b"}",
        b'{"version":NaN}',
        bytes(range(256)),
        b"x" * (MAX_PAYLOAD_BYTES + 1),
    ],
    ids=range(10),
)
def test_what_is_no_message_at_all(payload):
    refused(payload)


def test_errors_repeat_nothing_of_a_print():
    changed = tree()
    secret = base64.b64encode(b"SECRETMINUTIAE" * 200).decode()
    changed["prints"][0]["template"] = secret + "!"
    assert secret[:12] not in str(refused(changed))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_payloads_raise_nothing_but_message_errors(data):
    payload = bytearray(encode_message(MESSAGES[0]))
    for _ in range(data.draw(st.integers(1, 6))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    for changed in (bytes(payload), bytes(payload[:cut])):
        with contextlib.suppress(MessageError):
            decode_message(Submission, changed)


def test_times_are_kept_in_utc():
    east = timezone(timedelta(hours=5))
    stamp = CaptureTime(
        clock=datetime(2026, 1, 1, 2, 0, tzinfo=east), synchronised=False, boot_id="a", monotonic_ms=0
    )
    assert stamp.clock.isoformat() == "2025-12-31T21:00:00+00:00"


def test_messages_are_frozen():
    with pytest.raises(ValidationError):
        MESSAGES[1].status = AckStatus.REFUSED


def test_a_refusal_has_a_reason_and_nothing_else_has():
    with pytest.raises(ValidationError):
        Ack(tcn=TCN, status=AckStatus.REFUSED)
    with pytest.raises(ValidationError):
        Ack(tcn=TCN, status=AckStatus.ACCEPTED, reason=Reason(field="x", reason="y"))


@pytest.mark.parametrize("colour", [Colour.GREEN, Colour.RED])
def test_a_search_that_failed_is_yellow(colour):
    with pytest.raises(ValidationError):
        RepositoryReply(name="criminal", colour=colour, failed=True)


def test_the_largest_reply_fits():
    timings = {f"s{'x' * 60}{i:02}": 1.0 for i in range(64)}
    names = tuple(
        RepositoryReply(name=f"r{i}", colour=Colour.RED, candidates=tuple(f"{j:064}" for j in range(20)))
        for i in range(16)
    )
    reply = Reply(tcn=TCN, answered_at=STAMP.clock, repositories=names, timings_ms=timings)
    assert len(encode_message(reply)) < MAX_PAYLOAD_BYTES


def test_a_payload_beyond_the_limit_is_refused_unread():
    big = {p: made_up_minutiae(p) for p in range(1, 11)}
    submission = made_up_submission("kiosk-1", big)
    swollen = submission.model_copy(
        update={"prints": tuple(p.model_copy(update={"template": b"x" * 9000}) for p in submission.prints)}
    )
    with pytest.raises(MessageError, match="at most"):
        encode_message(swollen)
