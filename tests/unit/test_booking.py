import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_service import clock as clock_module
from edge_service.booking import Stage
from edge_service.booking_view import BookingView
from edge_service.clock import SystemClock
from edge_service.errors import BookingError, SpoolFull
from edge_service.extraction.advice import Reason
from edge_service.extraction.quality import Assessment
from edge_service.sensors import Frame, NoFinger, SensorGarbled, SensorLocked, SensorUnplugged
from edge_service.sensors.board import BoardTampered, BoardUnpaired
from edge_service.service import EdgeService
from edge_service.settings import CaptureSettings, UplinkSettings
from edge_service.spool import Spool, SpoolState
from hardware.bench.made_up import made_up_minutiae
from interchange import iso19794
from interchange.messages import Colour, Reply, RepositoryReply, Submission, decode_message, encode_message
from interchange.minutiae import Minutiae


class Sensor:
    """Gives out what it is told to, an exception or a number that the extractor knows."""

    def __init__(self, *presses, refusal=None):
        self.presses = list(presses)
        self.refusal = refusal
        self.finger_is_on = False
        self.lifts = 0

    def connect(self, *, timeout_s, cancel=None):
        if self.refusal is not None:
            raise self.refusal

    def capture(self, *, timeout_s, progress=None, cancel=None):
        assert not self.finger_is_on, "the finger of the last press is still on the window"
        if cancel.is_set():
            raise NoFinger(path="test", waited_s=0.0, cancelled=True)
        press = self.presses.pop(0)
        if isinstance(press, Exception):
            raise press
        progress(18, 36)
        progress(36, 36)
        self.finger_is_on = True
        return Frame(np.full((288, 256), press, np.uint8), 500.0, "R307", 0.0, 0.5)

    def wait_for_lift(self, *, timeout_s, cancel=None):
        self.lifts += 1
        self.finger_is_on = False
        return True

    def close(self):
        pass


class Extractor:
    """The quality is the image's grey; 0 finds nothing."""

    model_sha256 = "ab" * 32
    model_version = "3.0"

    def assess(self, image, dpi):
        grey = int(image[0, 0])
        if grey == 0:
            nothing = Minutiae.empty(width=256, height=288, dpi=dpi)
            return nothing, Assessment(0, Reason.NOT_A_FINGER, None)
        count = 300 if grey == 99 else 40
        found = made_up_minutiae(grey, finger_quality=grey, count=count)
        return found, Assessment(grey, Reason.TOO_DRY if grey < 30 else None, None)


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool.db", device="kiosk-1") as opened:
        yield opened


def service(spool, sensor, *, events=None, on_wake=lambda: None, **settings):
    limits = {"attempts": 2, "min_finger_quality": 30} | settings
    return EdgeService(
        device="kiosk-1",
        sensor=sensor,
        extractor=Extractor(),
        spool=spool,
        clock=SystemClock(store=spool),
        wake_uplink=on_wake,
        events=(lambda _: None) if events is None else events.append,
        capture=CaptureSettings(**limits),
        uplink=UplinkSettings(reply_timeout_s=0.0),
    )


def saved(spool, booking):
    return decode_message(Submission, spool.payload(booking.tcn))


def test_a_booking_is_saved_as_a_submission(spool):
    booking = service(spool, Sensor(70, 60)).book([2, 7])
    submission = saved(spool, booking)
    assert submission.tcn == booking.tcn
    assert submission.device == "kiosk-1"
    assert submission.extractor.sha256 == "ab" * 32
    assert submission.extractor.version == "3.0"
    assert [(p.position, p.finger_quality) for p in submission.prints] == [(2, 70), (7, 60)]
    for print_, finger in zip(submission.prints, booking.fingers, strict=True):
        record = iso19794.decode(print_.template)
        assert record.views[0].position == print_.position
        assert len(record.views[0]) == len(finger.minutiae)
    assert booking.reply is None
    assert booking.fingers[0].transfer_ms == 500


