"""Recorded wires: the file, what is taken out of it, and how questions are matched."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.sensors.zfm_codes import Instruction, Pid
from edge_service.sensors.zfm_frame import (
    Damage,
    FrameParser,
    Packet,
    acknowledgement,
    command,
    data_packets,
)
from hardware.bench.finger_images import pack_image
from hardware.bench.trace import DOWN, TOLD, UP, Entry, Trace, TraceError, TraceWriter, read_trace
from hardware.bench.trace_cleaning import Cleaner, made_up_print
from hardware.bench.trace_script import TraceScript

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '{"whorl_wire_trace":1,"model":"R503","contents":"synthetic","note":"n"}\n'
PRINT = random.Random(1).randbytes(18_432)
LOOK, TAKE = command(Instruction.GEN_IMG), command(Instruction.UP_IMAGE)


def cleaned(data: bytes, *, pieces: int = 1) -> bytes:
    cleaner = Cleaner(width=192, height=192)
    size = max(len(data) // pieces, 1)
    out = [p for i in range(0, len(data), size) for p in cleaner.feed(float(i), data[i : i + size])]
    return b"".join(part for _, part in [*out, *cleaner.flush()])


def packets_of(data: bytes) -> list[Packet | Damage]:
    return FrameParser().feed(data)


# -- the file


def test_a_trace_is_read_as_it_was_written(tmp_path: Path):
    entries = [Entry(0.5, TOLD, text="back"), Entry(1.25, DOWN, b"\x00\xff"), Entry(3.0, UP, b"\xef\x01")]
    with TraceWriter(tmp_path / "t", model="R503", note="why") as writer:
        for entry in entries:
            writer.add(entry)
    assert read_trace(tmp_path / "t") == Trace("R503", real_contents=False, note="why", entries=entries)
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600


def test_a_trace_with_prints_says_so(tmp_path: Path):
    with TraceWriter(tmp_path / "t", real_contents=True):
        pass
    assert "FINGERPRINT" in (tmp_path / "t").read_text()
    assert read_trace(tmp_path / "t").real_contents


def test_entries_are_sorted_by_time(tmp_path: Path):
    (tmp_path / "t").write_text(HEAD + '[3,"up","03"]\n[1,"down","01"]\n\n[3,"up","04"]\n')
    assert [e.data for e in read_trace(tmp_path / "t").entries] == [b"\1", b"\3", b"\4"]


def test_no_file_is_written_over(tmp_path: Path):
    (tmp_path / "t").write_text("precious")
    with pytest.raises(TraceError, match="name a new file"):
        TraceWriter(tmp_path / "t")
    assert (tmp_path / "t").read_text() == "precious"


def test_a_full_file_stays_readable(tmp_path: Path):
    with TraceWriter(tmp_path / "t", most_bytes=60_000) as writer:
        for number in range(1000):
            writer.add(Entry(float(number), UP, bytes(100)))
        assert writer.full
    assert (tmp_path / "t").stat().st_size < 60_000
    assert read_trace(tmp_path / "t").entries[-1].text == "full"


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ("", "no trace", 1),
        ("[1,2]\n", "no trace", 1),
        ('{"whorl_wire_trace":2}\n', "version 2", 1),
        (HEAD + "nonsense\n", "damaged", 2),
        (HEAD + '[1,"up","00"]\n[1,"up","0x"]\n', "hexadecimal", 3),
        (HEAD + '[1,"sideways","00"]\n', "down|up|told", 2),
        (HEAD + '["1","up","00"]\n', "down|up|told", 2),
        (HEAD + '[1,"up",7]\n', "down|up|told", 2),
        (HEAD + "{}\n", "down|up|told", 2),
        (HEAD + f'[1,"up","{"00" * 20_000}"]\n', "longer than", 2),
        (HEAD + "[" * 19_000 + "\n", "damaged", 2),
    ],
)
def test_what_is_no_trace_is_refused_by_line(tmp_path: Path, content: str, words: str, line: int):
    (tmp_path / "t").write_text(content)
    with pytest.raises(TraceError) as caught:
        read_trace(tmp_path / "t")
    assert words in str(caught.value)
    assert caught.value.line == line


def test_files_that_are_no_text_or_not_there_or_too_large(tmp_path: Path):
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / "none")
    (tmp_path / "t").write_bytes(b"\xef\x01\xff")
    with pytest.raises(TraceError, match="not even text"):
        read_trace(tmp_path / "t")
    os.truncate(tmp_path / "t", 65_000_000)
    with pytest.raises(TraceError, match="larger than"):
        read_trace(tmp_path / "t")


# -- what is taken out


def test_a_print_becomes_another_of_the_same_size():
    sent = b"".join(data_packets(PRINT, 128))
    got = cleaned(sent)
    contents = [p.content for p in packets_of(got) if isinstance(p, Packet)]
    assert len(got) == len(sent)
    assert b"".join(contents) == pack_image(made_up_print(192, 192))
    assert not any(PRINT[i : i + 8] in got for i in range(0, len(PRINT), 8))


def test_answers_and_questions_stay():
    talk = b"\x55" + acknowledgement(0, b"\x01\x02") + LOOK + acknowledgement(2) + b"\x00" + TAKE
    assert cleaned(talk) == talk


def test_passwords_go():
    (packet,) = packets_of(cleaned(command(Instruction.VFY_PWD, b"\x13\x37\xc0\xde")))
    assert isinstance(packet, Packet)
    assert packet.content == bytes([Instruction.VFY_PWD, 0, 0, 0, 0])


def test_a_packet_that_came_twice_comes_twice_and_no_other():
    packets = data_packets(PRINT, 256)
    got = packets_of(cleaned(b"".join([*packets[:3], packets[2], *packets[3:]])))
    contents = [p.content for p in got if isinstance(p, Packet)]
    assert contents[2] == contents[3]
    assert contents[1] != contents[2] != contents[4]


def damage(data: bytes, at: int, kind: str) -> bytes:
    return {
        "flip": data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :],
        "lose": data[:at] + data[at + 5 :],
        "double": data[: at + 4] + data[at:],
        "noise": data[:at] + b"\xef\x01\xff" + data[at:],
        "end": data[:at],
    }[kind]


@pytest.mark.parametrize("kind", ["flip", "lose", "double", "noise", "end"])
@pytest.mark.parametrize("at", [0, 3, 8, 12, 60, 137, 138, 900])
def test_damage_stays_damage_and_holds_no_print(kind: str, at: int):
    stream = b"".join(data_packets(PRINT[:2048], 128))
    hurt = damage(stream, at, kind)
    got = cleaned(hurt)

    def shape(data: bytes) -> list[tuple[object, int]]:
        return [
            (p.pid, len(p.content)) if isinstance(p, Packet) else ("damaged", len(p.data))
            for p in packets_of(data)
        ]

    assert len(got) == len(hurt)
    assert shape(got) == shape(hurt)
    assert not any(PRINT[i : i + 6] in got for i in range(2048 - 6))


@given(st.binary(max_size=400), st.integers(1, 40))
def test_of_what_is_no_packet_two_bytes_stay(noise: bytes, pieces: int):
    got = cleaned(noise, pieces=pieces)
    assert len(got) == len(noise)
    assert sum(byte != 0 for byte in got[2:]) == 0 or b"\xef\x01\xff\xff\xff\xff" in noise


@given(st.integers(1, 60))
def test_the_outcome_does_not_depend_on_how_the_stream_is_cut(pieces: int):
    stream = damage(b"".join(data_packets(PRINT[:1024], 64)), 300, "lose") + acknowledgement(1)
    assert cleaned(stream, pieces=pieces) == cleaned(stream)


def test_every_byte_keeps_its_time():
    cleaner = Cleaner(width=192, height=192)
    stream = b"".join(data_packets(PRINT[:512], 128))
    times: list[float] = []
    for number, byte in enumerate(stream):
        times += [at for at, part in cleaner.feed(float(number), bytes([byte])) for _ in part]
    times += [at for at, part in cleaner.flush() for _ in part]
    assert times == [float(i) for i in range(len(stream))]


def test_the_made_up_print_has_ridges():
    picture = made_up_print(256, 288)
    assert picture.shape == (288, 256)
    assert picture.dtype == np.uint8
    assert picture[100:180, 90:170].std() > 40
    assert picture[0, 0] == picture[-1, -1] == 235


# -- matching


def script(*entries: tuple[float, str, bytes]) -> TraceScript:
    return TraceScript(Trace(entries=[Entry(at, what, data) for at, what, data in entries]))


def asked(script: TraceScript, *questions: bytes) -> list[bytes]:
    return [
        b"".join(step.data for step in script.answer(packet))
        for question in questions
        for packet in packets_of(question)
        if isinstance(packet, Packet)
    ]


def test_questions_are_answered_in_order_with_their_pauses():
    told = script((5, UP, b"U"), (10, DOWN, LOOK), (30, UP, b"no"), (1000, DOWN, LOOK), (1200, UP, b"yes"))
    assert [step.data for step in told.before_any_question()] == [b"U"]
    (step,) = told.answer(Packet(Pid.COMMAND, bytes([Instruction.GEN_IMG])))
    assert step.data == b"no"
    assert step.after_s == pytest.approx(0.02)
    assert asked(told, LOOK) == [b"yes"]


def test_a_host_that_asks_less_or_more_often():
    told = script(
        (0, DOWN, LOOK), (1, UP, b"no"), (2, DOWN, TAKE), (3, UP, b"print"), (4, DOWN, LOOK), (5, UP, b"x")
    )
    assert asked(told, TAKE, TAKE, LOOK, command(Instruction.EMPTY)) == [b"print", b"print", b"x", b""]
    tally = told.tally
    assert (tally.matched, tally.skipped, tally.repeated, tally.unanswered) == (2, 1, 1, 1)


def test_the_password_does_not_matter():
    told = script((0, DOWN, command(Instruction.VFY_PWD, bytes(4))), (1, UP, b"ok"))
    assert asked(told, command(Instruction.VFY_PWD, b"abcd")) == [b"ok"]


def test_an_empty_trace_is_silence():
    told = TraceScript(Trace())
    assert told.before_any_question() == []
    assert asked(told, LOOK) == [b""]


def test_the_format_is_json_by_line(tmp_path: Path):
    with TraceWriter(tmp_path / "t") as writer:
        writer.add(Entry(1 / 3, UP, b"\1"))
    lines = [json.loads(line) for line in (tmp_path / "t").read_text().splitlines()]
    assert lines[0]["whorl_wire_trace"] == 1
    assert lines[1] == [0.333, "up", "01"]
