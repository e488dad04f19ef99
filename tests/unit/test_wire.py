"""The wire between two ends, and the harm that comes to the bytes on it."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import termios
import threading
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.bench.pty_port import PtyPort
from hardware.bench.wire import Direction, Wire
from hardware.bench.wire_faults import Call, Cut, FaultScript, Harm, Incident, Pause
from hardware.bench.wire_lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 10.0
DATA = bytes(range(200)) * 5

incidents = st.builds(
    Incident,
    st.integers(0, 300),
    st.sampled_from(list(Harm)),
    st.integers(1, 60),
    st.integers(1, 255),
)


def through(data: bytes, *texts: str) -> list[object]:
    return list(FaultScript.parse(texts).feed(data))


# -- the script


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("flip@2x1/80", b"ab\xe3def"),
        ("flip@1x2/01", b"acbdef"),
        ("lose@1x2", b"adef"),
        ("lose@0x99", b""),
        ("double@1x2", b"abcbcdef"),
        ("double@5x1", b"abcdeff"),
    ],
)
def test_harm_to_bytes(text: str, out: bytes):
    assert b"".join(part for part in through(b"abcdef", text) if isinstance(part, bytes)) == out


def test_noise_is_put_in_between():
    (out,) = through(b"abcdef", "noise@3x4")
    assert isinstance(out, bytes)
    assert out[:3] == b"abc"
    assert out[7:] == b"def"


def test_what_is_no_harm_to_bytes_stands_between_them():
    assert through(b"abcd", "delay@1x1500", "cut@2x20", "cut@3x0", "call@4x7") == [
        b"a",
        Pause(1.5),
        b"b",
        Cut(0.02),
        b"c",
        Cut(None),
        b"d",
        Call(7),
    ]


def test_a_whole_packet_lost_and_another_one_doubled_leave_the_length():
    (out,) = through(DATA, "lose@100x50", "double@400x50")
    assert isinstance(out, bytes)
    assert len(out) == len(DATA)
    assert out[100:400] == DATA[150:450]


def test_lost_bytes_are_not_doubled():
    assert through(b"abcdef", "double@1x4", "lose@2x2") == [b"abebef"]


@given(st.lists(incidents, max_size=6), st.lists(st.integers(0, 260), max_size=8))
def test_the_outcome_does_not_depend_on_how_the_stream_is_cut(happens: list[Incident], cuts: list[int]):
    data = DATA[:260]
    whole, pieces = FaultScript(list(happens), seed=3), FaultScript(list(happens), seed=3)
    edges = [0, *sorted(cuts), len(data)]
    parts = [part for a, b in itertools.pairwise(edges) for part in pieces.feed(data[a:b])]

    def flat(items: list[object]) -> list[object]:
        return [byte for item in items for byte in (item if isinstance(item, bytes) else [item])]

    assert flat(list(whole.feed(data))) == flat(list(parts))
    assert whole.happened == pieces.happened
    assert whole.position == pieces.position == len(data)


@given(incidents)
def test_incidents_are_written_as_they_are_read(incident: Incident):
    again = Incident.parse(str(incident))
    assert (again.at_byte, again.kind, again.size) == (incident.at_byte, incident.kind, incident.size)
    assert incident.kind is not Harm.FLIP or again.bits == incident.bits


@pytest.mark.parametrize("text", ["", "melt@3", "flip", "flip@-1", "lose@3x", "flip@3/123"])
def test_what_is_no_incident_is_refused(text: str):
    with pytest.raises(ValueError, match="KIND@BYTE"):
        Incident.parse(text)


# -- the lane


def test_a_paced_lane_takes_the_time_of_the_wire():
    lane = Lane(FaultScript(), baud=9600)
    lane.take_in(bytes(960), now=5.0)
    now, arrived = 5.0, 0
    while (wait_s := lane.wait_s(now=now)) is not None:
        now += max(wait_s, 1e-6)
        if isinstance(head := lane.head(now=now), bytes):
            arrived += len(head)
            lane.left(len(head))
    assert arrived == 960
    assert now == pytest.approx(6.0, abs=0.001)


def test_a_pause_holds_what_comes_behind_it():
    lane = Lane(FaultScript.parse(["delay@2x500"]), baud=None)
    lane.take_in(b"abcd", now=1.0)
    assert lane.head(now=1.0) == b"ab"
    lane.left(2)
    assert lane.head(now=1.0) is None
    assert lane.wait_s(now=1.2) == pytest.approx(0.3)
    assert lane.head(now=1.5) == b"cd"


def test_a_full_lane_has_no_room():
    lane = Lane(FaultScript.parse(["delay@0x500"]), baud=None)
    while lane.has_room:
        lane.take_in(bytes(1000), now=0.0)
    assert lane.head(now=0.0) is None
    lane.end_pauses(now=0.0)
    head = lane.head(now=0.0)
    assert isinstance(head, bytes)
    lane.left(len(head))
    assert lane.has_room


# -- the wire


class Ends:
    """A device's port, the wire, and the host that has it open."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.device = PtyPort(folder / "device")
        self.device.plug()
        self.wire = Wire(link=folder / "host", **options)  # pyright: ignore[reportArgumentType]
        self.wire.join(folder / "device")
        self.host = -1

    def open(self) -> None:
        until(lambda: self.wire.joined)
        self.host = os.open(self.wire.path, os.O_RDWR | os.O_NOCTTY)

    def down(self, data: bytes, expected: int) -> bytes:
        os.write(self.host, data)
        return gathered(self.device.fd, expected)

    def up(self, data: bytes, expected: int) -> bytes:
        assert self.device.write(data) == len(data)
        return gathered(self.host, expected)

    def close(self) -> None:
        if self.host >= 0:
            os.close(self.host)
        self.device.unplug()


