"""The booking desk without a page: decisions, restarts, and what is let go of when.

One long file on purpose: one desk, one sensor, and each decision at each step.
"""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from edge_service.clock import SystemClock
from edge_service.errors import SpoolError
from edge_service.extraction.advice import Reason
from edge_service.extraction.quality import Assessment
from edge_service.kiosk.desk import CaptureDesk
from edge_service.kiosk.errors import NoRoom, WrongStep
from edge_service.kiosk.form import BookingForm, FingerPlan, FingerState
from edge_service.kiosk.steps import BookingSteps, ListenedExtractor, trouble_of
from edge_service.kiosk.store import KioskStore
from edge_service.sensors import Frame, NoFinger, SensorGarbled, SensorLocked, SensorUnplugged
from edge_service.sensors.board.errors import BoardTampered
from edge_service.settings import CaptureSettings
from edge_service.spool import Spool
from hardware.bench.made_up import made_up_minutiae
from interchange.messages import Submission, decode_message
from interchange.minutiae import Minutiae

FORM = BookingForm(number="B-17", charge_class="felony", disposition="charged")


class Sensor:
    """Gives what is put on it: a grey, which the extractor takes for the quality, or an exception."""

    def __init__(self):
        self.presses = []
        self.frames = []
        self.trouble = None

    def connect(self, *, timeout_s, cancel=None):
        if self.trouble:
            raise self.trouble

    def capture(self, *, timeout_s, progress=None, cancel=None):
        while not self.presses:
            if cancel.wait(0.005):
                raise NoFinger(path="test", waited_s=0.0, cancelled=True)
        press = self.presses.pop(0)
        if isinstance(press, Exception):
            raise press
        progress(18, 36)
        progress(36, 36)
        frame = Frame(np.full((288, 256), press, np.uint8), 500.0, "R307", 0.0, 0.5)
        self.frames.append(weakref.ref(frame.pixels))
        return frame

    def wait_for_lift(self, *, timeout_s, cancel=None):
        return not cancel.is_set()

    def close(self):
        pass


class Extractor:
    model_sha256 = "ab" * 32
    model_version = "3.0"

    def assess(self, image, dpi):
        grey = int(image[0, 0])
        if grey == 0:
            return Minutiae.empty(width=256, height=288, dpi=dpi), Assessment(0, Reason.NOT_A_FINGER, None)
        found = made_up_minutiae(grey, finger_quality=grey)
        return found, Assessment(grey, Reason.TOO_DRY if grey < 45 else None, None)

    def forget(self):
        pass


