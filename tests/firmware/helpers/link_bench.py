"""A board's link between a wire that does what it is told and a Pi that is written down here once more.

The Pi's cryptography is hashlib's, so that the board's own is not compared with itself.
"""

from binascii import crc32
from hashlib import sha256

from helpers.fake_clock import FakeClock

from firmware.core import bodies, codes, framing
from firmware.core.board_link import BoardLink, Identity
from firmware.core.counters import NAMES, Counters

KEY = bytes(range(100, 132))
PI_NONCE = b"nonce of the Pi!"


def hmac(key, text):
    """RFC 2104 for keys of at most 64 bytes."""
    key = key + bytes(64 - len(key))
    inner = sha256(bytes([b ^ 0x36 for b in key]) + text).digest()
    return sha256(bytes([b ^ 0x5C for b in key]) + inner).digest()


class PiChecks:
    """What framing asks for, over the interpreter's own libraries. Keys are bytes."""

    def crc32_into(self, buffer, end, out, at):
        out[at : at + 4] = crc32(bytes(buffer[:end])).to_bytes(4, "big")

    def mac_into(self, key, buffer, end, out, at):
        out[at : at + 16] = hmac(key, bytes(buffer[:end]))[:16]


class Wire:
    """The board's USB port: `coming` is what it may read, `gone` what it wrote; `room` bounds what it takes."""

    def __init__(self):
        self.coming = bytearray()
        self.gone = bytearray(20_000)
        self.written = 0
        self.room = 1_000_000
        self.most = 1_000_000  # taken in one call
        self.pulled = False

    def read_into(self, buffer, count):
        if self.pulled:
            return -1
        count = min(count, len(self.coming))
        buffer[:count] = self.coming[:count]
        self.coming = self.coming[count:]
        return count

    def write(self, buffer, offset, count):
        if self.pulled:
            return -1
        count = min(count, self.room, self.most)
        for i in range(count):  # no slice: a slice would allocate
            self.gone[self.written + i] = buffer[offset + i]
        self.written += count
        self.room -= count
        return count

    def take(self):
        taken = bytes(self.gone[: self.written])
        self.written = 0
        return taken


class Pi:
    """Builds the Pi's frames and reads the board's."""

    def __init__(self, key=KEY):
        self.key = key
        self.hello = hmac(key, framing.LABEL_HELLO)
        self.everybody = hmac(bytes(32), framing.LABEL_HELLO)
        self.down = self.up = None
        self.counter = 0
        self.writer = framing.FrameWriter(PiChecks())
        self.reader = framing.FrameReader(PiChecks())

    def frame(self, kind, body=b"", *, sequence=1, counter=None, key=None):
        if counter is None:
            self.counter += 1
            counter = self.counter
        self.writer.begin(kind, sequence, counter)
        self.writer.plain[framing.HEADER_BYTES : framing.HEADER_BYTES + len(body)] = body
        end = self.writer.finish(len(body), key or self.down)
        return bytes(self.writer.wire[:end])

    def identify(self, *, sequence=1, lowest=1, highest=1, nonce=PI_NONCE):
        body = bodies.IDENTIFY.pack(lowest, highest, nonce)
        return self.frame(codes.IDENTIFY, body, sequence=sequence, counter=0, key=self.hello)

    def derive(self, board_nonce, nonce=PI_NONCE):
        self.down = hmac(self.key, framing.LABEL_DOWN + nonce + board_nonce)
        self.up = hmac(self.key, framing.LABEL_UP + nonce + board_nonce)
        self.counter = 0

    def read(self, raw):
        """All frames: type, sequence, counter, body, whose key ("up", "everybody" or "nobody")."""
        frames = []
        self.reader.feed(bytearray(raw), len(raw))
        found = self.reader.next()
        while found != framing.NOTHING:
            assert found == framing.FRAME, self.reader.damage
            reader = self.reader
            end = framing.HEADER_BYTES + reader.body_length
            body = bytes(reader.plain[framing.HEADER_BYTES : end])
            whose = "everybody" if reader.mac_ok(self.everybody) else "nobody"
            if self.up and reader.mac_ok(self.up):
                whose = "up"
            frames.append((reader.type, reader.sequence, reader.counter, body, whose))
            found = self.reader.next()
        return frames


class LinkBench:
    """Wire, clock, link and Pi together."""

    def __init__(self, *, board_key=KEY, pi_key=KEY):
        self.clock = FakeClock()
        self.counters = Counters()
        self.wire = Wire()
        self.identity = Identity()
        self.nonces = 0
        self.link = BoardLink(
            port=self.wire,
            clock=self.clock,
            counters=self.counters,
            random=self.fill,
            identity=self.identity,
        )
        if board_key:
            self.link.set_pairing_key(bytearray(board_key))
        self.pi = Pi(pi_key)

    def fill(self, buffer):
        self.nonces += 1
        for i in range(len(buffer)):
            buffer[i] = self.nonces

    def send(self, raw):
        """Give the board bytes and poll until they are used up or a request is at hand; that request or 0."""
        self.wire.coming += raw
        request = self.link.poll()
        for _ in range(10 + len(raw) // 2):
            if request:
                break
            request = self.link.poll()
        return request

    def frames(self):
        """What the board has sent since last time."""
        return self.pi.read(self.wire.take())

    def open(self, **settings):
        """Identify, and take the session's keys; the identity's fields by name."""
        assert self.send(self.pi.identify(**settings)) == 0
        (_, _, _, body, _) = self.frames()[0]
        identity = bodies.IDENTITY.named(body, 0)
        self.pi.derive(identity["board_nonce"], settings.get("nonce", PI_NONCE))
        return identity

    def count(self, name):
        return self.counters.values[NAMES.index(name)]

    def counted(self):
        """All that was counted, by name."""
        return {name: count for name, count in zip(NAMES, self.counters.values) if count}  # noqa: B905 - MicroPython's zip has no strict
