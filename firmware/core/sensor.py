"""The conversation with the sensor: questions, answers and deadlines, in steps that never wait.

Every method that takes time is a generator: it yields when there is nothing to do right now, and its value is the
outcome. Outcomes are the sensor's confirmation code (0-255), or SILENT or GARBLED.
"""

from firmware.core import counters as count
from firmware.core import zfm_codes as zfm
from firmware.core.compat import const
from firmware.core.parameters import (
    BABBLE_MS,
    NOISE_MS,
    PROBE_MS,
    QUIET_MS,
    REPLY_MS,
    REQUEST_ATTEMPTS,
    WRITE_MS,
)
from firmware.core.zfm_packet import (
    DAMAGED,
    NOTHING,
    OVERHEAD_BYTES,
    PACKET,
    PREFIX_BYTES,
    PacketReader,
    write_command,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from firmware.core.counters import Counters
    from firmware.core.ports import Clock, SensorPort
    from firmware.core.sensor_status import SensorStatus

SILENT = const(-1)
"""Nothing came, or too little to be an answer."""
GARBLED = const(-2)
"""Something came, but no answer was in it."""

_CHUNK_BYTES = const(128)
_COMMAND_BYTES = const(16)
_ANSWER_AT = const(10)  # after the prefix and the confirmation code


class Conversation:
    """Questions to one sensor, one at a time.

    Attributes:
        reader: holds the answer until the next question: `answer_byte`, `answer_word`, `answer_bytes` read it.
        heard_at: when the last byte came, in ms of the clock.
        restless: something may still be on its way from before: the next question waits for a quiet line, and
            for the answer to a question that nobody waited for.
        sending_image: what may be on its way is an image, which takes its time.
    """

    def __init__(
        self,
        *,
        port: "SensorPort",
        clock: "Clock",
        counters: "Counters",
        status: "SensorStatus",
        password: int,
    ):
        self.reader = PacketReader()
        self.heard_at = 0
        self.restless = True
        self.sending_image = False
        self._port = port
        self._clock = clock
        self._counters = counters
        self._status = status
        self._password = password.to_bytes(4, "big")
        self._chunk = bytearray(_CHUNK_BYTES)
        self._at = 0
        self._end = 0
        self._owed = False
        self._asked_at = 0
        self._out = bytearray(_COMMAND_BYTES)
        self._read = port.read_into
        self._write = port.write

    # -- questions

    def start(self, baud: int) -> None:
        """Speak at `baud` from now on."""
        self._port.set_baud(baud)
        self._status.info.baud = baud
        self._owed = self.sending_image = False
        self.forget()
        self.restless = True
        self.heard_at = self._clock.now()  # what came until now was forgotten by the port

    def use_password(self, password: int) -> None:
        """Offer another password from now on."""
        self._password = password.to_bytes(4, "big")

    def verify(
        self, timeout_ms: int = REPLY_MS, attempts: int = REQUEST_ATTEMPTS, *, counted: bool = True
    ) -> "Generator[None, None, int]":
        """Offer the password."""
        return (yield from self.ask(zfm.VFY_PWD, self._password, timeout_ms, attempts, counted=counted))

    def command(
        self, instruction: int, parameters: bytes = b"", timeout_ms: int = REPLY_MS
    ) -> "Generator[None, None, int]":
        """Ask; a sensor that lost its power in between has forgotten the password and is told it again, once."""
        code = yield from self.ask(instruction, parameters, timeout_ms)
        if code == zfm.MUST_VERIFY_PASSWORD:
            code = yield from self.verify()
            if code == zfm.OK:
                code = yield from self.ask(instruction, parameters, timeout_ms)
        return code

    def try_command(self, instruction: int) -> "Generator[None, None, int]":
        """Ask what some models do not know and keep silent about: asked twice only when something came."""
        code = GARBLED
        for _ in range(REQUEST_ATTEMPTS):
            if code == GARBLED:
                code = yield from self.ask(instruction, b"", PROBE_MS, 1, counted=False)
        return code

    def ask(
        self,
        instruction: int,
        parameters: bytes = b"",
        timeout_ms: int = REPLY_MS,
        attempts: int = REQUEST_ATTEMPTS,
        *,
        counted: bool = True,
    ) -> "Generator[None, None, int]":
        """Ask, and again when the answer is damaged, missing, or says that the question was damaged.

        `counted`: whether silence and damage go into the counters; not while looking for the baud rate.
        """
        outcome = SILENT
        for _ in range(attempts):
            if not (yield from self._hush()):
                outcome = GARBLED
            elif (yield from self._say(instruction, parameters)):
                code = yield from self._await_answer(timeout_ms)
                if code >= 0 and code != zfm.RECEIVE_ERROR:
                    self._status.proven()
                    return code
                outcome = SILENT if code == SILENT else GARBLED
            # A late answer would pass for the answer to the next question: hush before asking that.
            self.restless = True
            if counted:
                self._counters.add(count.SENSOR_TIMEOUTS if outcome == SILENT else count.SENSOR_DAMAGED)
        return outcome

    # -- the answer at hand

    @property
    def answer_bytes(self) -> int:
        """Bytes after the confirmation code."""
        return self.reader.content_bytes - 1

    def answer_byte(self, at: int) -> int:
        """One of them."""
        return self.reader.raw[_ANSWER_AT + at]

    def answer_word(self, at: int) -> int:
        """Two of them, big-endian."""
        return (self.reader.raw[_ANSWER_AT + at] << 8) | self.reader.raw[_ANSWER_AT + 1 + at]

    # -- bytes

    def next(self) -> int:
        """Go on with what comes in, one chunk at most: NOTHING, PACKET or DAMAGED. Allocates nothing."""
        reader = self.reader
        may_read = True
        while True:
            kind = reader.next()
            if kind != NOTHING:
                return kind
            if self._at == self._end:
                if not may_read:
                    return NOTHING
                may_read = False
                got = self._read(self._chunk, _CHUNK_BYTES)
                if got <= 0:
                    return NOTHING
                self._at = 0
                self._end = got
                self.heard_at = self._clock.now()
            self._at = reader.feed(self._chunk, self._at, self._end)

    def forget(self) -> None:
        """Drop what came in and was not looked at."""
        self.reader.reset()
        self._at = self._end = 0

    def listen_in_vain(self) -> bool:
        """Read and drop what comes in; whether anything did."""
        got = self._read(self._chunk, _CHUNK_BYTES)
        if got > 0:
            self.heard_at = self._clock.now()
        return got > 0

    def _hush(self) -> "Generator[None, None, bool]":
        """Make sure that what is heard next is the answer to what is asked next; False when it never ends."""
        clock = self._clock
        if self._owed:
            # Its job was cancelled. GenImg takes longer than a quiet line.
            yield from self._await_answer(max(0, REPLY_MS - clock.since(self._asked_at)))
            self.restless = True
        started = clock.now()
        limit_ms = BABBLE_MS if self.sending_image else NOISE_MS
        while True:
            heard_at = self.heard_at
            kind = self.next()
            # What came since the last look is still there to be read: so this is how long nothing has come.
            # After six days the clock's difference is negative; it is no later than now, so it is long ago.
            quiet = not self.restless or not 0 <= clock.since(heard_at) < QUIET_MS
            if quiet and kind == NOTHING and self.heard_at == heard_at:
                break
            if kind == PACKET:
                self._status.proven()  # the rest of an image: nobody wants it, but the sensor works
            if clock.since(started) > limit_ms:
                return False
            yield
        self.restless = self.sending_image = False
        self.forget()
        return True

    def _say(self, instruction: int, parameters: bytes) -> "Generator[None, None, bool]":
        """Send a command; False when the port does not take it."""
        length = write_command(self._out, instruction, parameters)
        started = self._clock.now()
        sent = 0
        while sent < length:
            taken = self._write(self._out, sent, length - sent)
            if taken > 0:
                sent += taken
            elif self._clock.since(started) > WRITE_MS:
                return False
            else:
                yield
        self._owed = True
        self._asked_at = started
        return True

    def _await_answer(self, timeout_ms: int) -> "Generator[None, None, int]":
        """The next answer; data packets are left over from before, and an answer may follow a damaged packet."""
        clock = self._clock
        reader = self.reader
        started = clock.now()
        damaged = False
        while True:
            kind = self.next()
            if kind == PACKET and reader.pid == zfm.PID_ACK and reader.content_bytes:
                self._owed = False
                return reader.raw[PREFIX_BYTES]
            if kind == PACKET:
                self.sending_image = True  # data packets: the answer before them was lost
            elif kind == DAMAGED:
                damaged = True
            over = clock.since(started) > timeout_ms
            if over or (damaged and kind == NOTHING and clock.since(self.heard_at) >= QUIET_MS):
                break
            yield
        self._owed = False
        noise = reader.skipped_bytes + reader.pending_bytes
        return GARBLED if damaged or noise >= OVERHEAD_BYTES else SILENT