def test_events_tell_it_step_by_step(spool):
    events = []
    service(spool, Sensor(10, 70), events=events).book([2])
    assert [e.stage for e in events] == [
        Stage.PRESS,
        Stage.TRANSFER,
        Stage.TRANSFER,
        Stage.EXTRACTED,
        Stage.AGAIN,
        Stage.LIFT,
        Stage.PRESS,
        Stage.TRANSFER,
        Stage.TRANSFER,
        Stage.EXTRACTED,
        Stage.SAVED,
        Stage.WAITING,
    ]
    assert "quality 10 of 100" in events[4].note
    assert Reason.TOO_DRY.words() in events[4].note
    assert (events[2].done, events[2].total) == (36, 36)
    assert events[3].frame is not None
    assert spool.entry(events[-1].tcn).state is SpoolState.QUEUED


def test_the_best_press_counts(spool):
    booking = service(spool, Sensor(25, 20)).book([2])
    assert booking.fingers[0].minutiae.finger_quality == 25


def test_the_first_good_press_is_enough(spool):
    sensor = Sensor(70, 90)
    service(spool, sensor).book([2])
    assert sensor.presses == [90]


def test_a_finger_is_lifted_before_the_next_also_between_bookings(spool):
    sensor = Sensor(70, 70, 70)
    booking_desk = service(spool, sensor)
    booking_desk.book([2, 7])
    booking_desk.book([3])
    assert sensor.lifts == 2


def test_a_finger_that_never_comes_is_left_out(spool):
    booking = service(spool, Sensor(70, NoFinger(path="p", waited_s=60.0), 80)).book([2, 3, 7])
    assert [f.position for f in booking.fingers] == [2, 7]
    assert "No finger was seen" in booking.left_out[3]


def test_no_ridges_at_all(spool):
    with pytest.raises(BookingError, match="nothing was saved") as caught:
        service(spool, Sensor(0, 0)).book([2])
    assert "not look like a fingerprint" in caught.value.problems[2]
    assert spool.entries() == []


def test_noise_on_the_line_is_tried_again(spool):
    booking = service(spool, Sensor(SensorGarbled("noise", path="p"), 70)).book([2])
    assert len(booking.fingers) == 1
    assert booking.left_out == {}


def test_a_cable_put_back_is_tried_again_and_one_that_is_not_ends_the_booking(spool):
    lost = SensorUnplugged("lost", path="p")
    assert service(spool, Sensor(lost, 70)).book([2]).fingers[0].attempts == 2
    with pytest.raises(SensorUnplugged):
        service(spool, Sensor(lost, lost)).book([2])


def test_a_locked_sensor_is_not_asked_twice(spool):
    sensor = Sensor(SensorLocked(path="p"), 70)
    with pytest.raises(SensorLocked):
        service(spool, sensor).book([2])
    assert sensor.presses == [70]


def test_a_board_that_is_not_trusted_is_refused_before_anybody_presses(spool):
    sensor, events = Sensor(70, refusal=BoardUnpaired("it was never paired", path="p")), []
    with pytest.raises(BoardUnpaired, match="edge-service board pair"):
        service(spool, sensor, events=events).book([2])
    assert events == []
    assert sensor.presses == [70]


def test_a_sensor_that_is_not_ready_yet_is_no_reason_to_refuse(spool):
    sensor = Sensor(70, refusal=SensorUnplugged("missing", path="p"))
    assert len(service(spool, sensor).book([2]).fingers) == 1


def test_a_lid_that_opens_ends_the_booking_at_once_and_saves_nothing(spool):
    sensor = Sensor(70, BoardTampered("the lid was opened", path="p"), 70)
    with pytest.raises(BoardTampered):
        service(spool, sensor).book([2, 7])
    assert sensor.presses == [70]
    assert spool.entries() == []


def test_cancelled(spool):
    desk = service(spool, Sensor(70))
    desk.cancel.set()
    with pytest.raises(BookingError, match="cancelled, nothing was saved"):
        desk.book([2])
    assert spool.entries() == []


def test_more_minutiae_than_a_record_holds(spool):
    booking = service(spool, Sensor(99)).book([2])
    kept = booking.fingers[0].minutiae
    everything = made_up_minutiae(99, count=300)
    assert len(kept) == 255
    assert kept.quality.min() >= np.sort(everything.quality)[44]


