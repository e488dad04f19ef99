"""The whole application between a scripted sensor and a Pi written down for the tests."""

from helpers.session_bench import _IMAGE, R307_BYTES  # first, while there is memory for it in one piece

# isort: split
from hashlib import sha256

from helpers.fake_clock import FakeClock
from helpers.link_bench import KEY, Pi, Wire
from helpers.scripted_sensor import ScriptedSensor

from firmware.core import bodies, codes
from firmware.core.app import App
from firmware.core.counters import NAMES, Counters
from firmware.core.store import Store

LISTEN_BYTES = 2000
_GONE = bytearray(LISTEN_BYTES + 2000)
FOLDER = "/tmp"


class MemoryStore(Store):
    """A store whose flash is a list of what was saved; `refuses` plays one that cannot be written."""

    def __init__(self, key=KEY):
        Store.__init__(self, folder=FOLDER, counters=Counters())
        self.pairing_key = key
        self.refuses = False
        self.saved = []

    def save(self):
        if self.refuses:
            return False
        self.saved.append((self.pairing_key, self.tampered, self.baud))
        return True


class BoardWithHands(ScriptedSensor):
    """The pins that only the application looks at."""

    lid_open = False
    button = False
    cause = codes.RESET_POWER
    fed = 0
    reboots = 0

    def tamper_open(self):
        return self.lid_open

    def button_pressed(self):
        return self.button

    def reset_cause(self):
        return self.cause

    def reboot(self):
        self.reboots += 1

    def feed_watchdog(self):
        self.fed += 1


class SmallWire(Wire):
    """A wire with little memory: `listen` often."""

    def __init__(self):
        self.coming = bytearray()
        self.gone = _GONE
        self.written = 0
        self.room = self.most = 1_000_000
        self.pulled = False

    def read_into(self, buffer, count):
        return Wire.read_into(self, buffer, count) if len(self.coming) or self.pulled else 0


class AppBench:
    """`step` makes one loop of a millisecond; `ask` is a request and its answer."""

    def __init__(self, *, key=KEY, pi_key=KEY, lid_open=False, slots=None, cause=codes.RESET_POWER):
        self.clock = FakeClock()
        self.board = BoardWithHands(self.clock, R307_BYTES, packet_bytes=256)
        self.board.lid_open = lid_open
        self.board.cause = cause
        self.store = MemoryStore(key)
        self.wire = SmallWire()
        self.image = _IMAGE
        self.image.wipe()
        self.app = App(
            usb=self.wire,
            sensor=self.make_port(),
            board=self.board,
            clock=self.clock,
            store=self.store,
            image=self.image,
            random=fill,
            version="1.2.3",
            unique_id=b"12345678",
            slots=slots,
        )
        self.session = self.app.session
        self.pi = Pi(pi_key)
        self.sequence = 0
        self.events = []
        self.chunks = []
        self.generation = 0
        self.digest = sha256()

    def make_port(self):
        return self.board

    def step(self, ms=1):
        for _ in range(ms):
            self.app.step()
            self.clock.tick(1)
            if self.wire.written > LISTEN_BYTES:
                self.listen()

    def run(self, done, limit_ms=60_000):
        """Step until `done()`."""
        started = self.clock.now()
        while not done():
            self.step()
            assert self.clock.since(started) < limit_ms, "no end: state %d, error %d" % (
                self.session.state,
                self.session.error,
            )

    def run_to(self, state):
        self.run(lambda: self.session.state == state)

    def listen(self):
        """What came since: answers as (error, rest).

        Events are put into `events` as (type, body); of chunks only the numbers are kept, in `chunks`, and the hash
        of those of the present image that came in their order, in `digest`.
        """
        answers = []
        for kind, sequence, _, body, whose in self.pi.read(self.wire.take()):
            assert whose == "up", (kind, whose)
            if kind > codes.ANSWER:
                assert sequence == self.sequence
                answers.append((body[0], body[1:]))
            elif kind == codes.EVENT_CHUNK:
                generation, number = bodies.EVENT_CHUNK.unpack_from(body, 0)
                assert generation >= self.generation
                self.generation = generation
                if number == len(self.chunks):
                    self.digest.update(body[4:])
                self.chunks.append(number)
            else:
                self.events.append((kind, body))
        return answers

    def open(self):
        """A session; the identity by name. Needs a board that accepts our key."""
        self.listen_raw()
        self.wire.coming += self.pi.identify(sequence=self.sequence + 1)
        self.sequence += 1
        self.step(3)
        frames = self.listen_raw()
        body = next(frame[3] for frame in frames if frame[0] == codes.IDENTIFY + codes.ANSWER)
        identity = bodies.IDENTITY.named(body, 0)
        if not identity["error"]:
            self.pi.derive(identity["board_nonce"])
        return identity

    def listen_raw(self):
        return self.pi.read(self.wire.take())

    def ask(self, kind, body=b""):
        """Error and what came after it."""
        self.sequence += 1
        self.wire.coming += self.pi.frame(kind, body, sequence=self.sequence)
        answers = []
        for _ in range(50):
            self.step()
            answers += self.listen()
            if answers:
                return answers[0]
        raise AssertionError("no answer")

    def status(self):
        error, body = self.ask(codes.STATUS)
        assert error == 0
        return bodies.STATUS.named(body, 0)

    def ready(self, **settings):
        """Settled, in a session, the sensor ready."""
        self.run_to(codes.STATE_READY)
        self.step(100)
        return self.open(**settings)

    def captured(self):
        """An image that has gone up; what IMAGE_END says of it."""
        self.ready()
        assert self.ask(codes.CAPTURE, bodies.CAPTURE.pack(5000, 1)) == (0, b"")
        self.run(lambda: not self.session.busy)
        self.step(5)
        self.listen()
        end = bodies.EVENT_IMAGE_END.named(self.named(codes.EVENT_IMAGE_END)[0], 0)
        self.events = []
        self.chunks = []
        return end

    def named(self, kind):
        return [body for found, body in self.events if found == kind]

    def count(self, name):
        return self.store.counters.values[NAMES.index(name)]


def fill(buffer):
    for i in range(len(buffer)):
        buffer[i] = i
