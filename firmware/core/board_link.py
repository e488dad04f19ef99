"""The board's end of the link: receives, authenticates, answers repetitions, sends (docs/board-link.md).

In use, once a step of the application:

    link = BoardLink(port=port, clock=clock, counters=counters, random=fill_with_random_bytes, identity=Identity())
    link.set_pairing_key(key_or_None)

    link.step()                      # pushes out what is to go out; breaks off what the Pi does not take
    request = link.poll()            # a type of codes.*, or 0; IDENTIFY and repetitions were answered already
    if request == codes.CAPTURE:
        link.request, link.request_start, link.request_length   # the body: a bytearray, offset and length,
                                                                # valid until link.answer
        link.answer(codes.ERROR_OK)                             # or link.answer(codes.ERROR_BUSY, detail=state)
    if request == codes.STATUS:
        end = bodies.STATUS.pack_into(link.reply, link.reply_start, ...)
        link.answer(codes.ERROR_OK, end - link.reply_start)
    if link.can_send:
        bodies.put_u16(link.event, link.event_start, ...)
        link.send_event(codes.EVENT_CHUNK, length)

Every request that `poll` gave has to be answered, at once or in a later step; until then nothing more is read.
`poll`, `step`, `answer` and `send_event` allocate nothing.

What goes out is made when it is decided, under the key of that moment, and goes out in this order: the frame that
is half sent, an answer, a last event (`forget_key`), a notice. A notice is what somebody without a session is told;
it proves nothing (its key is everybody's) and overwrites no answer.
"""

from firmware.core import bodies, codes, framing, kernels
from firmware.core import counters as counts
from firmware.core.framing import (
    BAD_CRC,
    FRAME,
    HEADER_BYTES,
    MAX_COUNTER,
    NONCE_BYTES,
    NOTHING,
    PROTOCOL,
    TOO_LONG,
)
from firmware.core.link_keys import LinkKeys
from firmware.core.mac import Checks
from firmware.core.parameters import HOST_STALL_MS, LINK_INPUT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.core.counters import Counters
    from firmware.core.ports import BytePort, Clock

_NONE_YET = -1


class Identity:
    """What IDENTIFY tells about the board; the application keeps it up to date by setting the attributes."""

    def __init__(self):
        self.unique = bytes(8)
        self.board = 0  # codes.BOARD_*
        self.reset_cause = codes.RESET_UNKNOWN
        self.slot = 0
        self.sensor_model = codes.MODEL_UNKNOWN
        self.capabilities = 0  # codes.CAN_*
        self.flags = 0  # codes.FLAG_*, but PAIRED and SESSION, which the link knows
        self.uptime_ms = 0
        self.boots = 0
        self.version = b""  # ASCII, at most 16 bytes


