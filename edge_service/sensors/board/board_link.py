"""The Pi's end of the link to the board: sessions, requests that are asked again, events as they come.

What arrives is anybody's until its MAC is right and its counter is new: everything else is counted and dropped.
Every wait has a deadline and everything kept has a bound. The rules are in docs/board-link.md; the frames are
those of `firmware.core.framing`, which the board runs as well.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_service.sensors.board.answers import Identity, MalformedError
from edge_service.sensors.board.checks import Checks, hello_key, session_keys
from edge_service.sensors.board.pairing import NO_KEY
from edge_service.sensors.parameters import (
    BOARD_BAUD,
    BOARD_EVENTS_KEPT,
    BOARD_REQUEST_ATTEMPTS,
    BoardTiming,
)
from firmware.core import bodies, codes
from firmware.core.framing import (
    FRAME,
    HEADER_BYTES,
    MAX_BODY_BYTES,
    MAX_COUNTER,
    NONCE_BYTES,
    NOTHING,
    PROTOCOL,
    FrameReader,
    FrameWriter,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.sensors.board.line import Line

SPOKEN = (PROTOCOL, PROTOCOL)
"""Lowest and highest protocol of this driver."""

_HELLO_NOBODY = hello_key(NO_KEY)
_SESSION_OVER = (codes.ERROR_NO_SESSION, codes.ERROR_NOT_PAIRED_WITH_YOU)


class LinkBroken(Exception):  # noqa: N818 - never leaves the package
    """The session cannot go on.

    Attributes:
        why: "silent", "forged" (answers, but none under the key), "over" (the board says so) or "alarm".
        waited_s: how long an answer was waited for.
    """

    def __init__(self, why: str, *, waited_s: float = 0.0) -> None:
        self.why = why
        self.waited_s = waited_s
        super().__init__(why)


class Refused(Exception):  # noqa: N818 - never leaves the package
    """An answer with an error byte; `code` and `detail` are the board's."""

    def __init__(self, code: int, detail: int) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{codes.name_of('ERROR_', code)} ({detail})")


@dataclass(frozen=True, slots=True)
class Event:
    """What the board told of its own accord."""

    kind: int
    body: bytes


@dataclass(slots=True)
class _Session:
    """Keys and counters, both directions."""

    down: bytes
    up: bytes
    sent: int
    heard: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """A frame that may be the answer waited for, its MAC not looked at yet."""

    kind: int
    body: bytes