class World:
    """A desk on a folder that outlives it."""

    def __init__(self, folder):
        self.folder = folder
        self.sensor = Sensor()
        self.spool = Spool(folder / "spool.db", device="kiosk-1")
        self.accept_good_after_s = 0.0
        self.room = True
        self.open()

    def open(self):
        self.store = KioskStore(self.folder / "kiosk.db")
        heard = ListenedExtractor(Extractor())

        def steps(events, interrupt):
            return BookingSteps(
                device="kiosk-1",
                sensor=self.sensor,
                extractor=heard,
                spool=self.spool,
                clock=SystemClock(store=self.spool),
                events=events,
                capture=CaptureSettings(),
                cancel=interrupt,
            )

        self.desk = CaptureDesk(
            make_steps=steps,
            heard=heard,
            spool=self.spool,
            store=self.store,
            capture=CaptureSettings(),
            positions=(2, 3),
            accept_good_after_s=self.accept_good_after_s,
            officer=lambda: "d104",
            has_room=lambda: self.room,
        )
        self.desk.start()

    def close(self):
        assert self.desk.stop()
        self.store.close()

    def restart(self):
        self.close()
        self.open()

    def view(self):
        return self.desk.view()

    def press(self):
        return self.view()["press"]

    def until(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.view()
            time.sleep(0.002)

    def at(self, step=None, *, phase=None, position=None, attempt=None):
        def there():
            view, press = self.view(), self.press()
            return (step is None or view["step"] == step) and (
                phase is None
                or (
                    press is not None
                    and press.phase == phase
                    and position in {None, press.position}
                    and attempt in {None, press.attempt}
                )
            )

        self.until(there)
        return self.press()

    def begin(self, positions=(2, 3)):
        self.desk.new()
        self.desk.fill_in(FORM)
        self.desk.take(FingerPlan(fingers=dict.fromkeys(positions, FingerState.PRINT)))
        self.at("capture", phase="press")

    def put(self, press, *, phase="review"):
        now = self.press()
        self.sensor.presses.append(press)
        return self.at(phase=phase, position=now.position, attempt=now.attempt)

    def accept(self):
        self.desk.accept(self.press().position, self.press().attempt)

    def again(self):
        self.desk.again(self.press().position, self.press().attempt)

    def saved(self):
        self.at("result")
        return decode_message(Submission, self.spool.payload(self.view()["result"].tcn))


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()
    world.spool.close()


def test_the_whole_way(world):
    world.begin()
    for quality in (70, 80):
        press = world.put(quality)
        assert (press.verdict, press.quality, press.reason) == ("good", quality, "")
        world.accept()
        if quality == 70:
            world.at(phase="press", position=3)
    submission = world.saved()
    assert [(p.position, p.finger_quality) for p in submission.prints] == [(2, 70), (3, 80)]
    result = world.view()["result"]
    assert (result.number, result.delivery) == ("B-17", "saved")
    note = world.store.note_of(submission.tcn)
    assert (note.number, note.charge_class, note.disposition, note.officer) == (
        "B-17",
        "felony",
        "charged",
        "d104",
    )
    world.desk.done()
    assert world.view()["step"] == "home"
    assert [a.number for a in world.view()["recent"]] == ["B-17"]


def test_the_number_and_the_charge_are_not_in_the_submission(world):
    world.begin([2])
    world.put(70)
    world.accept()
    assert b"B-17" not in world.spool.payload(world.saved().tcn)


def test_a_good_print_is_accepted_by_itself(tmp_path):
    world = World(tmp_path)
    world.close()
    world.accept_good_after_s = 0.05
    world.open()
    world.begin([2])
    world.put(30)
    assert world.press().accepts_in_s == 0  # a poor one waits for the officer
    world.again()
    world.at(phase="press", attempt=2)
    world.sensor.presses.append(70)
    assert world.saved().prints[0].finger_quality == 70
    world.close()
    world.spool.close()


def test_the_best_of_at_most_three_presses(world):
    world.begin([2])
    assert world.put(20).reason == "too_dry"
    world.again()
    world.at(phase="press", attempt=2)
    assert world.put(40).best_attempt == 2
    world.again()
    world.at(phase="press", attempt=3)
    press = world.put(30)
    assert (press.verdict, press.best_attempt, press.best_quality) == ("poor", 2, 40)
    with pytest.raises(WrongStep):
        world.again()
    world.accept()
    assert world.saved().prints[0].finger_quality == 40


def test_three_times_nothing_can_only_be_left_out(world):
    world.begin()
    for attempt in (1, 2, 3):
        press = world.put(0)
        assert (press.verdict, press.reason, press.best_attempt) == ("none", "not_a_finger", 0)
        if attempt < 3:
            world.again()
            world.at(phase="press", attempt=attempt + 1)
    world.desk.leave_out(2, 3, FingerState.UNPRINTABLE)
    world.at(phase="press", position=3)
    world.put(70)
    world.accept()
    submission = world.saved()
    assert [p.position for p in submission.prints] == [3]
    assert world.store.note_of(submission.tcn).left_out == {2: "unprintable"}


def test_left_out_while_the_finger_is_waited_for(world):
    world.begin()
    world.desk.leave_out(2, 1, FingerState.BANDAGED)
    world.at(phase="press", position=3)
    states = {f.position: f.state for f in world.view()["fingers"]}
    assert states == {2: "bandaged", 3: "now"}


def test_every_finger_left_out_saves_nothing(world):
    world.begin([2])
    world.desk.leave_out(2, 1, FingerState.MISSING)
    world.at("plan")
    assert world.view()["notice"] == "notice.nothing_taken"
    assert world.spool.entries() == []


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (SensorUnplugged("lost", path="p"), "unplugged"),
        (SensorGarbled("noise", path="p"), "garbled"),
        (SensorLocked(path="p"), "locked"),
        (BoardTampered("the lid was opened", path="p"), "board_tampered"),
        (NoFinger(path="p", waited_s=60.0), "no_finger"),
    ],
)
def test_trouble_at_the_sensor_is_said_and_can_be_tried_again(world, error, word):
    world.begin([2])
    assert world.put(error, phase="trouble").trouble == word
    assert world.desk.sensor_trouble == ("" if word in {"no_finger", "garbled"} else word)
    world.again()
    world.at(phase="press", attempt=1)  # not counted
    world.put(70)
    assert world.desk.sensor_trouble == ""
    world.accept()
    world.saved()


