"""Frames found in a record of the board's link: named, numbered, damage told."""

import pytest
from typer.testing import CliRunner

from edge_service.sensors.board.checks import Checks
from firmware.core import codes
from firmware.core.framing import HEADER_BYTES, FrameWriter
from hardware.bench.link_frames import app, lines_of
from hardware.bench.trace import DOWN, TOLD, UP, Entry, Trace, TraceWriter

KEY = bytes(32)


def frame(kind, sequence, counter, body=b""):
    writer = FrameWriter(Checks())
    writer.begin(kind, sequence, counter)
    writer.plain[HEADER_BYTES : HEADER_BYTES + len(body)] = body
    end = writer.finish(len(body), KEY)
    return bytes(writer.wire[:end])


def found_in(*entries):
    return list(lines_of(Trace(entries=list(entries))))


def test_a_request_and_its_answer():
    ask, answer = found_in(
        Entry(1.0, DOWN, frame(codes.STATUS, 7, 1)),
        Entry(2.5, UP, frame(codes.STATUS + codes.ANSWER, 7, 4, b"\0")),
    )
    assert (ask.way, ask.name, ask.sequence, ask.counter, ask.body_bytes) == (DOWN, "STATUS", 7, 1, 0)
    assert (answer.way, answer.name, answer.counter, answer.body_bytes) == (UP, "STATUS's answer", 4, 1)
    assert str(ask).startswith("->")
    assert str(answer).startswith("<-")


@pytest.mark.parametrize("size", [1, 7, 64])
def test_frames_in_pieces_are_put_together(size):
    data = frame(codes.EVENT_CHUNK, 0, 9, bytes(260)) + frame(codes.EVENT_STATE, 0, 10, bytes(4))
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = found_in(*(Entry(float(number), UP, piece) for number, piece in enumerate(pieces)))
    assert [line.name for line in found] == ["EVENT_CHUNK", "EVENT_STATE"]
    assert found[-1].at_ms == len(pieces) - 1


def test_every_kind_of_message_has_its_name():
    for name in ("IDENTIFY", "PAIR", "GET_CHUNKS", "UPDATE_WRITE", "EVENT_TAMPER"):
        (line,) = found_in(Entry(0.0, DOWN, frame(getattr(codes, name), 1, 1)))
        assert line.name == name


def test_a_message_of_a_later_version_is_told_by_its_number():
    (line,) = found_in(Entry(0.0, DOWN, frame(0x3E, 1, 1)))
    assert line.name == "type 3E"


def test_a_damaged_frame_is_told_and_the_next_one_found():
    broken = bytearray(frame(codes.STATUS, 1, 1))
    broken[20] ^= 0x40
    damaged, good = found_in(Entry(0.0, DOWN, bytes(broken)), Entry(1.0, DOWN, frame(codes.CANCEL, 2, 2)))
    assert not damaged.whole
    assert damaged.name.startswith("damaged: ")
    assert good.name == "CANCEL"


def test_half_a_frame_before_the_cable_was_pulled_spoils_nothing():
    half = frame(codes.STATUS, 1, 1)[:20]
    told, good = found_in(
        Entry(0.0, DOWN, half), Entry(1.0, TOLD, text="gone"), Entry(2.0, DOWN, frame(codes.STATUS, 1, 2))
    )
    assert told.name == "gone"
    assert good.whole


def test_the_program_lists_a_file_and_shows_no_body(tmp_path):
    path = tmp_path / "record.jsonl"
    with TraceWriter(path, note="of a test") as writer:
        writer.add(Entry(0.0, DOWN, frame(codes.PAIR, 3, 1, b"secret-key-of-thirty-two-bytes-x")))
    shown = CliRunner().invoke(app, [str(path)])
    assert shown.exit_code == 0
    assert "of a test" in shown.output
    assert "PAIR" in shown.output
    assert "secret" not in shown.output
    assert b"secret".hex() not in shown.output


def test_a_file_that_is_no_record_is_refused_in_words(tmp_path):
    path = tmp_path / "x"
    path.write_text("hello")
    shown = CliRunner().invoke(app, [str(path)])
    assert shown.exit_code == 2
    assert "no trace" in shown.output