class BoardLink:
    """The conversation with one board. One thread at a time.

    Attributes:
        bad_macs: intact frames that nobody with the session's key has made.
        replays: frames whose counter had been before.
    """

    def __init__(
        self,
        port: Line,
        *,
        timing: BoardTiming,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.bad_macs = 0
        self.replays = 0
        self._port = port
        self._timing = timing
        self._clock = clock
        self._random = random
        self._writer = FrameWriter(Checks())
        self._reader = FrameReader(Checks())
        self._events: deque[Event] = deque(maxlen=BOARD_EVENTS_KEPT)
        self._session: _Session | None = None
        self._sequence = 0
        self._broken_off = True  # whether a 00 has to come before the next frame

    @property
    def in_session(self) -> bool:
        """Whether a session is open, as far as this side knows."""
        return self._session is not None

    @property
    def damaged(self) -> int:
        """Frames that arrived damaged, of whatever kind."""
        return sum(self._reader.damaged)

    def open(self) -> None:
        """Open the port, if it is not. Raises `SensorUnplugged`."""
        if not self._port.is_open:
            self._port.open(BOARD_BAUD)
            self._reader.forget()
            self._broken_off = True
            self._sequence = int.from_bytes(self._random(2), "big")
            self.end_session()

    def close(self) -> None:
        """Give the port back. Never fails."""
        self.end_session()
        self._port.close()

    def end_session(self) -> None:
        """Forget the session's keys and what it had told."""
        self._session = None
        self._events.clear()

    def identify(self, pairing_key: bytes) -> Identity:
        """Begin a session, or learn why there is none: `error` of the answer says it.

        Asked again, it is the same question: the board answers it from memory, and an answer that comes late is as
        good. Raises `LinkBroken`, `SensorUnplugged`.
        """
        self.end_session()
        started = self._clock()
        hello = hello_key(pairing_key)
        sequence = self._next_sequence()
        nonce = self._random(NONCE_BYTES)
        forged = 0
        for _ in range(BOARD_REQUEST_ATTEMPTS):
            self._send(codes.IDENTIFY, sequence, 0, bodies.IDENTIFY.pack(*SPOKEN, nonce), hello)
            answer = self._await_answer(codes.IDENTIFY, sequence, self._clock() + self._timing.answer_s)
            if answer is not None:
                identity = self._judge_identity(answer, pairing_key, hello=hello, nonce=nonce)
                if identity is not None:
                    return identity
                forged += 1
        raise LinkBroken("forged" if forged else "silent", waited_s=self._clock() - started)

    def request(self, kind: int, body: bytes = b"") -> bytes:
        """Ask, and ask again; the answer's body after its error byte.

        Raises `Refused`, `LinkBroken` (also without a session), `SensorUnplugged`.
        """
        started = self._clock()
        sequence = self._next_sequence()
        for _ in range(BOARD_REQUEST_ATTEMPTS):
            session = self._session
            if session is None or session.sent >= MAX_COUNTER - 1:
                self.end_session()
                raise LinkBroken("over")
            session.sent += 1
            self._send(kind, sequence, session.sent, body, session.down)
            answer = self._await_answer(kind, sequence, self._clock() + self._timing.answer_s)
            if answer is None or not answer.body:
                continue
            error = answer.body[0]
            if error == codes.ERROR_OK:
                return answer.body[1:]
            if error in _SESSION_OVER:
                self.end_session()
                raise LinkBroken("over", waited_s=self._clock() - started)
            raise Refused(error, answer.body[1] if len(answer.body) > 1 else 0)
        raise LinkBroken("silent", waited_s=self._clock() - started)

    def next_event(self) -> Event | None:
        """The oldest event not yet given; waits at most `poll_s` for one. Raises `LinkBroken` on an alarm."""
        if not self._events:
            self._pump(codes.IDENTIFY, None)
        return self._events.popleft() if self._events else None

    def forget_events(self) -> None:
        """Drop what was told so far."""
        self._events.clear()

    # -- frames out

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % 0xFFFF + 1  # 0 is for events
        return self._sequence

    def _send(self, kind: int, sequence: int, counter: int, body: bytes, key: bytes) -> None:
        if len(body) > MAX_BODY_BYTES:
            raise ValueError(f"a body of {len(body)} bytes; the link carries {MAX_BODY_BYTES}")
        writer = self._writer
        writer.begin(kind, sequence, counter)
        writer.plain[HEADER_BYTES : HEADER_BYTES + len(body)] = body
        end = writer.finish(len(body), key)
        start = 0 if self._broken_off else 1
        self._broken_off = True
        self._port.write(bytes(writer.wire[start:end]))
        self._broken_off = False

    # -- frames in

    def _await_answer(self, kind: int, sequence: int, deadline: float) -> _Answer | None:
        while True:
            answer = self._pump(kind, sequence)
            if answer is not None or self._clock() >= deadline:
                return answer

    def _pump(self, kind: int, sequence: int | None) -> _Answer | None:
        """Read once and sort what came; the answer to `sequence`, if it is there.

        Bytes behind that answer stay in the reader for the next call.
        """
        reader = self._reader
        found = reader.next()
        if found == NOTHING:
            data = self._port.read_some()
            reader.feed(bytearray(data), len(data))
            found = reader.next()
        while found != NOTHING:
            if found == FRAME:
                answer = self._sort(kind, sequence)
                if answer is not None:
                    return answer
            found = reader.next()
        return None

    def _sort(self, kind: int, sequence: int | None) -> _Answer | None:
        """One intact frame: an event is kept, the answer waited for is given, the rest is dropped."""
        reader = self._reader
        if reader.type == kind | codes.ANSWER and reader.sequence == sequence:
            if kind == codes.IDENTIFY or self._heard() or self._says_session_over():
                return _Answer(kind, self._body())
            return None
        if self._heard() and codes.EVENT_STATE <= reader.type < codes.ANSWER:
            if reader.type == codes.EVENT_TAMPER:
                self.end_session()
                raise LinkBroken("alarm")
            self._events.append(Event(reader.type, self._body()))
        return None

    def _heard(self) -> bool:
        """Whether the frame at hand is the board's, in this session, and new."""
        session, reader = self._session, self._reader
        if session is None:
            return False
        if not reader.mac_ok(session.up):
            self.bad_macs += 1
            return False
        if reader.counter <= session.heard:
            self.replays += 1
            return False
        session.heard = reader.counter
        return True

    def _says_session_over(self) -> bool:
        """A board that has no such session, after a restart, can only answer under the key that everybody has."""
        body = self._body()
        return bool(body) and body[0] in _SESSION_OVER and self._reader.mac_ok(_HELLO_NOBODY)

    def _judge_identity(
        self, answer: _Answer, pairing_key: bytes, *, hello: bytes, nonce: bytes
    ) -> Identity | None:
        """Open the session if the answer proves the key; None for one that proves nothing and says it did."""
        reader = self._reader
        try:
            identity = Identity.decode(answer.body, proven=True)
        except MalformedError:
            return None
        if identity.error != codes.ERROR_OK:
            known = reader.mac_ok(_HELLO_NOBODY) or reader.mac_ok(hello)
            return Identity.decode(answer.body, proven=False) if known else None
        down, up = session_keys(pairing_key, pi_nonce=nonce, board_nonce=identity.nonce)
        if not reader.mac_ok(up) or reader.counter < 1:
            self.bad_macs += 1
            return None
        self._session = _Session(down=down, up=up, sent=0, heard=reader.counter)
        return identity

    def _body(self) -> bytes:
        reader = self._reader
        return bytes(reader.plain[reader.body_start : reader.body_start + reader.body_length])
