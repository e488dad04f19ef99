"""From the first packet of an image to the last nothing is allocated: shown on MicroPython with the heap locked."""

from helpers.scripted_sensor import image_packet
from helpers.session_bench import R307_BYTES, Bench, in_state

from firmware.core import codes
from firmware.core.compat import micropython

PACKET_BYTES = 256


class Wire:
    """Stands between sensor and session; once it is `rendered` it needs no memory to give an image."""

    def __init__(self, sensor):
        self.sensor = sensor
        self.stream = bytearray(0)
        self.at = 0

    def render(self):
        count = R307_BYTES // PACKET_BYTES
        stream = bytearray(R307_BYTES + 11 * count)
        for number in range(count):
            start = number * (PACKET_BYTES + 11)
            stream[start : start + PACKET_BYTES + 11] = image_packet(number, PACKET_BYTES, R307_BYTES)
        stream[1000] ^= 1  # the first attempt shall see some damage
        self.stream = stream

    def set_baud(self, baud):
        self.sensor.set_baud(baud)

    def write(self, buffer, offset, count):
        return self.sensor.write(buffer, offset, count)

    def read_into(self, buffer, count):
        left = len(self.stream) - self.at
        if not left:
            return self.sensor.read_into(buffer, count)
        count = min(count, left, 100)
        for at in range(count):
            buffer[at] = self.stream[self.at]
            self.at += 1
        return count


class WiredBench(Bench):
    """A session whose port is a `Wire`."""

    def make_port(self):
        self.wire = Wire(self.sensor)
        return self.wire


def steps_with_the_heap_locked(bench, until):
    step, tick = bench.session.step, bench.clock.tick
    image = bench.image
    micropython.heap_lock()
    try:
        while image.length < until:
            step()
            tick(1)
    finally:
        micropython.heap_unlock()


def test_an_image_is_received_with_the_heap_locked():
    for damaged in (True, False):
        bench = WiredBench(remembered_baud=57600, packet_bytes=PACKET_BYTES, model=codes.MODEL_R307)
        bench.run(in_state(codes.STATE_READY))
        bench.wire.render()
        if not damaged:
            bench.wire.stream[1000] ^= 1
        wire_bytes = len(bench.wire.stream)
        bench.wire.at = wire_bytes
        bench.sensor.image_bytes = 0  # it says yes to UpImage and sends none: the wire does
        bench.session.start_capture(1000, 1)
        bench.run(in_state(codes.STATE_RECEIVING))
        image = bench.image
        bench.run(lambda _, image=image: image.expected)
        bench.wire.at = 0
        if damaged:
            until = 3 * PACKET_BYTES
            steps_with_the_heap_locked(bench, until)
            micropython.heap_lock()
            try:
                while bench.wire.at < wire_bytes - 300:
                    bench.session.step()
                    bench.clock.tick(1)
            finally:
                micropython.heap_unlock()
            assert bench.image.length == until
            continue
        steps_with_the_heap_locked(bench, R307_BYTES - PACKET_BYTES)
        bench.run(lambda session: not session.busy)
        assert bench.session.error == 0
        bench.sensor.image_bytes = R307_BYTES
        assert bench.has_image()


def test_the_lock_would_catch_an_allocation():
    from firmware.core.compat import ON_MICROPYTHON

    caught = False
    micropython.heap_lock()
    try:
        bytes(100)
    except MemoryError:
        caught = True
    finally:
        micropython.heap_unlock()
    assert caught == ON_MICROPYTHON