@contextlib.contextmanager
def ends_of(folder: Path, **options: object) -> Iterator[Ends]:
    ends = Ends(folder, **options)
    try:
        with ends.wire:
            ends.open()
            yield ends
    finally:
        ends.close()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with ends_of(tmp_path) as opened:
        yield opened


def gathered(fd: int, expected: int, *, quiet_s: float = 0.05) -> bytes:
    """`expected` bytes, and what comes unexpectedly right after them."""
    data = b""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        patience_s = quiet_s if len(data) >= expected else PATIENCE_S
        if not select.select([fd], [], [], patience_s)[0]:
            break
        data += os.read(fd, 65_536)
    return data


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_bytes_pass_both_ways_as_they_are(ends: Ends):
    everything = bytes(range(256))
    assert ends.down(everything, 256) == everything
    assert ends.up(everything, 256) == everything
    assert ends.wire.carried(Direction.DOWN) == ends.wire.carried(Direction.UP) == 256


def test_much_passes_a_reader_that_is_slow(ends: Ends):
    sent = os.urandom(300_000)
    writer = threading.Thread(target=_write_all, args=(ends.host, sent))
    writer.start()
    got = b""
    while len(got) < len(sent):
        assert select.select([ends.device.fd], [], [], PATIENCE_S)[0]
        got += os.read(ends.device.fd, 3000)
    writer.join()
    assert got == sent


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def test_a_reader_that_has_stopped_is_felt_by_the_sender(ends: Ends):
    ends.wire.hold(Direction.UP, PATIENCE_S)
    sent = 0
    until(lambda: ends.device.write(bytes(1000)) == 0)
    time.sleep(0.02)
    while ends.device.write(bytes(1000)):
        sent += 1000
    assert sent < 60_000
    ends.wire.heal()
    assert gathered(ends.host, 1)


def test_a_usb_host_that_does_not_read_gets_no_more_than_its_kernel_takes(tmp_path: Path):
    with ends_of(tmp_path, usb=True) as ends:
        for _ in range(20):
            ends.device.write(bytes(1000))
            time.sleep(0.005)
        assert len(gathered(ends.host, 1, quiet_s=0.0)) < 20_000
        assert ends.wire.carried(Direction.UP) < 20_000
        rest = gathered(ends.host, 1, quiet_s=0.3)
        assert rest
        assert ends.wire.carried(Direction.UP) == 20_000


def test_the_hosts_speed_is_set_at_the_device(ends: Ends):
    for speed, baud in [(termios.B57600, 57_600), (termios.B115200, 115_200), (termios.B9600, 9_600)]:
        attributes = termios.tcgetattr(ends.host)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(ends.host, termios.TCSANOW, attributes)
        assert ends.down(b"x", 1) == b"x"
        assert ends.device.host_baud() == baud


def test_harm_is_done_in_its_direction_only(ends: Ends):
    ends.wire.harm(up=FaultScript.parse(["lose@1x2"]), down=FaultScript.parse(["double@0x1"]))
    assert ends.down(b"abcd", 5) == b"aabcd"
    assert ends.up(b"abcd", 2) == b"ad"
    assert ends.wire.happened(Direction.UP) == ["lose@1x2"]
    ends.wire.heal()
    assert ends.up(b"abcd", 4) == b"abcd"