def test_an_error_that_nobody_has_words_for():
    assert trouble_of(RuntimeError()) == "other"


def test_a_late_or_double_tap_decides_nothing(world):
    world.begin()
    world.put(70)
    world.accept()
    world.at(phase="press", position=3)
    for late in (
        lambda: world.desk.accept(2, 1),
        lambda: world.desk.accept(3, 1),
        world.desk.done,
        world.desk.new,
    ):
        with pytest.raises(WrongStep):
            late()
    assert world.press().position == 3


def test_cancelled_and_begun_again_at_once(world):
    """The thread of the first booking must not take the second one's fingers."""
    for _ in range(20):
        world.begin([2])
        world.desk.cancel()
    world.begin([7, 8])
    world.put(70)
    world.accept()
    world.at(phase="press", position=8)
    world.put(71)
    world.accept()
    assert [p.position for p in world.saved().prints] == [7, 8]
    assert len(world.spool.entries()) == 1


def test_a_restart_before_the_saving_takes_the_fingers_again(world):
    world.begin()
    world.put(70)
    world.accept()
    world.at(phase="press", position=3)
    world.restart()
    press = world.at("capture", phase="press")
    assert press.position == 2
    view = world.view()
    assert view["notice"] == "notice.restarted"
    assert view["form"]["number"] == "B-17"
    for position in (2, 3):
        world.at(phase="press", position=position)
        world.put(70)
        world.accept()
    assert len(world.saved().prints) == 2
    assert len(world.spool.entries()) == 1


def test_a_restart_after_the_saving_shows_the_result_and_saves_nothing_twice(world):
    world.begin([2])
    world.put(70)
    world.accept()
    tcn = world.saved().tcn
    world.restart()
    view = world.view()
    assert (view["step"], view["result"].tcn, view["result"].number) == ("result", tcn, "B-17")
    assert len(world.spool.entries()) == 1


def test_killed_between_the_saving_and_telling_the_page(world, monkeypatch):
    """The moment that could lose a booking or take it twice."""
    world.begin([2])
    world.put(70)
    killed = threading.Event()

    def die(*_):
        killed.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(CaptureDesk, "_show_result", die)
    world.accept()
    assert killed.wait(10)
    monkeypatch.undo()
    world.restart()
    assert world.view()["step"] == "result"
    assert len(world.spool.entries()) == 1


def test_killed_just_before_the_saving(world, monkeypatch):
    world.begin([2])
    world.put(70)
    killed = threading.Event()

    def die(*_):
        killed.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(world.spool, "add", die)
    world.accept()
    assert killed.wait(10)
    monkeypatch.undo()
    world.restart()
    world.at("capture", phase="press")
    assert world.store.notes(limit=9) == []
    assert world.spool.entries() == []


