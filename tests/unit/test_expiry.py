"""The end of a submission's time and its lateness, under clocks that jump and clocks that nobody keeps."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from edge_service import parameters
from edge_service.expiry import Expiry
from edge_service.spool import Spool, SpoolState
from edge_service.spool.moment import Moment
from interchange.errors import EnvelopeError, MessageError
from interchange.lateness import MAX_ATTEMPTS, MAX_WAITED_S, Lateness
from interchange.messages import CaptureTime
from interchange.statement import Statement

DAY_S = 86_400
BOOT = "8f5d0dd4-2c8e-4a3a-9d5a-000000000001"


class World:
    """A spool and its clock: `wall` may jump, `running` only goes on."""

    def __init__(self, folder: Path):
        self.wall = 1_790_000_000.0
        self.running = 1000.0
        self.synchronised = True
        self.boot = BOOT
        self.spool = Spool(folder / "spool.db", device="kiosk-1", keep_days=30, now=self.moment)
        self.expiry = self.new_expiry()

    def new_expiry(self):
        return Expiry(self.spool, clock=self, running=lambda: self.running)

    def moment(self):
        return Moment(round(self.wall * 1000), self.synchronised, self.boot, round(self.running * 1000))

    def now(self):
        return CaptureTime(
            clock=datetime.fromtimestamp(self.wall, UTC),
            synchronised=self.synchronised,
            boot_id=self.boot,
            monotonic_ms=round(self.running * 1000),
        )

    def pass_(self, seconds):
        self.wall += seconds
        self.running += seconds

    def run_for(self, seconds):
        """Look, as the uplink does, while time passes; what was given up."""
        given_up = self.expiry.look()
        for _ in range(8):
            self.pass_(seconds / 8)
            given_up += self.expiry.look()
        return given_up

    def left(self, tcn="t1"):
        return self.expiry.left_s(self.spool.times(tcn))

    def late(self, tcn="t1", sent_here=0):
        return self.expiry.lateness(self.spool.times(tcn), sent_here=sent_here)

    def state(self, tcn="t1"):
        return self.spool.entry(tcn).state


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.spool.close()


def test_the_end_is_absolute_and_sending_again_moves_nothing(world):
    world.spool.add("t1", b"x")
    assert world.left() == 30 * DAY_S
    for day in range(1, 30):
        world.pass_(DAY_S)
        world.spool.mark_sent("t1")
        world.expiry = world.new_expiry()  # and neither does a restart
        assert world.expiry.look() == []
        assert world.left() == (30 - day) * DAY_S
    world.pass_(DAY_S + 1)
    assert world.left() < 0
    assert world.run_for(1800) == []
    assert world.state() is SpoolState.SENT
    assert world.run_for(2400) == ["t1"]
    assert world.state() is SpoolState.EXPIRED
    assert world.spool.payload("t1") == b"x"  # for inspection
    assert world.spool.undelivered() == []


def test_an_acknowledgement_that_comes_after_the_end_still_counts(world):
    world.spool.add("t1", b"x")
    world.pass_(31 * DAY_S)
    assert world.run_for(3700) == ["t1"]
    assert world.spool.acknowledge("t1")
    assert world.state() is SpoolState.ACKNOWLEDGED


def test_a_clock_years_ahead_that_is_put_right_within_the_hour_expires_nothing(world):
    for number in range(5):
        world.spool.add(f"t{number}", b"x")
    world.wall += 10 * 365 * DAY_S
    assert world.run_for(1800) == []
    assert world.left("t0") < 0  # not sent meanwhile
    world.wall -= 10 * 365 * DAY_S
    assert world.run_for(7200) == []
    assert world.left("t0") > 29 * DAY_S
    assert len(world.spool.undelivered()) == 5


def test_one_that_stays_ahead_longer_loses_nothing_either(world, monkeypatch):
    monkeypatch.setattr(parameters, "KEPT_REFUSED", 3)
    count = 12  # more than are kept of refused ones
    for number in range(count):
        world.spool.add(f"t{number}", b"x")
    world.wall += 10 * 365 * DAY_S
    assert len(world.run_for(3700)) == count
    assert world.spool.undelivered() == []
    world.wall -= 10 * 365 * DAY_S
    world.run_for(100)
    assert len(world.spool.undelivered()) == count
    assert world.spool.payload("t0") == b"x"


def test_a_clock_years_behind_keeps_them_longer_and_no_broker_for_ever(world):
    world.spool.add("t1", b"x")
    world.wall -= 20 * 365 * DAY_S
    assert world.run_for(7200) == []
    assert world.left() == 30 * DAY_S


def test_a_clock_that_nobody_keeps_expires_nothing(world):
    world.spool.add("t1", b"x")
    world.synchronised = False
    world.wall += 3 * 365 * DAY_S
    assert world.run_for(7200) == []
    assert world.left() == parameters.LEAST_EXPIRY_S
    world.wall -= 3 * 365 * DAY_S
    world.synchronised = True
    assert world.run_for(7200) == []


def test_what_was_saved_without_a_clock_counts_from_when_there_is_one(world):
    world.synchronised = False
    world.wall = 12_345.0  # 1970
    world.spool.add("t1", b"x")
    assert world.spool.times("t1").expires_ms is None
    assert world.run_for(2 * DAY_S) == []
    assert world.left() == 30 * DAY_S
    world.wall, world.synchronised = 1_790_000_000.0, True
    world.running += 100
    assert world.expiry.look() == []
    ends = world.spool.times("t1").expires_ms
    assert ends == (1_790_000_000 + 30 * DAY_S) * 1000
    world.pass_(DAY_S)
    world.expiry.look()
    assert world.spool.times("t1").expires_ms == ends


def test_late_is_what_waited_or_was_sent_before(world):
    world.spool.add("t1", b"x")
    assert world.late() is None
    assert world.late(sent_here=1) == Lateness(0, 2)
    world.pass_(parameters.LATE_AFTER_S)
    assert world.late() == Lateness(parameters.LATE_AFTER_S, 1)
    world.spool.mark_sent("t1")
    assert world.late() == Lateness(parameters.LATE_AFTER_S, 2)  # by a process that is gone


def test_within_one_boot_no_jump_makes_it_late(world):
    world.spool.add("t1", b"x")
    world.wall += 10 * 365 * DAY_S
    world.running += 20
    assert world.late() is None
    world.boot = BOOT.replace("1", "2")
    assert world.late() == Lateness(10 * 365 * DAY_S, 1)
    world.wall -= 60 * 365 * DAY_S
    assert world.late(sent_here=3) == Lateness(0, 4)


# -- how it is said


def statement(late):
    return Statement("kiosk-1", "MO0100000", "ab", 1, b"message", late)


def test_a_statement_says_it_and_older_ones_are_read():
    import cbor2

    late = Lateness(4000, 7)
    assert Statement.decode(statement(late).encode()) == statement(late)
    plain = statement(None).encode()
    assert Statement.decode(plain).late is None
    assert plain == cbor2.dumps(
        [1, "kiosk-1", "MO0100000", "ab", 1, b"message"]
    )  # as before there was lateness


@pytest.mark.parametrize(
    "said",
    [None, 5, [], [1], [1, 2, 3], [-1, 1], [0, 0], [MAX_WAITED_S + 1, 1], [0, MAX_ATTEMPTS + 1], ["1", 1], [1.0, 1],
     [True, 1], {"waited_s": 1, "attempt": 1}, [2**70, 1]],
)  # fmt: skip
def test_nonsense_in_a_statement_is_refused(said):
    import cbor2

    with pytest.raises(EnvelopeError):
        Statement.decode(cbor2.dumps([1, "kiosk-1", "MO0100000", "ab", 1, b"message", said]))


def test_beside_a_plain_message():
    late = Lateness(4000, 7)
    assert Lateness.from_properties((("trace", "x"), *late.properties)) == late
    assert Lateness.from_properties((("trace", "x"),)) is None
    for wrong in ("-1", "", "1e3", "٣", "9" * 10, "abc", "1.5", " 1"):
        with pytest.raises(MessageError):
            Lateness.from_properties((("waited-s", wrong), ("attempt", "1")))
    for half in ((("waited-s", "1"),), (("attempt", "1"), ("attempt", "2"), ("waited-s", "1"))):
        with pytest.raises(MessageError):
            Lateness.from_properties(half)


def test_statements_by_chance_are_refused_or_read():
    chance = Random(3)
    good = statement(Lateness(4000, 7)).encode()
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            said = Statement.decode(bytes(data))
        except EnvelopeError:
            continue
        assert said.late is None or (0 <= said.late.waited_s <= MAX_WAITED_S and said.late.attempt >= 1)


# -- room


def test_a_booking_that_was_begun_always_fits(tmp_path):
    with Spool(tmp_path / "s.db", device="kiosk-1", max_submissions=20, disk_reserve_bytes=0) as spool:
        begun = 0
        while spool.room_for_new_booking():
            spool.add(f"t{begun}", b"x")
            begun += 1
        assert begun == 18
        spool.add("of a process beside it", b"x")
        spool.add("under way", b"x" * parameters.LARGEST_BOOKING_BYTES)


def test_so_it_does_in_bytes(tmp_path):
    largest = parameters.LARGEST_BOOKING_BYTES
    limits = {"max_bytes": 30 * largest, "max_submissions": 1000, "disk_reserve_bytes": 0}
    with Spool(tmp_path / "s.db", device="kiosk-1", **limits) as spool:
        begun = 0
        while spool.room_for_new_booking():
            spool.add(f"t{begun}", b"x" * largest)
            begun += 1
        assert begun == 28
        for name in ("of a process beside it", "under way"):
            spool.add(name, b"x" * largest)


def test_so_it_does_on_the_disk(tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)
    with Spool(tmp_path / "s.db", device="kiosk-1", disk_reserve_bytes=2**24) as spool:
        assert spool.room_for_new_booking()
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**24))
        assert not spool.room_for_new_booking()
        spool.add("under way", b"x" * parameters.LARGEST_BOOKING_BYTES)
