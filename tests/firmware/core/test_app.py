"""The application as a whole: requests, image, watchdog, memory, saving. On CPython and on MicroPython."""
# heap: 512k - all of the firmware as sources, and the tests; a board holds it compiled, and no tests

from helpers.app_bench import AppBench  # first: it needs memory in one piece

# isort: split
from hashlib import sha256

from helpers.scripted_sensor import image_packet, pixel_byte
from helpers.session_bench import R307_BYTES

from firmware.core import bodies, codes, parameters
from firmware.core.compat import micropython

CHUNKS = R307_BYTES // 256
CAPTURE = bodies.CAPTURE.pack(5000, 1)
NO_KEY = bytes(32)


def digest_of_the_finger():
    digest = sha256()
    for start in range(0, R307_BYTES, 256):
        digest.update(bytes([pixel_byte(at) for at in range(start, start + 256)]))
    return digest.digest()


def test_identify_says_who_the_board_is():
    bench = AppBench(cause=codes.RESET_WATCHDOG)
    identity = bench.ready()
    assert identity["error"] == 0
    assert identity["unique"] == b"12345678"
    assert identity["version"] == b"1.2.3" + bytes(11)
    assert identity["board"] == codes.BOARD_UNIX
    assert identity["reset_cause"] == codes.RESET_WATCHDOG
    assert identity["boots"] == 1
    assert identity["flags"] == codes.FLAG_PAIRED | codes.FLAG_SESSION
    assert identity["uptime_ms"] > 0
    assert identity["capabilities"] & codes.CAN_TAMPER
    assert not identity["capabilities"] & (codes.CAN_UPDATE | codes.CAN_DETECT)
    assert bench.count("watchdog_resets") == 1


