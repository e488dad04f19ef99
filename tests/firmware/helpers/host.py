"""A small Pi for the tests of the virtual board, on CPython; not the edge service's driver."""

import hashlib
import os
import select
import time

from helpers.link_bench import Pi

from firmware.core import bodies, codes, framing

NO_KEY = bytes(32)
ASK_AGAIN_S = 0.3
QUIET_S = 0.5


class SilenceError(AssertionError):
    """Nothing came in time."""


class Host:
    """The other end of a board's USB port at `path`, which may come and go."""

    def __init__(self, path, key=NO_KEY):
        self.path = path
        self.pi = Pi(key)
        self.fd = None
        self.sequence = 100
        self.events = []
        self.answers = {}
        self.damaged = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def use_key(self, key):
        self.pi = Pi(key)

    # -- the line

    def open(self):
        if self.fd is None:
            try:
                self.fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            except OSError:
                return False
            self.pi.reader.forget()
        return True

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def write(self, data):
        if not self.open():
            return
        try:
            os.write(self.fd, data)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def listen(self, seconds):
        """Read for so long, or until something came."""
        if not self.open():
            time.sleep(min(seconds, 0.02))
            return
        if not select.select([self.fd], [], [], seconds)[0]:
            return
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        reader = self.pi.reader
        reader.feed(bytearray(data), len(data))
        while (found := reader.next()) != framing.NOTHING:
            if found == framing.FRAME:
                self._take(reader)
            else:
                self.damaged += 1

    def _take(self, reader):
        start = reader.body_start
        body = bytes(reader.plain[start : start + reader.body_length])
        if reader.type == codes.IDENTIFY + codes.ANSWER:
            self.answers[reader.sequence] = body
        elif self.pi.up and reader.mac_ok(self.pi.up):
            if reader.type > codes.ANSWER:
                self.answers[reader.sequence] = body
            else:
                self.events.append((reader.type, body))
        elif reader.mac_ok(self.pi.everybody):
            self.answers[reader.sequence] = body

    # -- requests

    def request(self, make, *, timeout_s):
        self.sequence += 1
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self.write(make(self.sequence))
            again = time.monotonic() + ASK_AGAIN_S
            while time.monotonic() < again:
                self.listen(0.05)
                if self.sequence in self.answers:
                    return self.answers.pop(self.sequence)
        raise SilenceError("the board does not answer")

    def identify(self, timeout_s=20):
        """Begin a session; the identity by name."""
        nonce = os.urandom(16)
        answer = self.request(
            lambda sequence: b"\0" + self.pi.identify(sequence=sequence, nonce=nonce), timeout_s=timeout_s
        )
        identity = bodies.IDENTITY.named(answer, 0)
        if not identity["error"]:
            self.pi.derive(identity["board_nonce"], nonce)
        return identity

    def ask(self, kind, body=b"", timeout_s=5):
        """Error and the rest of the answer."""
        answer = self.request(
            lambda sequence: self.pi.frame(kind, body, sequence=sequence), timeout_s=timeout_s
        )
        return answer[0], answer[1:]

    def do(self, kind, body=b"", timeout_s=5):
        error, rest = self.ask(kind, body, timeout_s)
        assert error == 0, f"{codes.name_of('ERROR_', error)} {rest.hex()}"
        return rest

    def status(self):
        return bodies.STATUS.named(self.do(codes.STATUS), 0)

    def counters(self):
        from firmware.core.counters import NAMES

        body = self.do(codes.COUNTERS)
        return {name: bodies.u32(body, 4 * at) for at, name in enumerate(NAMES)}

    def wait_for(self, state, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while (status := self.status())["state"] != state:
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def pair(self, board, key):
        """What a technician does at the bench; the lid is closed afterwards."""
        board.open_lid()
        board.press_button()
        self.identify()
        deadline = time.monotonic() + 5
        while self.ask(codes.PAIR, key)[0] != 0:
            assert time.monotonic() < deadline, "the board does not let itself be paired"
        board.release_button()
        board.close_lid()
        self.use_key(key)
        self.identify()
        while self.status()["flags"] & codes.FLAG_LID_OPEN:
            assert time.monotonic() < deadline

    def capture(self, timeout_ms=10_000, looks=1, patience_s=60):
        """One image from its events and from what was asked for again; AssertionError with the reason."""
        self.events.clear()
        self.do(codes.CAPTURE, bodies.CAPTURE.pack(timeout_ms, looks))
        deadline = time.monotonic() + patience_s
        image = Gathering()
        heard_at = time.monotonic()
        while not image.whole:
            assert time.monotonic() < deadline, "no image in time"
            self.listen(0.05)
            if self.events:
                heard_at = time.monotonic()
                for kind, body in self.events:
                    image.take(kind, body)
                self.events.clear()
            elif time.monotonic() - heard_at > QUIET_S:
                heard_at = time.monotonic()
                image.ask_for_more(self)
        assert hashlib.sha256(image.data).digest() == image.end["sha256"]
        self.do(codes.RELEASE, bodies.RELEASE.pack(image.generation))
        return image.data


class Gathering:
    """An image on its way."""

    def __init__(self):
        self.generation = 0
        self.chunks = {}
        self.end = None

    @property
    def missing(self):
        count = -(-self.end["bytes_due"] // framing.CHUNK_BYTES)
        return [number for number in range(count) if number not in self.chunks]

    @property
    def whole(self):
        return self.end is not None and not self.missing

    @property
    def data(self):
        return b"".join(self.chunks[number] for number in sorted(self.chunks))

    def take(self, kind, body):
        # While the sensor is started anew the error is still that of the job before.
        if kind == codes.EVENT_STATE and body[0] in {codes.STATE_READY, codes.STATE_FAULT}:
            assert not body[1], codes.name_of("ERROR_", body[1])
        if kind in {codes.EVENT_IMAGE, codes.EVENT_CHUNK, codes.EVENT_IMAGE_END}:
            self.use_generation(bodies.u16(body, 0))
            if kind == codes.EVENT_CHUNK:
                self.chunks[bodies.u16(body, 2)] = body[4:]
            elif kind == codes.EVENT_IMAGE_END:
                self.end = bodies.EVENT_IMAGE_END.named(body, 0)

    def use_generation(self, generation):
        if generation != self.generation:
            self.generation, self.chunks, self.end = generation, {}, None

    def ask_for_more(self, host):
        if self.end is None:
            status = host.status()
            assert not status["error"], codes.name_of("ERROR_", status["error"])
            if status["complete"]:
                self.use_generation(status["generation"])
                self.end = status
        else:
            first = self.missing[0]
            count = min(64, self.missing[-1] - first + 1)
            host.do(codes.GET_CHUNKS, bodies.GET_CHUNKS.pack(self.generation, first, count))