def test_a_tap_hears_what_the_host_hears(tmp_path: Path):
    heard: list[tuple[Direction, bytes]] = []
    with ends_of(tmp_path, tap=lambda d, b: heard.append((d, b))) as ends:
        ends.wire.harm(up=FaultScript.parse(["lose@0x1"]), down=FaultScript.parse(["lose@0x1"]))
        ends.down(b"question", 7)
        ends.up(b"answer", 5)
    assert heard == [(Direction.DOWN, b"question"), (Direction.UP, b"nswer")]


def test_somebody_may_speak_into_the_wire(ends: Ends):
    ends.wire.harm(up=FaultScript.parse(["lose@0x99"]))
    ends.wire.inject(Direction.UP, b"forged")
    assert gathered(ends.host, 6) == b"forged"


def test_the_owner_is_called_at_a_byte(tmp_path: Path):
    calls: list[int] = []
    with ends_of(tmp_path, called=calls.append) as ends:
        ends.wire.harm(down=FaultScript.parse(["call@3x42"]))
        ends.down(b"abc", 3)
        until(lambda: calls == [42] or not ends.down(b"d", 1))
    assert calls == [42]


def test_a_cut_uart_loses_bytes_and_keeps_the_port(ends: Ends):
    ends.wire.cut()
    os.write(ends.host, b"lost")
    ends.device.write(b"lost too")
    time.sleep(0.05)
    ends.wire.mend()
    assert ends.down(b"heard", 5) == b"heard"
    assert ends.up(b"heard", 5) == b"heard"


def test_a_cut_usb_cable_takes_the_port_away(tmp_path: Path):
    with ends_of(tmp_path, usb=True) as ends:
        assert ends.down(b"one", 3) == b"one"
        ends.wire.cut()
        assert not os.path.lexists(ends.wire.path)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(ends.host, b"x")
        ends.wire.mend()
        os.close(ends.host)
        ends.open()
        assert ends.down(b"two", 3) == b"two"


def test_a_cable_cut_at_a_byte_is_mended_after_a_while(tmp_path: Path):
    with ends_of(tmp_path, usb=True, up=FaultScript.parse(["cut@3x30"])) as ends:
        ends.device.write(b"abcdef")
        until(lambda: not ends.wire.joined)
        until(lambda: ends.wire.joined)
        os.close(ends.host)
        ends.open()
        assert ends.up(b"again", 5) == b"again"


@pytest.mark.parametrize("usb", [False, True])
def test_a_device_may_go_and_come_back(tmp_path: Path, *, usb: bool):
    with ends_of(tmp_path, usb=usb) as ends:
        assert ends.down(b"one", 3) == b"one"
        ends.device.unplug()
        until(lambda: not ends.wire.joined)
        assert os.path.lexists(ends.wire.path) is not usb
        ends.device.plug()
        if usb:
            os.close(ends.host)
            ends.open()
        until(lambda: ends.wire.joined)
        assert ends.down(b"two", 3) == b"two"


def test_nothing_is_left_behind(tmp_path: Path):
    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    device = PtyPort(tmp_path / "device")
    device.plug()
    before = count()
    for usb in (False, True, False):
        wire = Wire(usb=usb)
        folder = Path(wire.path).parent
        with wire:
            wire.join(device.link)
            until(lambda wire=wire: wire.joined)
        assert not folder.exists()
    device.unplug()
    assert count()[0] == before[0]
    assert count()[1] == before[1] - 2


def test_what_is_no_link_is_never_replaced(tmp_path: Path):
    (tmp_path / "precious").write_text("data")
    with pytest.raises(FileExistsError, match="precious"):
        Wire(link=tmp_path / "precious").start()
    assert (tmp_path / "precious").read_text() == "data"


def test_the_device_is_made_raw(tmp_path: Path):
    master, slave = os.openpty()
    try:
        assert termios.tcgetattr(slave)[tty.LFLAG] & termios.ECHO
        with Wire() as wire:
            wire.join(os.ttyname(slave))
            until(lambda: wire.joined)
            assert not termios.tcgetattr(slave)[tty.LFLAG] & termios.ECHO
    finally:
        os.close(master)
        os.close(slave)