def test_a_nearly_full_spool_is_said(tmp_path):
    events = []
    with Spool(tmp_path / "s.db", device="kiosk-1", max_submissions=2) as spool:
        for _ in range(2):
            service(spool, Sensor(70), events=events).book([2])
    notes = [e.note for e in events if e.stage is Stage.SAVED]
    assert notes[0] == ""
    assert "2 bookings wait" in notes[1]


def test_a_full_spool_says_so(tmp_path):
    with Spool(tmp_path / "s.db", device="kiosk-1", max_submissions=1) as spool:
        service(spool, Sensor(70)).book([2])
        with pytest.raises(SpoolFull):
            service(spool, Sensor(70)).book([2])


def test_the_reply_comes_with_the_booking(spool):
    reply = None

    def answer():
        nonlocal reply
        tcn = spool.undelivered()[0]
        red = RepositoryReply(name="criminal", colour=Colour.RED, candidates=("abcdefgh",))
        reply = Reply(tcn=tcn, answered_at=datetime.now(UTC), repositories=(red,), timings_ms={"total": 3.0})
        spool.acknowledge(tcn)
        spool.keep_reply(tcn, encode_message(reply))

    events = []
    desk = service(spool, Sensor(70), events=events, on_wake=answer)
    booking = desk.book([2])
    assert booking.reply == reply
    assert booking.reply_ms >= 0
    assert booking.last_byte_to_reply_ms >= booking.reply_ms
    assert events[-1].stage is Stage.REPLIED


def test_a_refusal_comes_with_the_booking(spool):
    def refuse():
        spool.refuse(spool.undelivered()[0], field="version", reason="too old")

    booking = service(spool, Sensor(70), on_wake=refuse).book([2])
    assert booking.refused == "version: too old"


def test_the_view_draws_every_stage(spool, capsys):
    with BookingView() as view:
        desk = service(spool, Sensor(10, 70, 0, 0))
        desk._tell = view.show
        view.summarise(desk.book([2, 7]))
    drawn = capsys.readouterr().out
    assert "saved as kiosk-1." in drawn
    assert "will be delivered" in drawn


class Floor:
    def __init__(self):
        self.floor_ms = 0

    def clock_floor_ms(self):
        return self.floor_ms

    def raise_clock_floor(self, now_ms):
        self.floor_ms = max(self.floor_ms, now_ms)


def test_a_clock_that_fell_back_is_held_at_the_last_good_time(monkeypatch):
    store = Floor()
    synchronised = threading.Event()
    monkeypatch.setattr(clock_module, "is_synchronised", synchronised.is_set)
    clock = SystemClock(store=store)
    synchronised.set()
    good = clock.now()
    assert good.synchronised
    synchronised.clear()
    monkeypatch.setattr(clock_module.time, "time_ns", lambda: 0)  # 1970, as after a power cut
    bad = clock.now()
    assert not bad.synchronised
    assert abs((bad.clock - good.clock).total_seconds()) < 0.01
    assert bad.monotonic_ms >= good.monotonic_ms
    assert bad.boot_id == good.boot_id


def test_a_clock_that_leapt_ahead_unsynchronised_does_not_move_the_floor(monkeypatch):
    store = Floor()
    monkeypatch.setattr(clock_module, "is_synchronised", lambda: False)
    SystemClock(store=store).now()
    assert store.floor_ms == 0


def test_the_floor_is_not_written_at_every_asking(monkeypatch):
    raised = []
    store = Floor()
    monkeypatch.setattr(
        store, "raise_clock_floor", lambda ms: (raised.append(ms), setattr(store, "floor_ms", ms))
    )
    monkeypatch.setattr(clock_module, "is_synchronised", lambda: True)
    second = 0
    monkeypatch.setattr(clock_module.time, "time_ns", lambda: (1_800_000_000 + second) * 10**9)
    clock = SystemClock(store=store)
    for second in range(3601):  # noqa: B007 - the clock above looks at it
        clock.now()
    assert len(raised) == 7


def test_the_kernel_can_be_asked():
    assert clock_module.is_synchronised() in (True, False)