@pytest.mark.parametrize("step", ["form", "plan"])
def test_a_restart_while_the_form_is_filled_in(world, step):
    world.desk.new()
    if step == "plan":
        world.desk.fill_in(FORM)
    world.restart()
    assert world.view()["step"] == step


def test_a_full_store_keeps_the_prints_until_it_works(world, monkeypatch):
    world.begin([2])
    world.put(70)
    failing = [SpoolError(world.spool.path, "the disk failed")]
    add = world.spool.add

    def fail_once(tcn, payload):
        if failing:
            raise failing.pop()
        add(tcn, payload)

    monkeypatch.setattr(world.spool, "add", fail_once)
    world.accept()
    assert world.at(phase="trouble").trouble == "store_failed"
    assert world.store.notes(limit=9) == []
    world.again()
    assert len(world.saved().prints) == 1


def test_no_booking_is_begun_without_room(world):
    world.room = False
    with pytest.raises(NoRoom):
        world.desk.new()


def test_nobody_there_drops_the_prints_and_keeps_the_form(world):
    world.begin()
    world.put(70)
    world.desk.drop_prints()
    view = world.view()
    assert (view["step"], view["notice"]) == ("plan", "notice.prints_dropped")
    assert view["press"] is None
    assert len(world.desk.pictures) == 0


@pytest.mark.parametrize("end", ["saved", "cancelled", "dropped"])
def test_images_leave_the_memory_when_the_booking_ends(world, end):
    world.begin()
    key = world.put(70).image
    assert world.desk.pictures.png(key).startswith(b"\x89PNG")
    if end == "saved":
        world.accept()
        world.at(phase="press", position=3)
        assert world.desk.pictures.png(key) is None  # gone with the finger, even
        world.put(70)
        world.accept()
        world.at("result")
    elif end == "cancelled":
        world.desk.cancel()
    else:
        world.desk.drop_prints()
    world.until(lambda: len(world.desk.pictures) == 0)
    assert world.desk.pictures.png(key) is None

    def gone():
        gc.collect()
        return all(frame() is None for frame in world.sensor.frames)

    world.until(gone)
    assert world.desk._taken == {}


def test_no_image_and_no_template_in_the_kiosks_own_notes(world, tmp_path):
    world.begin()
    world.put(70)
    world.accept()
    world.at(phase="press", position=3)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("kiosk.db*"))
    assert b"FMR" not in kept
    assert b"PNG" not in kept
    assert b"B-17" not in kept  # it is there, sealed
    assert world.store.get("draft")["form"]["number"] == "B-17"


def test_the_sensor_is_looked_after_while_nobody_is_booked(world):
    assert world.desk.sensor_trouble == ""
    world.sensor.trouble = SensorUnplugged("missing", path="p")
    world.desk.new()  # every step is a reason to look
    world.until(lambda: world.desk.sensor_trouble == "unplugged")


def test_damaged_notes_are_set_aside_and_the_kiosk_goes_on(tmp_path):
    (tmp_path / "kiosk.db").write_bytes(b"this is no database" * 100)
    with KioskStore(tmp_path / "kiosk.db") as store:
        assert store.notes(limit=1) == []
    assert len(list(tmp_path.glob("kiosk.db.damaged-*"))) == 1


def test_the_plan_is_checked():
    with pytest.raises(ValueError, match="not one of them"):
        FingerPlan(fingers={2: FingerState.MISSING})
    with pytest.raises(ValueError, match="less than or equal"):
        FingerPlan(fingers={11: FingerState.PRINT})
    for number in ("", "B--1", "-1", "x" * 25, "a b", "1;DROP"):
        with pytest.raises(ValueError, match="number"):
            BookingForm(number=number, charge_class="felony", disposition="charged")
    assert BookingForm(number=" b-2026/17 ", charge_class="other", disposition="held").number == "B-2026/17"
