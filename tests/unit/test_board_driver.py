"""The driver against a board on a wire in memory: whose board it is, what gets lost, what is refused.

One long file on purpose: one board in memory, and every way in which it may not be the kiosk's own.
"""

import random
from threading import Event

import numpy as np
import pytest

from edge_service.sensors import FingerprintSensor, NoFinger, SensorGarbled, SensorLocked, SensorUnplugged
from edge_service.sensors.board import (
    BoardFault,
    BoardForeign,
    BoardMismatch,
    BoardRefused,
    BoardSensor,
    BoardTampered,
    BoardUnpaired,
)
from edge_service.sensors.board.pairing import PairingFile, PairingState
from edge_service.sensors.zfm_answers import unpack_image
from firmware.core import bodies, codes
from hardware.bench.memory_board import MemoryBoard

KEY = bytes(range(1, 33))
OTHER_KEY = bytes(range(2, 34))
UNIQUE = "0011223344556677"
RANDOM = random.Random(3)
SMALL = (64, 64, 500, codes.MODEL_OTHER)


def picture():
    return RANDOM.randbytes(64 * 64 // 2)


def pixels(image, width=64, height=64):
    return unpack_image(image, width=width, height=height)


class Bench:
    """A kiosk and its board."""

    def __init__(self, folder, *, key=KEY, remembered=KEY):
        self.wire = MemoryBoard(key=key)
        self.script = self.wire.script
        self.script.geometry = SMALL
        self.file = PairingFile(folder / "pairing.json", port="memory")
        if remembered is not None:
            self.file.confirm(remembered, board=UNIQUE)
        self.sensor = self.reader()

    def reader(self, **options):
        return BoardSensor("memory", pairing=self.file.path, clock=self.wire.time, line=self.wire, **options)

    def press(self):
        self.script.image = picture()
        return pixels(self.script.image)

    def lift(self):
        self.script.image = None

    def take(self, **options):
        wanted = self.press()
        frame = self.sensor.capture(**{"timeout_s": 5.0} | options)
        return np.array_equal(frame.pixels, wanted)

    @property
    def now(self):
        return self.wire.time.now_s


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# -- the good days


def test_image_after_image(bench):
    sensor: FingerprintSensor = bench.sensor
    info = sensor.connect(timeout_s=1.0)
    assert (info.path, info.baud, info.library_emptied) == ("memory", 115_200, True)
    steps = []
    wanted = bench.press()
    frame = sensor.capture(timeout_s=5.0, progress=lambda done, total: steps.append((done, total)))
    assert np.array_equal(frame.pixels, wanted)
    assert (frame.dpi, frame.model) == (500.0, "64x64")
    assert not frame.pixels.flags.writeable
    assert steps == sorted(steps)
    assert steps[-1] == (2048, 2048)
    assert 0 < frame.transfer_s < bench.now - frame.captured_at + 1
    bench.lift()
    assert sensor.wait_for_lift(timeout_s=5.0)
    assert bench.take()
    heard = bench.script.heard
    assert heard.count(codes.CAPTURE) == heard.count(codes.RELEASE) == 2
    assert heard.count(codes.CONFIGURE) == 1
    assert codes.CANCEL not in heard
    sensor.close()
    sensor.close()


def test_the_link_adds_next_to_nothing(bench):
    bench.sensor.connect(timeout_s=1.0)
    began = bench.now
    assert bench.take()
    assert bench.now - began < 0.15


def test_what_the_settings_say_reaches_the_board(bench):
    told = {}

    def note(request):
        start, length = bench.script.link.request_start, bench.script.link.request_length
        told[request] = bytes(bench.script.link.request[start : start + length])

    bench.script.on_request = note
    bench.sensor = bench.reader(model="r503", password=0xC0FFEE, looks=4)
    assert bench.take()
    assert bodies.CONFIGURE.unpack_from(told[codes.CONFIGURE], 0) == (codes.MODEL_R503, 0xC0FFEE)
    assert bodies.CAPTURE.unpack_from(told[codes.CAPTURE], 0) == (pytest.approx(5000, abs=100), 4)


def test_an_unknown_model_is_named(bench):
    with pytest.raises(ValueError, match="did you mean R307"):
        bench.reader(model="R30")


def test_the_best_of_several_images_of_one_press_is_kept(bench):
    bench.sensor = bench.reader(captures=3)
    images = [(300, picture()), (900, picture()), (500, picture())]
    waiting = iter(images)

    def next_image(request):
        if request == codes.CAPTURE:
            bench.script.score, bench.script.image = next(waiting)

    bench.script.on_request = next_image
    frame = bench.sensor.capture(timeout_s=5.0)
    assert np.array_equal(frame.pixels, pixels(images[1][1]))


def test_a_finger_that_goes_after_the_first_of_several_images_is_no_error(bench):
    bench.sensor = bench.reader(captures=3)
    wanted = bench.press()
    done = []

    def lift_after_first(request):
        done.append(request)
        if request == codes.RELEASE:
            bench.lift()

    bench.script.on_request = lift_after_first
    assert np.array_equal(bench.sensor.capture(timeout_s=5.0).pixels, wanted)
    assert done.count(codes.CAPTURE) == 2


# -- whose board it is


def test_a_board_without_a_key(tmp_path):
    bench = Bench(tmp_path, key=None, remembered=None)
    with pytest.raises(BoardUnpaired, match=r"never paired .* edge-service board pair"):
        bench.sensor.connect(timeout_s=1.0)
    assert codes.CAPTURE not in bench.script.heard


def test_a_kiosk_without_a_key(tmp_path):
    bench = Bench(tmp_path, remembered=None)
    with pytest.raises(BoardUnpaired, match="paired with another kiosk"):
        bench.sensor.connect(timeout_s=1.0)
    assert bench.file.read().state is PairingState.UNPAIRED


def test_an_exchanged_board_is_refused_and_putting_the_right_one_back_does_not_help(bench, tmp_path):
    assert bench.take()
    (tmp_path / "other").mkdir()
    other = Bench(tmp_path / "other", key=OTHER_KEY, remembered=None)
    other.script.identity.unique = bytes.fromhex("ffeeddccbbaa9988")
    other.file = bench.file
    other.sensor = other.reader()
    with pytest.raises(BoardForeign, match=r"another board .ffeeddccbbaa9988.") as caught:
        other.sensor.capture(timeout_s=1.0)
    assert caught.value.board == "ffeeddccbbaa9988"
    for reader in (bench.reader(), other.reader()):
        with pytest.raises(BoardTampered, match=r"another board .ffeeddccbbaa9988."):
            reader.connect(timeout_s=1.0)
    assert bench.file.read().state is PairingState.TAMPERED


def test_a_board_that_has_another_key_under_our_number(tmp_path):
    bench = Bench(tmp_path, key=OTHER_KEY)
    with pytest.raises(BoardTampered, match="has lost its key"):
        bench.sensor.connect(timeout_s=1.0)
    assert bench.file.read().state is PairingState.TAMPERED


def test_a_board_with_our_key_and_another_number(bench):
    bench.script.identity.unique = bytes(8)
    with pytest.raises(BoardForeign, match="another board"):
        bench.sensor.connect(timeout_s=1.0)


def test_a_single_strange_answer_is_not_believed(bench):
    """Whoever can put one frame on the wire shall not cost the kiosk its key."""
    bench.script.link.set_pairing_key(bytearray(OTHER_KEY))
    answered = []

    def spoil(data):
        if not answered:
            answered.append(data)
            bench.script.link.set_pairing_key(bytearray(KEY))
        return data

    bench.wire.spoil_up = spoil
    assert bench.take()
    assert bench.file.read().state is PairingState.PAIRED


def test_a_session_played_back_proves_nothing(bench):
    nonces = iter(range(10_000))

    def random_bytes(count):
        """The same numbers of requests each time, other nonces: the best case for whoever plays back."""
        return bytes(2) if count == 2 else next(nonces).to_bytes(count, "big")

    bench.sensor = bench.reader(random=random_bytes)
    assert bench.take()
    recorded = [frame + b"\0" for frame in bytes(bench.wire.on_wire).split(b"\0") if frame]
    bench.sensor.close()
    bench.sensor = bench.reader(random=random_bytes)
    bench.wire.write = lambda data, *_: bench.wire.inject(b"".join(recorded)) or len(data)
    with pytest.raises(BoardForeign, match="does not prove"):
        bench.sensor.capture(timeout_s=5.0)


def test_answers_that_are_forged_again_and_again_cost_the_trust(bench):
    def forge(data):
        """A board that says that all is well and cannot prove it."""
        link = bench.script.link
        link._answers.begin(codes.IDENTIFY + codes.ANSWER, link._reader.sequence, 1)
        link._write_identity(link.reply, 10, codes.ERROR_OK)
        end = link._answers.finish(bodies.IDENTITY.size, link._keys.everybody)
        return bytes(link._answers.wire[:end])

    bench.wire.spoil_up = forge
    with pytest.raises(BoardForeign, match="does not prove"):
        bench.sensor.connect(timeout_s=1.0)
    bench.wire.spoil_up = lambda data: data
    with pytest.raises(BoardTampered, match="does not prove"):
        bench.sensor.connect(timeout_s=1.0)


def test_a_frame_played_back_within_its_session_is_dropped(bench):
    assert bench.take()
    seen = bytes(bench.wire.on_wire)
    bench.wire.inject(seen)
    assert bench.take()
    assert bench.sensor._board.link.replays > 0


def test_the_lid_opens_between_two_captures(bench):
    assert bench.take()
    bench.script.alarm()
    with pytest.raises(BoardTampered, match=r"lid of the kiosk was opened.* saved are still delivered"):
        bench.sensor.capture(timeout_s=1.0)
    assert bench.file.read().state is PairingState.TAMPERED
    with pytest.raises(BoardTampered, match="lid"):
        bench.reader().connect(timeout_s=1.0)


@pytest.mark.parametrize("alarm_is_heard", [True, False])
def test_the_lid_opens_while_an_image_is_under_way(bench, alarm_is_heard):
    bench.press()
    bench.script.stop_after = 3

    def alarm(done, total):
        if bench.script.key is not None:
            bench.wire.swallow_up = 0 if alarm_is_heard else 1
            bench.script.alarm()

    with pytest.raises(BoardTampered):
        bench.sensor.capture(timeout_s=5.0, progress=alarm)
    assert bench.file.read().state is PairingState.TAMPERED


def test_the_lid_was_opened_while_the_kiosk_was_off(bench):
    bench.script.alarm()
    with pytest.raises(BoardTampered, match="lid of the kiosk was opened"):
        bench.sensor.connect(timeout_s=1.0)


def test_a_paired_board_with_its_lid_open(bench):
    bench.script.identity.flags |= codes.FLAG_LID_OPEN
    with pytest.raises(BoardRefused, match="close it"):
        bench.sensor.connect(timeout_s=1.0)
    bench.script.identity.flags = 0
    assert bench.take()


def test_a_pairing_whose_end_was_not_seen_is_finished_by_the_board_s_proof(bench):
    bench.file.offer(KEY, board=UNIQUE)
    assert bench.take()
    assert bench.file.read().state is PairingState.PAIRED


def test_a_pairing_that_never_reached_the_board(bench):
    bench.file.offer(OTHER_KEY, board=UNIQUE)
    with pytest.raises(BoardUnpaired, match="broken off"):
        bench.sensor.connect(timeout_s=1.0)


def test_a_pairing_file_that_cannot_be_read(bench):
    bench.file.path.chmod(0o644)
    with pytest.raises(BoardUnpaired, match="others may read"):
        bench.sensor.connect(timeout_s=1.0)


# -- versions


@pytest.mark.parametrize(
    ("low", "high", "remedy"), [(2, 3, "update the edge service"), (0, 0, "firmware update")]
)
def test_a_board_of_another_version(bench, low, high, remedy):
    body = bytes([codes.ERROR_PROTOCOL, low, high, 0]) + bytes(16) + bytes.fromhex(UNIQUE) + bytes(32)

    def refuse(data):
        link = bench.script.link
        writer = link._notices
        writer.begin(codes.IDENTIFY + codes.ANSWER, link._reader.sequence, 0)
        writer.plain[0] = low
        writer.plain[10 : 10 + len(body)] = body
        end = writer.finish(len(body), link._keys.everybody)
        return bytes(writer.wire[:end])

    bench.wire.spoil_up = refuse
    with pytest.raises(BoardMismatch, match=remedy) as caught:
        bench.sensor.connect(timeout_s=1.0)
    assert caught.value.theirs == (low, high)
    assert caught.value.ours == (1, 1)


# -- what gets lost


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("way", ["swallow_up", "swallow_down"])
def test_lost_questions_and_answers_are_asked_again_and_done_once(bench, way, lost):
    bench.sensor.connect(timeout_s=1.0)
    for request in (codes.STATUS, codes.CAPTURE, codes.RELEASE):

        def lose(kind, wanted=request):
            if kind == wanted:
                bench.script.on_request = lambda _: None
                bench.wire.swallow_up = lost

        before = bench.script.heard.count(codes.CAPTURE)
        if way == "swallow_up":
            bench.script.on_request = lose
        else:
            bench.wire.swallow_down = lost
        assert bench.take()
        assert bench.script.heard.count(codes.CAPTURE) == before + 1


def test_a_board_whose_answers_all_come_late(bench):
    """Slower than the deadline, every time: each answer arrives while the question is asked again."""
    late = []
    read = bench.wire.read_some

    def read_late():
        data = read()
        if data:
            late.append((bench.now + 0.45, data))
        if late and bench.now >= late[0][0]:
            return late.pop(0)[1]
        return b""

    bench.wire.read_some = read_late
    assert bench.take()


def test_a_board_that_answers_nothing(bench):
    bench.wire.swallow_up = 10**9
    began = bench.now
    with pytest.raises(BoardFault, match=r"does not answer .* Unplug its USB cable") as caught:
        bench.sensor.connect(timeout_s=1.0)
    assert caught.value.code is None
    assert bench.now - began < 3.0
    assert bench.file.read().state is PairingState.PAIRED
    bench.wire.swallow_up = 0
    assert bench.take()


def test_a_board_that_falls_silent_in_mid_session(bench):
    bench.sensor.connect(timeout_s=1.0)
    bench.wire.swallow_up = 10**9
    began = bench.now
    with pytest.raises(BoardFault, match="does not answer"):
        bench.sensor.capture(timeout_s=60.0)
    assert bench.now - began < 10.0


def test_a_session_that_the_board_has_forgotten_is_begun_anew(bench):
    bench.sensor.connect(timeout_s=1.0)
    bench.script.restart()
    assert bench.take()
    bench.script.restart()
    bench.lift()
    assert bench.sensor.wait_for_lift(timeout_s=1.0)


def test_a_board_that_restarts_while_a_finger_is_waited_for_is_asked_again(bench):
    bench.sensor.connect(timeout_s=1.0)
    wanted = []

    def restart_once(request):
        if request == codes.CAPTURE and not wanted:
            wanted.append(None)
            bench.script.restart()
            wanted[0] = bench.press()

    bench.script.on_request = restart_once
    assert np.array_equal(bench.sensor.capture(timeout_s=60.0).pixels, wanted[0])


def test_a_board_that_restarts_under_every_capture(bench):
    def restart(request):
        if bench.script.state == codes.STATE_WAITING_FINGER:
            bench.script.restart()

    bench.script.on_request = restart
    with pytest.raises(BoardFault, match="edge-service board status"):
        bench.sensor.capture(timeout_s=600.0)


def test_a_board_that_restarts_within_an_image(bench):
    bench.press()
    bench.script.stop_after = 3
    with pytest.raises(BoardFault, match=r"restarted while the image was under way.* Press"):
        bench.sensor.capture(timeout_s=60.0, progress=lambda *_: bench.script.restart())
    bench.script.stop_after = None
    assert bench.take()


@pytest.mark.parametrize(
    "kinds",
    [
        {codes.EVENT_IMAGE},
        {codes.EVENT_IMAGE_END},
        {codes.EVENT_STATE},
        {codes.EVENT_IMAGE, codes.EVENT_IMAGE_END, codes.EVENT_STATE},
    ],
)
def test_events_that_never_come_are_found_out_by_the_status(bench, kinds):
    bench.script.lose_kinds = kinds
    assert bench.take()
    bench.lift()
    assert bench.sensor.wait_for_lift(timeout_s=5.0)
    with pytest.raises(NoFinger):
        bench.sensor.capture(timeout_s=0.5)


@pytest.mark.parametrize("lose", [{0}, {7}, {0, 1, 2}, {1, 3, 5}, set(range(8))])
def test_missing_chunks_are_asked_for_again(bench, lose):
    bench.script.lose = set(lose)
    assert bench.take()
    assert codes.GET_CHUNKS in bench.script.heard


def test_a_whole_image_of_which_only_the_status_knows(bench):
    bench.script.lose = set(range(144))
    bench.script.lose_kinds = {codes.EVENT_IMAGE, codes.EVENT_IMAGE_END, codes.EVENT_STATE}
    bench.script.geometry = (256, 288, 500, codes.MODEL_R307)
    bench.script.image = RANDOM.randbytes(36_864)
    frame = bench.sensor.capture(timeout_s=5.0)
    assert np.array_equal(frame.pixels, pixels(bench.script.image, 256, 288))
    assert frame.model == "R307"
    assert bench.script.heard.count(codes.GET_CHUNKS) == 3


def test_chunks_that_never_come(bench):
    bench.script.lose_kinds = {codes.EVENT_CHUNK}
    bench.press()
    began = bench.now
    with pytest.raises(SensorGarbled, match="do not arrive") as caught:
        bench.sensor.capture(timeout_s=5.0)
    assert (caught.value.expected_bytes, caught.value.received_bytes) == (2048, 0)
    assert bench.now - began < 10.0


def test_an_image_that_stalls(bench):
    bench.press()
    bench.script.stop_after = 3
    began = bench.now
    with pytest.raises(SensorGarbled, match="broke off") as caught:
        bench.sensor.capture(timeout_s=5.0)
    assert caught.value.received_bytes == 768
    assert bench.now - began < 45.0
    assert bench.script.heard[-1] == codes.CANCEL


def test_an_image_that_the_board_fetches_again_replaces_the_first(bench):
    first, second = picture(), picture()
    bench.script.image, bench.script.stop_after = first, 5
    done = []

    def again(bytes_done, _):
        done.append(bytes_done)
        if bytes_done == 1280 and bench.script.stop_after is not None:
            bench.script.stop_after = None
            bench.script._take(second)

    frame = bench.sensor.capture(timeout_s=5.0, progress=again)
    assert np.array_equal(frame.pixels, pixels(second))
    assert done.count(256) == 2


def test_a_wrong_hash_is_fetched_again_once_and_never_leaves(bench):
    bench.script.wrong_sha = 1
    bench.press()
    with pytest.raises(SensorGarbled, match="SHA-256"):
        bench.sensor.capture(timeout_s=5.0)
    assert bench.script.heard.count(codes.GET_CHUNKS) == 1
    assert bench.take()


def test_a_chunk_that_was_wrong_the_first_time(bench):
    right = bench.script._chunk

    def wrong_once(number):
        if number == next(wrong, None):
            bench.script.event(
                codes.EVENT_CHUNK, bodies.EVENT_CHUNK.pack(bench.script.generation, 0) + bytes(256)
            )
        else:
            right(number)

    wrong = iter([0])  # the first chunk of the first sending
    bench.script._chunk = wrong_once
    assert bench.take()
    assert bench.script.heard.count(codes.GET_CHUNKS) == 1


def test_damaged_frames_are_counted_and_made_good(bench):
    noise = random.Random(1)

    def flip(data):
        spoiled = bytearray(data)
        if noise.random() < 0.3:
            spoiled[noise.randrange(len(spoiled))] ^= 1 << noise.randrange(8)
        return bytes(spoiled)

    bench.wire.spoil_up = flip
    for _ in range(5):
        assert bench.take()
    assert bench.sensor._board.link.damaged > 0
    assert bench.sensor._board.link.bad_macs == 0


# -- the cable


def test_pulled_out_within_an_image_and_put_back(bench):
    bench.press()
    bench.script.stop_after = 3
    with pytest.raises(SensorUnplugged, match="went away") as caught:
        bench.sensor.capture(timeout_s=5.0, progress=lambda *_: bench.wire.unplug())
    assert caught.value.reason == "lost"
    with pytest.raises(SensorUnplugged, match="is not there"):
        bench.sensor.capture(timeout_s=0.0)
    bench.wire.replug()
    bench.script.stop_after = None
    assert bench.take()


def test_pulled_out_between_two_captures_is_no_error(bench):
    assert bench.take()
    bench.wire.unplug()
    bench.wire.replug()
    assert bench.take()


def test_connect_can_be_cancelled_while_the_cable_is_out(bench):
    bench.wire.unplug()
    cancel = Event()
    cancel.set()
    with pytest.raises(NoFinger) as caught:
        bench.sensor.connect(timeout_s=60.0, cancel=cancel)
    assert caught.value.cancelled


# -- the person


def test_no_finger(bench):
    began = bench.now
    with pytest.raises(NoFinger, match="Place the finger flat") as caught:
        bench.sensor.capture(timeout_s=2.0)
    assert 2.0 <= caught.value.waited_s <= bench.now - began < 3.0
    assert bench.take()


def test_waiting_longer_than_the_board_does_at_a_time(bench):
    with pytest.raises(NoFinger) as caught:
        bench.sensor.capture(timeout_s=1500.0)
    assert caught.value.waited_s >= 1500.0
    assert bench.script.heard.count(codes.CAPTURE) == 3


def test_a_finger_of_which_no_image_can_be_made(bench):
    def fail(request):
        if request == codes.STATUS and bench.script.state == codes.STATE_WAITING_FINGER:
            bench.script._end(codes.STATE_READY, codes.ERROR_IMAGE_FAILED)

    bench.script.on_request = fail
    with pytest.raises(NoFinger, match="dry cloth") as caught:
        bench.sensor.capture(timeout_s=60.0)
    assert caught.value.failed_images == 1


def test_cancelled_while_waiting_and_within_an_image(bench):
    cancel = Event()
    bench.script.on_request = lambda request: cancel.set() if request == codes.CAPTURE else None
    with pytest.raises(NoFinger) as caught:
        bench.sensor.capture(timeout_s=60.0, cancel=cancel)
    assert caught.value.cancelled
    assert bench.script.heard[-1] == codes.CANCEL
    bench.script.on_request = lambda _: None
    cancel.clear()
    bench.press()
    with pytest.raises(NoFinger) as caught:
        bench.sensor.capture(timeout_s=60.0, cancel=cancel, progress=lambda *_: cancel.set())
    assert caught.value.cancelled
    assert bench.take()


def test_a_callback_that_fails_does_not_spoil_the_next_capture(bench):
    bench.press()
    with pytest.raises(ZeroDivisionError):
        bench.sensor.capture(timeout_s=5.0, progress=lambda *_: 1 // 0)
    assert bench.take()


def test_the_finger_stays_on(bench):
    assert bench.take()
    assert not bench.sensor.wait_for_lift(timeout_s=1.0)
    cancel = Event()
    cancel.set()
    assert not bench.sensor.wait_for_lift(timeout_s=60.0, cancel=cancel)
    bench.lift()
    assert bench.sensor.wait_for_lift(timeout_s=1.0)


# -- what the board says is wrong


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (codes.ERROR_SENSOR_SILENT, BoardFault, "TX and RX are crossed"),
        (codes.ERROR_SENSOR_GARBLED, SensorGarbled, "again and again"),
        (codes.ERROR_SENSOR_LOCKED, SensorLocked, "password"),
        (codes.ERROR_SENSOR_UNKNOWN, BoardFault, "Set the sensor's model"),
        (codes.ERROR_SENSOR_REFUSED, BoardFault, "0x1a"),
        (99, BoardFault, r"says 99 \(26\)"),
    ],
)
def test_a_sensor_at_fault(bench, error, kind, words):
    bench.script.state, bench.script.error, bench.script.detail = codes.STATE_FAULT, error, 0x1A
    with pytest.raises(kind, match=words):
        bench.sensor.connect(timeout_s=1.0)
    asked = bench.script.heard.count(codes.POWER_CYCLE)
    assert asked == (0 if error == codes.ERROR_SENSOR_LOCKED else 1)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (codes.ERROR_BUSY, BoardFault, "is busy"),
        (codes.ERROR_UNPAIRED, BoardUnpaired, "no key"),
        (codes.ERROR_LID_OPEN, BoardRefused, "close it"),
        (codes.ERROR_BAD_BODY, BoardFault, "field 3"),
        (codes.ERROR_UNKNOWN_REQUEST, BoardFault, "firmware update"),
    ],
)
def test_a_capture_that_is_refused(bench, error, kind, words):
    bench.script.answers[codes.CAPTURE] = (error, 3)
    with pytest.raises(kind, match=words):
        bench.sensor.capture(timeout_s=1.0)


def test_an_image_that_was_overwritten(bench):
    bench.script.answers[codes.GET_CHUNKS] = (codes.ERROR_NO_SUCH_IMAGE, 0)
    bench.script.lose = {1}
    bench.press()
    with pytest.raises(BoardFault, match="Press the finger again"):
        bench.sensor.capture(timeout_s=5.0)


@pytest.mark.parametrize("request_", [codes.STATUS, codes.SENSOR])
def test_answers_of_a_wrong_length(bench, request_):
    bench.script.replies[request_] = b"\1\2\3"
    with pytest.raises(BoardFault, match="protocol does not know"):
        bench.sensor.connect(timeout_s=1.0)


def test_a_sensor_that_never_gets_ready(bench):
    bench.script.state = codes.STATE_PROBING
    began = bench.now
    with pytest.raises(BoardFault, match="no answer from the sensor"):
        bench.sensor.connect(timeout_s=1.0)
    assert bench.now - began < 20.0


def test_what_another_program_left_behind_is_ended(bench):
    bench.sensor.connect(timeout_s=1.0)
    bench.script.state = codes.STATE_DONE
    assert bench.take()
    assert codes.CANCEL in bench.script.heard