class BoardLink:
    """One link over one port; see the module."""

    def __init__(
        self,
        *,
        port: "BytePort",
        clock: "Clock",
        counters: "Counters",
        random: "Callable[[bytearray], object]",
        identity: Identity,
    ):
        self.identity = identity
        self.progress = 0  # rises with every accepted request
        self._clock = clock
        self._counters = counters
        self._read = port.read_into
        self._write = port.write
        self._input = bytearray(LINK_INPUT_BYTES)

        checks = Checks()
        self._keys = LinkKeys(checks, random)
        self._reader = framing.FrameReader(checks)
        self._answers = framing.FrameWriter(checks, 1 + max(bodies.STATUS.size, 4 * len(counters.values)))
        self._events = framing.FrameWriter(checks, bodies.EVENT_CHUNK.size + framing.CHUNK_BYTES)
        self._notices = framing.FrameWriter(checks, bodies.IDENTITY.size)
        self._last_words = framing.FrameWriter(checks, 0)

        self.request = self._reader.plain
        self.request_start = HEADER_BYTES
        self.request_length = 0
        self.reply = self._answers.plain
        self.reply_start = HEADER_BYTES + 1
        self.event = self._events.plain
        self.event_start = HEADER_BYTES

        self._at_hand = 0  # type of the request that waits for its answer
        self._last_type = 0
        self._last_sequence = _NONE_YET
        self._down_counter = 0
        self._up_counter = 0
        self._answer_body = 0  # length of the answer kept for repetitions, error byte included

        # Made and not begun to be sent: the offset in `wire` after it, or 0.
        self._answer_end = 0
        self._notice_end = 0
        self._last_words_end = 0
        # What is being sent.
        self._out = self._answers.wire
        self._out_at = 0
        self._out_end = 0
        self._out_since = 0
        self._lost = True  # the reader may be within a broken frame: a 00 first

    @property
    def paired(self) -> bool:
        """Whether there is a pairing key."""
        return self._keys.paired

    @property
    def in_session(self) -> bool:
        """Whether somebody who holds the same key has identified himself."""
        return self._keys.in_session

    @property
    def can_send(self) -> bool:
        """Whether `send_event` would take an event: a session is open, and nothing is half sent or due."""
        return self._keys.in_session and self.idle

    @property
    def idle(self) -> bool:
        """Nothing is half sent or due: wait for it, with a deadline, before a reboot."""
        return not (self._out_end or self._answer_end or self._last_words_end or self._notice_end)

    def flags(self) -> int:
        """The flags for IDENTIFY, STATUS and STATE: the application's, PAIRED and SESSION."""
        flags = self.identity.flags
        if self._keys.paired:
            flags |= codes.FLAG_PAIRED
        if self._keys.in_session:
            flags |= codes.FLAG_SESSION
        return flags

    def set_pairing_key(self, key: "bytearray | None") -> None:
        """Take a pairing key of 32 bytes, or none. Ends the session; an answer already given still goes out."""
        self._at_hand = 0
        self._keys.set_pairing_key(key)
        self._reader.wipe()  # the key came this way

    def forget_key(self, farewell: int = 0) -> None:
        """Overwrite all keys and end the session, at once.

        `farewell` is an event without a body (EVENT_TAMPER): made under the old key first, if a session is open,
        it goes out as soon as what is half sent is gone.
        """
        if farewell and self._keys.in_session:
            self._last_words.begin(farewell, 0, self._next_counter())
            self._last_words_end = self._last_words.finish(0, self._keys.up)
        self.set_pairing_key(None)
        self._push()

    def step(self) -> None:
        """Send what there is room for; break off, after HOST_STALL_MS, what the Pi does not take."""
        self._push()
        if self._out_end and self._clock.since(self._out_since) >= HOST_STALL_MS:
            self._counters.add(counts.LINK_STALLS)
            self._break_off()

    def poll(self) -> int:
        """Read on; the type of a request to be answered, or 0. At most one frame is looked at in a call."""
        if self._at_hand or not self._can_answer():
            return 0
        found = self._reader.next()
        if found == NOTHING:
            count = self._read(self._input, LINK_INPUT_BYTES)
            if count < 0:
                self._forget_line()
            if count <= 0:
                return 0
            self._reader.feed(self._input, count)
            found = self._reader.next()
        if found == FRAME:
            self._take()
        elif found != NOTHING:
            self._count_damage()
        return self._at_hand

    def answer(self, error: int, length: int = 0, detail: int = 0) -> None:
        """Answer the request at hand: `length` bytes from `reply_start` of `reply`, or an error and its detail."""
        if not self._at_hand:
            return
        self._at_hand = 0
        if error:
            self.reply[self.reply_start] = detail
            length = 1
        self.reply[HEADER_BYTES] = error
        self._answer_body = 1 + length
        self._make_answer()

    def send_event(self, kind: int, length: int) -> bool:
        """Send an event, its body in `event` from `event_start` on; False: not now, try again in the next step."""
        if not self.can_send:
            return False
        self._events.begin(kind, 0, self._next_counter())
        self._start(self._events.wire, self._events.finish(length, self._keys.up))
        self._end_worn_session()
        self._push()
        return True

    # --- receiving ---

    def _take(self) -> None:
        """One undamaged frame: whose is it, was it seen before, what does it want."""
        kind = self._reader.type
        if kind == codes.IDENTIFY:
            self._identify()
        elif kind == 0 or kind > codes.LAST_REQUEST:
            self._counters.add(counts.LINK_UNKNOWN)  # no request: the board's own frames, sent back
        elif not (self._keys.in_session and self._reader.mac_ok(self._keys.down)):
            self._counters.add(counts.LINK_BAD_MAC)
            self._refuse(codes.ERROR_NO_SESSION)
        elif self._reader.counter <= self._down_counter:
            self._counters.add(counts.LINK_REPLAYED)
        else:
            self._down_counter = self._reader.counter
            self._take_request(kind)
            self._end_worn_session()

    def _take_request(self, kind: int) -> None:
        sequence = self._reader.sequence
        if kind == self._last_type and sequence == self._last_sequence:
            self._counters.add(counts.LINK_REPEATED)
            self._make_answer()
            return
        self.progress = (self.progress + 1) & MAX_COUNTER
        self._last_type = self._at_hand = kind
        self._last_sequence = sequence
        self.request_length = self._reader.body_length
        if kind > codes.UPDATE_ABORT:
            self._counters.add(counts.LINK_UNKNOWN)
            self.answer(codes.ERROR_UNKNOWN_REQUEST, detail=kind)

    def _identify(self) -> None:
        """Always answered: with a new session, or with why there is none."""
        reader = self._reader
        at = HEADER_BYTES
        if not bodies.IDENTIFY.fits(reader.body_length):
            self._counters.add(counts.LINK_DAMAGED)
            self._refuse(codes.ERROR_BAD_BODY)
        elif not reader.plain[at] <= PROTOCOL <= reader.plain[at + 1]:
            self._counters.add(counts.LINK_DAMAGED)
            self._refuse(codes.ERROR_PROTOCOL)
        elif not reader.mac_ok(self._keys.hello):
            self._counters.add(counts.LINK_BAD_MAC)
            self._refuse(codes.ERROR_NOT_PAIRED_WITH_YOU)
        elif self._is_repeated_identify():
            self._counters.add(counts.LINK_REPEATED)
            self._make_answer()
        else:
            self._keys.open_session(reader.plain, at + 2)
            self.progress = (self.progress + 1) & MAX_COUNTER
            self._down_counter = self._up_counter = 0
            self._last_type = codes.IDENTIFY
            self._last_sequence = reader.sequence
            self._write_identity(self.reply, HEADER_BYTES, codes.ERROR_OK)
            self._answer_body = bodies.IDENTITY.size
            self._make_answer()

    def _is_repeated_identify(self) -> bool:
        """Nothing but this IDENTIFY came in its session: a retry, which must not end the session it opened."""
        return (
            self._keys.in_session
            and self._last_type == codes.IDENTIFY
            and self._last_sequence == self._reader.sequence
            and self._keys.is_from(self._reader.plain, HEADER_BYTES + 2)
        )

    def _count_damage(self) -> None:
        if self._reader.damage == TOO_LONG:
            self._counters.add(counts.LINK_TOO_LONG)
        elif self._reader.damage == BAD_CRC:
            self._counters.add(counts.LINK_BAD_CRC)
        else:
            self._counters.add(counts.LINK_DAMAGED)

    # --- answering ---

    def _make_answer(self) -> None:
        """The answer to the last request, the first time or again: only the counter is new."""
        self._answers.begin(self._last_type + codes.ANSWER, self._last_sequence, self._next_counter())
        self._answer_end = self._answers.finish(self._answer_body, self._keys.up)
        self._end_worn_session()
        self._push()

    def _refuse(self, error: int) -> None:
        """Tell somebody without a session why, under the key that everybody has."""
        kind = self._reader.type
        self._notices.begin(kind + codes.ANSWER, self._reader.sequence, 0)
        if kind == codes.IDENTIFY:
            length = bodies.IDENTITY.size
            self._write_identity(self._notices.plain, HEADER_BYTES, error)
        else:
            length = 2
            self._notices.plain[HEADER_BYTES] = error
            self._notices.plain[HEADER_BYTES + 1] = 0
        self._notice_end = self._notices.finish(length, self._keys.everybody)
        self._push()

    def _write_identity(self, buffer: bytearray, at: int, error: int) -> None:
        """By hand, because `struct` would have the times and the capabilities as objects on the board."""
        identity = self.identity
        buffer[at] = error
        buffer[at + 1] = buffer[at + 2] = PROTOCOL
        buffer[at + 3] = self.flags()
        kernels.copy_bytes(self._keys.board_nonce, 0, NONCE_BYTES, buffer, at + 4)
        kernels.copy_bytes(identity.unique, 0, 8, buffer, at + 20)
        buffer[at + 28] = identity.board
        buffer[at + 29] = identity.reset_cause
        buffer[at + 30] = identity.slot
        buffer[at + 31] = identity.sensor_model
        bodies.put_u32(buffer, at + 32, identity.capabilities)
        bodies.put_u32(buffer, at + 36, identity.uptime_ms)
        bodies.put_u32(buffer, at + 40, identity.boots)
        length = min(len(identity.version), 16)
        kernels.wipe(buffer, at + 44, at + 60)
        kernels.copy_bytes(identity.version, 0, length, buffer, at + 44)

    # --- sending ---

    def _next_counter(self) -> int:
        self._up_counter += 1
        return self._up_counter

    def _end_worn_session(self) -> None:
        """Counters end at the board's largest small integer: the Pi has to begin anew."""
        if self._up_counter >= MAX_COUNTER or self._down_counter >= MAX_COUNTER:
            self._keys.end_session()

    def _can_answer(self) -> bool:
        """Whether all but an event is gone: what is being sent must not be overwritten by the next answer."""
        if self._answer_end or self._last_words_end or self._notice_end:
            return False
        return not self._out_end or self._out is self._events.wire

    def _start(self, wire: bytearray, end: int) -> None:
        self._out = wire
        self._out_at = 0 if self._lost else 1
        self._out_end = end
        self._out_since = self._clock.now()
        self._lost = False

    def _start_next(self) -> bool:
        """Begin with the next frame that is made; False if there is none."""
        if self._answer_end:
            self._start(self._answers.wire, self._answer_end)
            self._answer_end = 0
        elif self._last_words_end:
            self._start(self._last_words.wire, self._last_words_end)
            self._last_words_end = 0
        elif self._notice_end:
            self._start(self._notices.wire, self._notice_end)
            self._notice_end = 0
        return self._out_end != 0

    def _push(self) -> None:
        """Give the port what it has room for."""
        while self._out_end or self._start_next():
            taken = self._write(self._out, self._out_at, self._out_end - self._out_at)
            if taken < 0:
                self._forget_line()
                return
            self._out_at += taken
            if self._out_at < self._out_end:
                return
            self._out_end = 0

    def _break_off(self) -> None:
        """Give up the frame that is half sent."""
        self._out_end = 0
        self._lost = True

    def _forget_line(self) -> None:
        """The cable was pulled: nothing half sent or half read will go on, and nobody waits for an answer."""
        self._break_off()
        self._answer_end = self._notice_end = 0
        self._reader.forget()
