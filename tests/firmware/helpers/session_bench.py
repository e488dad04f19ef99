"""A whole session around a scripted sensor."""

from helpers.fake_clock import FakeClock
from helpers.scripted_sensor import ScriptedSensor, pixel_byte

from firmware.core.counters import Counters
from firmware.core.image import ImageBuffer
from firmware.core.session import SensorSession

_IMAGE = ImageBuffer()
"""One for all tests, as there is one on the board: its memory has no room for two in the long run."""

R307_BYTES = 36_864
R503_BYTES = 18_432


class Bench:
    """Clock, sensor, counters, image and session, put together. `settings` go to the session."""

    def __init__(self, *, image_bytes=R307_BYTES, baud=57600, packet_bytes=128, **settings):
        self.clock = FakeClock()
        self.sensor = ScriptedSensor(self.clock, image_bytes, baud=baud, packet_bytes=packet_bytes)
        self.counters = Counters()
        self.image = _IMAGE
        self.image.wipe()
        self.session = SensorSession(
            port=self.make_port(),
            board=self.sensor,
            clock=self.clock,
            counters=self.counters,
            image=self.image,
            **settings,
        )

    def make_port(self):
        return self.sensor

    def run(self, done, limit_ms=60_000):
        """Step until `done(session)`; how long that took, in ms. A step takes a millisecond."""
        started = self.clock.now()
        while not done(self.session):
            self.session.step()
            self.clock.tick(1)
            assert self.clock.since(started) < limit_ms, "no end: state %d, error %d" % (
                self.session.state,
                self.session.error,
            )
        return self.clock.since(started)

    def capture(self, timeout_ms=5000, looks=1):
        """One capture from beginning to end; its error."""
        assert self.session.start_capture(timeout_ms, looks)
        self.run(idle, 300_000)
        return self.session.error

    def has_image(self):
        """Whether the image in the buffer is the sensor's."""
        image = self.image
        if not image.complete or image.length != self.sensor.image_bytes:
            return False
        return all(image.data[at] == pixel_byte(at) for at in range(image.length))


def idle(session):
    return not session.busy


def in_state(*states):
    return lambda session: session.state in states