def test_an_image_goes_up_while_it_comes_in():
    bench = AppBench()
    bench.ready()
    assert bench.ask(codes.CAPTURE, CAPTURE) == (0, b"")
    bench.run(lambda: bench.image.length > R307_BYTES // 2)
    bench.step(2)
    bench.listen()
    announced = bodies.EVENT_IMAGE.named(bench.named(codes.EVENT_IMAGE)[0], 0)
    assert announced["generation"] == bench.image.generation
    assert announced["bytes_due"] == R307_BYTES
    assert len(bench.chunks) >= CHUNKS // 2 - 1
    assert not bench.named(codes.EVENT_IMAGE_END)
    bench.run(lambda: not bench.session.busy)
    bench.step(5)
    bench.listen()
    assert bench.chunks == list(range(CHUNKS))
    end = bodies.EVENT_IMAGE_END.named(bench.named(codes.EVENT_IMAGE_END)[0], 0)
    assert end["sha256"] == bench.digest.digest() == digest_of_the_finger()
    assert end["bytes_due"] == R307_BYTES
    status = bench.status()
    assert status["state"] == codes.STATE_DONE
    assert status["complete"] == 1
    assert status["sha256"] == end["sha256"]
    assert status["score"] == end["score"]


def test_chunks_are_sent_again_and_an_image_is_released():
    bench = AppBench()
    generation = bench.captured()["generation"]
    assert bench.ask(codes.GET_CHUNKS, bodies.GET_CHUNKS.pack(generation, 140, 64)) == (0, b"")
    bench.step(10)
    bench.listen()
    assert bench.chunks == [140, 141, 142, 143]
    assert bench.count("chunks_again") == 4
    for first, count, detail in ((144, 1, 2), (0, 0, 3), (0, 65, 3)):
        body = bodies.GET_CHUNKS.pack(generation, first, count)
        assert bench.ask(codes.GET_CHUNKS, body) == (codes.ERROR_BAD_BODY, bytes([detail]))
    other = bodies.GET_CHUNKS.pack(generation + 1, 0, 1)
    assert bench.ask(codes.GET_CHUNKS, other)[0] == codes.ERROR_NO_SUCH_IMAGE
    assert bench.ask(codes.RELEASE, bodies.RELEASE.pack(generation + 1))[0] == codes.ERROR_NO_SUCH_IMAGE
    assert bench.ask(codes.RELEASE, bodies.RELEASE.pack(generation)) == (0, b"")
    assert not any(bench.image.data)
    assert bench.ask(codes.RELEASE, bodies.RELEASE.pack(generation))[0] == codes.ERROR_NO_SUCH_IMAGE
    status = bench.status()
    assert (status["complete"], status["bytes_so_far"], status["sha256"]) == (0, 0, bytes(32))


def test_an_image_that_nobody_releases_is_overwritten():
    bench = AppBench()
    bench.captured()
    bench.step(parameters.HELD_IMAGE_MS - 1000)
    assert any(bench.image.data)
    bench.step(1100)
    assert not any(bench.image.data)


def test_cancel_overwrites_what_there_is():
    bench = AppBench()
    bench.ready()
    bench.ask(codes.CAPTURE, CAPTURE)
    bench.run(lambda: bench.image.length > 5000)
    assert bench.ask(codes.CANCEL) == (0, b"")
    assert not any(bench.image.data)
    assert bench.session.error == codes.ERROR_CANCELLED
    bench.run_to(codes.STATE_READY)
    bench.wire.take()
    bench.step(500)
    assert not any(bench.image.data)


def test_a_pi_that_does_not_read_only_makes_the_image_lag():
    bench = AppBench()
    bench.ready()
    bench.ask(codes.CAPTURE, CAPTURE)
    bench.listen()
    bench.wire.room = 700
    bench.run(lambda: not bench.session.busy)
    assert bench.session.error == 0
    assert bench.image.complete
    assert bench.wire.written == 700
    fed = bench.board.fed
    bench.step(3000)
    assert bench.board.fed >= fed + 2900
    assert bench.count("link_stalls") >= 1
    bench.wire.room = 1_000_000
    bench.wire.take()
    status = bench.status()
    assert status["complete"] == 1
    assert status["sha256"] == digest_of_the_finger()


def test_requests_that_are_not_right_are_refused_with_their_reason():
    bench = AppBench()
    bench.ready()
    assert bench.ask(codes.CAPTURE, b"") == (codes.ERROR_BAD_BODY, b"\1")
    assert bench.ask(codes.STATUS, b"1") == (codes.ERROR_BAD_BODY, b"\1")
    assert bench.ask(codes.CAPTURE, bodies.CAPTURE.pack(2**31, 1)) == (codes.ERROR_BAD_BODY, b"\1")
    assert bench.ask(codes.CAPTURE, bodies.CAPTURE.pack(1000, 0)) == (codes.ERROR_BAD_BODY, b"\2")
    assert bench.ask(codes.CAPTURE, bodies.CAPTURE.pack(1000, 11)) == (codes.ERROR_BAD_BODY, b"\2")
    assert bench.ask(codes.WAIT_LIFT, bodies.WAIT_LIFT.pack(2**31)) == (codes.ERROR_BAD_BODY, b"\1")
    assert bench.ask(codes.CONFIGURE, bodies.CONFIGURE.pack(77, 0)) == (codes.ERROR_BAD_BODY, b"\1")
    assert bench.ask(0x3F)[0] == codes.ERROR_UNKNOWN_REQUEST
    assert bench.ask(codes.UPDATE_BEGIN, bytes(36))[0] == codes.ERROR_UNKNOWN_REQUEST
    bench.board.finger = [2]
    assert bench.ask(codes.CAPTURE, CAPTURE)[0] == 0
    assert bench.ask(codes.CAPTURE, CAPTURE) == (codes.ERROR_BUSY, bytes([bench.session.state]))
    assert bench.ask(codes.WAIT_LIFT, bodies.WAIT_LIFT.pack(100))[0] == codes.ERROR_BUSY


def test_what_the_sensor_is_and_what_was_counted():
    bench = AppBench()
    bench.ready()
    error, body = bench.ask(codes.SENSOR)
    sensor = bodies.SENSOR.named(body, 0)
    assert (error, sensor["baud"], sensor["packet_bytes"], sensor["capacity"]) == (0, 115200, 256, 200)
    error, body = bench.ask(codes.COUNTERS)
    assert error == 0
    assert len(body) == 4 * len(bench.store.counters.values)
    assert bodies.u32(body, 0) == 1
    assert bench.store.saved[0][2] == 0
    bench.step(1100)
    assert bench.store.saved[-1][2] == 115200


def test_configuring_starts_the_sensor_anew_once():
    bench = AppBench()
    bench.ready()
    ups = bench.board.power_ups
    for _ in range(2):
        assert bench.ask(codes.CONFIGURE, bodies.CONFIGURE.pack(codes.MODEL_R307, 0)) == (0, b"")
        bench.run_to(codes.STATE_READY)
    assert bench.board.power_ups == ups + 1
    assert bench.open()["sensor_model"] == codes.MODEL_R307


# -- watchdog, memory, saving


def test_a_session_that_stands_still_starves_the_watchdog():
    bench = AppBench()
    bench.ready()
    bench.board.finger = [2]
    bench.ask(codes.CAPTURE, bodies.CAPTURE.pack(600_000, 1))
    bench.step(parameters.STUCK_MS + 5000)
    fed = bench.board.fed
    bench.step(2000)
    assert bench.board.fed == fed + 2000  # the sensor answers each look

    def stand_still():
        """A flow that was forgotten half way."""

    bench.session.step = stand_still
    bench.step(parameters.STUCK_MS)
    fed = bench.board.fed
    bench.step(5000)
    assert bench.board.fed == fed


def test_a_silent_sensor_is_a_fault_and_no_reset():
    bench = AppBench()
    bench.board.takes_bytes = False
    started = bench.clock.now()
    bench.run_to(codes.STATE_FAULT)
    assert bench.clock.since(started) < 60_000
    bench.step(30_000)
    assert bench.board.fed > bench.clock.since(started) - 10


class PacketPort:
    """Before the sensor: once `packet` is set, that is what comes, and giving it allocates nothing."""

    def __init__(self, sensor):
        self.set_baud = sensor.set_baud
        self.write = sensor.write
        self.sensor_read = sensor.read_into
        self.packet = b""
        self.at = 0

    def read_into(self, buffer, count):
        if not self.packet:
            return self.sensor_read(buffer, count)
        count = min(count, len(self.packet) - self.at, 100)
        for at in range(count):
            buffer[at] = self.packet[self.at]
            self.at += 1
        return count


class PacketBench(AppBench):
    def make_port(self):
        self.port = PacketPort(self.board)
        return self.port


def test_nothing_is_allocated_while_an_image_is_transferred():
    bench = PacketBench()
    bench.ready()
    port = bench.port
    bench.board.image_bytes = 0  # it agrees to send an image and leaves that to the port
    bench.ask(codes.CAPTURE, CAPTURE)
    bench.run(lambda: bench.image.expected)
    for number in range(CHUNKS - 1):
        # A packet is made while there is memory, and taken and sent on while there is none.
        port.packet, port.at = image_packet(number, 256, R307_BYTES), 0
        micropython.heap_lock()
        try:
            while port.at < len(port.packet):
                bench.app.step()
                bench.clock.tick(1)
            bench.app.step()
            bench.app.step()
        finally:
            micropython.heap_unlock()
        if number % 5 == 0:
            bench.listen()
    port.packet, port.at = image_packet(CHUNKS - 1, 256, R307_BYTES), 0
    bench.run(lambda: bench.image.complete)
    bench.step(5)
    bench.listen()
    assert bench.chunks == list(range(CHUNKS))
    assert bench.digest.digest() == digest_of_the_finger()


def test_counters_are_saved_once_an_hour_and_only_if_they_changed():
    bench = AppBench()
    bench.ready()
    bench.step(1500)
    saves = len(bench.store.saved)
    bench.clock.tick(parameters.COUNTERS_SAVE_EVERY_MS)
    bench.step(1100)
    assert len(bench.store.saved) == saves
    bench.wire.coming += b"\1\2\3\0"
    bench.clock.tick(parameters.COUNTERS_SAVE_EVERY_MS)
    bench.step(1100)
    assert len(bench.store.saved) == saves + 1


def test_the_error_of_the_job_before_is_not_told_of_the_next():
    bench = AppBench()
    bench.ready()
    bench.board.finger = [2]
    assert bench.ask(codes.CAPTURE, bodies.CAPTURE.pack(100, 1)) == (0, b"")
    bench.run(lambda: not bench.session.busy)
    bench.step(5)
    bench.listen()
    assert bench.named(codes.EVENT_STATE)[-1][1] == codes.ERROR_NO_FINGER
    assert bench.status()["error"] == codes.ERROR_NO_FINGER
    bench.board.takes_bytes = False
    bench.ask(codes.CAPTURE, CAPTURE)
    bench.events = []
    bench.run(lambda: bench.session.error == codes.ERROR_SENSOR_SILENT and not bench.session.busy, 300_000)
    bench.step(5)
    bench.listen()
    errors = [body[1] for body in bench.named(codes.EVENT_STATE)]
    assert errors[-1] == codes.ERROR_SENSOR_SILENT
    assert set(errors[:-1]) == {0}
