"""A board that does what a test says, right or wrong: the firmware's own end of the link, and no firmware behind it.

For what a real firmware never does, or not when a test wants it: lying about a SHA-256, forgetting chunks, holding
another key, answering too late. Where the real thing will do, use `VirtualBoard`.
"""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from firmware.core import bodies, codes
from firmware.core.board_link import BoardLink, Identity
from firmware.core.counters import NAMES, Counters
from firmware.core.framing import CHUNK_BYTES, CRC_BYTES, MAC_BYTES
from firmware.core.ports import BytePort, Clock
from hardware.bench.loop_thread import LoopThread
from hardware.bench.pty_port import PtyPort

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    _T = TypeVar("_T")

_POLL_MS = 2


class BoardScript:
    """The board itself: `step` it. Its attributes may be set between two steps.

    Attributes:
        link: the firmware's end.
        identity: what IDENTIFY tells.
        image: bytes of the next image; a finger is on the window while this is not None.
        geometry: width, height, dpi, model code of images.
        state: of the sensor, one of `codes.STATE_*`.
        error: of the last job, with its `detail`.
        lose: chunks that are not sent the first time.
        lose_kinds: kinds of events that are never sent.
        wrong_sha: how many images get a wrong SHA-256.
        stop_after: chunks after which an image stalls; None for none.
        answers: by request, an error and a detail to answer with.
        replies: by request, a body to answer with instead of the right one.
        score: of the next image.
        heard: types of the requests, repetitions not among them.
        on_request: called with the type of each request, before it is answered.
    """

    def __init__(self, *, port: BytePort, clock: Clock, key: bytes | None = None) -> None:
        self._port = port
        self._clock = clock
        self.counters = Counters()
        self.identity = Identity()
        self.identity.unique = bytes.fromhex("0011223344556677")
        self.identity.board = codes.BOARD_UNIX
        self.identity.reset_cause = codes.RESET_POWER
        self.identity.capabilities = codes.CAN_TAMPER | codes.CAN_BUTTON
        self.identity.version = b"1.2.3"
        self.identity.boots = 1
        self.link = self._new_link()
        self.key = key
        self.link.set_pairing_key(None if key is None else bytearray(key))
        self.image: bytes | None = None
        self.geometry = (256, 288, 500, codes.MODEL_R307)
        self.state = codes.STATE_READY
        self.error = self.detail = 0
        self.lose: set[int] = set()
        self.lose_kinds: set[int] = set()
        self.wrong_sha = 0
        self.stop_after: int | None = None
        self.answers: dict[int, tuple[int, int]] = {}
        self.replies: dict[int, bytes] = {}
        self.score = 500
        self.heard: list[int] = []
        self.on_request: Callable[[int], None] = lambda _: None
        self.generation = 0
        self._taken = b""
        self._sha256 = bytes(32)
        self._complete = False
        self._out: deque[tuple[int, bytes]] = deque()
        self._deadline: int | None = None

    @property
    def idle(self) -> bool:
        """Nothing more to say for now."""
        return not self._out and self.link.idle

    def step(self) -> None:
        """Hear, do, say."""
        link = self.link
        link.step()
        request = link.poll()
        if request:
            self.heard.append(request)
            self.on_request(request)
            if link is self.link:  # else it restarted over the request
                self._answer(request)
        self._work()
        self._send()

    def restart(self) -> None:
        """Forget the session and the job, keep the key."""
        self.link = self._new_link()
        self.link.set_pairing_key(None if self.key is None else bytearray(self.key))
        self.identity.boots += 1
        self.state, self.error = codes.STATE_READY, 0
        self.generation = 0
        self._taken, self._complete = b"", False
        self._out.clear()
        self._deadline = None

    def alarm(self) -> None:
        """The lid was opened."""
        self.identity.flags |= codes.FLAG_TAMPERED | codes.FLAG_LID_OPEN
        self.key = None
        self.link.forget_key(codes.EVENT_TAMPER)

    def event(self, kind: int, body: bytes) -> None:
        """Tell something of one's own accord."""
        if kind not in self.lose_kinds:
            self._out.append((kind, body))

    # -- requests

    def _new_link(self) -> BoardLink:
        return BoardLink(
            port=self._port,
            clock=self._clock,
            counters=self.counters,
            random=lambda buffer: buffer.__setitem__(slice(None), os.urandom(len(buffer))),
            identity=self.identity,
        )

    def _answer(self, request: int) -> None:
        if request in self.answers:
            error, detail = self.answers[request]
            self.link.answer(error, detail=detail)
            return
        body = bytes(self.link.request[self.link.request_start :][: self.link.request_length])
        reply = self._do(request, body)
        reply = self.replies.get(request, reply)
        at = self.link.reply_start
        # No board can answer more than its buffer holds, be it nonsense.
        reply = reply[: len(self.link.reply) - at - MAC_BYTES - CRC_BYTES]
        self.link.reply[at : at + len(reply)] = reply
        self.link.answer(codes.ERROR_OK, len(reply))
        if request in {codes.PAIR, codes.UNPAIR}:
            self.link.set_pairing_key(None if self.key is None else bytearray(self.key))

    def _do(self, request: int, body: bytes) -> bytes:
        """Carry a request out; the answer's body. What has no handler is simply done."""
        handlers: dict[int, Callable[[bytes], bytes | None]] = {
            codes.STATUS: lambda _: self._status(),
            codes.CAPTURE: lambda b: self._start(
                codes.STATE_WAITING_FINGER, bodies.CAPTURE.unpack_from(b, 0)[0]
            ),
            codes.WAIT_LIFT: lambda b: self._start(
                codes.STATE_WAITING_LIFT, bodies.WAIT_LIFT.unpack_from(b, 0)[0]
            ),
            codes.CANCEL: lambda _: self._cancel(),
            codes.GET_CHUNKS: lambda b: self._send_chunks(*bodies.GET_CHUNKS.unpack_from(b, 0)),
            codes.RELEASE: lambda _: setattr(self, "state", codes.STATE_READY),
            codes.COUNTERS: lambda _: bytes(4 * len(NAMES)),
            codes.SENSOR: lambda _: self._sensor(),
            codes.PAIR: self._pair,
            codes.UNPAIR: lambda _: setattr(self, "key", None),
        }
        return handlers.get(request, lambda _: None)(body) or b""

    def _start(self, state: int, timeout_ms: int) -> None:
        if state == codes.STATE_WAITING_FINGER:
            self._forget_image()
        self.state, self.error = state, 0
        self._deadline = self._clock.now() + timeout_ms

    def _cancel(self) -> None:
        self.state, self.error = codes.STATE_READY, codes.ERROR_CANCELLED
        self._forget_image()

    def _pair(self, body: bytes) -> None:
        self.key = body
        self.identity.flags &= ~codes.FLAG_TAMPERED

    def _sensor(self) -> bytes:
        width, height, dpi, model = self.geometry
        return bodies.SENSOR.pack(model, width, height, dpi, 128, 115_200, 1000, 1, 9)

    def _work(self) -> None:
        late = self._deadline is not None and self._clock.now() > self._deadline
        if self.state == codes.STATE_WAITING_FINGER:
            if self.image is not None:
                self._take(self.image)
            elif late:
                self._end(codes.STATE_READY, codes.ERROR_NO_FINGER)
        elif self.state == codes.STATE_WAITING_LIFT:
            if self.image is None:
                self._end(codes.STATE_READY, 0)
            elif late:
                self._end(codes.STATE_READY, codes.ERROR_STILL_ON)
        elif self.state == codes.STATE_RECEIVING and not self._out and self._complete:
            self._end(codes.STATE_DONE, 0)

    def _take(self, image: bytes) -> None:
        width, height, dpi, model = self.geometry
        self.generation += 1
        self._taken = image
        self._sha256 = hashlib.sha256(image).digest()
        if self.wrong_sha:
            self.wrong_sha -= 1
            self._sha256 = bytes(32)
        self.event(codes.EVENT_STATE, bytes([codes.STATE_TAKING, 0, 0, self.link.flags()]))
        self.state = codes.STATE_RECEIVING
        self.event(codes.EVENT_STATE, bytes([codes.STATE_RECEIVING, 0, 0, self.link.flags()]))
        announced = bodies.EVENT_IMAGE.pack(self.generation, width, height, dpi, len(image), model, 1, 10)
        self.event(codes.EVENT_IMAGE, announced)
        chunks = -(-len(image) // CHUNK_BYTES)
        for number in range(chunks if self.stop_after is None else self.stop_after):
            if number in self.lose:
                self.lose.discard(number)
            else:
                self._chunk(number)
        if self.stop_after is None:
            self._complete = True
            body = bodies.EVENT_IMAGE_END.pack(self.generation, len(image), self._sha256, self.score, 100)
            self.event(codes.EVENT_IMAGE_END, body)

    def _send_chunks(self, generation: int, first: int, count: int) -> None:
        if generation == self.generation:
            for number in range(first, first + count):
                if number in self.lose:
                    self.lose.discard(number)
                else:
                    self._chunk(number)

    def _chunk(self, number: int) -> None:
        content = self._taken[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        self.event(codes.EVENT_CHUNK, bodies.EVENT_CHUNK.pack(self.generation, number) + content)

    def _end(self, state: int, error: int) -> None:
        self.state, self.error = state, error
        self._deadline = None
        self.event(codes.EVENT_STATE, bytes([state, error, self.detail, self.link.flags()]))

    def _forget_image(self) -> None:
        self.generation += 1
        self._taken, self._complete = b"", False
        self._out.clear()

    def _status(self) -> bytes:
        width, height, dpi, model = self.geometry
        due = len(self._taken)
        return bodies.STATUS.pack(
            self.state,
            self.error,
            self.detail,
            self.link.flags(),
            self.generation,
            due,
            due,
            int(self._complete),
            self._sha256,
            self.score,
            100,
            width,
            height,
            dpi,
            model,
            10,
        )

    def _send(self) -> None:
        if self._out and self.link.can_send:
            kind, body = self._out[0]
            at = self.link.event_start
            self.link.event[at : at + len(body)] = body
            self._out.popleft()
            self.link.send_event(kind, len(body))


class ScriptedBoard:
    """A `BoardScript` that the Pi opens at `path`. A context manager; all methods may be called from any thread."""

    def __init__(self, *, key: bytes | None = None, link: Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="whorl-scripted-"))
        self._pty = PtyPort(link or self._folder / "board")
        self.port = PtyBytePort(self._pty)
        self._script = BoardScript(port=self.port, clock=MonotonicClock(), key=key)
        self._thread = LoopThread(self._step, name="scripted-board")

    @property
    def path(self) -> str:
        """What the Pi opens."""
        return str(self._pty.link)

    def __enter__(self) -> Self:
        self._pty.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._thread.stop()
        finally:
            self._pty.unplug()
            shutil.rmtree(self._folder, ignore_errors=True)

    def tell(self, what: Callable[[BoardScript], _T]) -> _T:
        """Run `what` with the board between two steps."""
        return self._thread.ask(lambda: what(self._script))

    def set(self, **attributes: object) -> None:
        """Set attributes of the board between two steps."""
        self.tell(lambda script: [setattr(script, name, value) for name, value in attributes.items()])

    def unplug(self) -> None:
        """Pull the cable."""
        self._thread.ask(self._pty.unplug)

    def replug(self) -> None:
        """Put it back in; the board has restarted."""

        def do() -> None:
            self._script.restart()
            self._pty.plug()

        self._thread.ask(do)

    def say(self, raw: bytes) -> None:
        """Put bytes on the wire."""
        self._thread.ask(lambda: self._pty.write(raw))

    def mute(self, frames: int) -> None:
        """Swallow that many frames of the board's, then let it speak again."""
        self._thread.ask(lambda: setattr(self.port, "mute", frames))

    def _step(self, wake_fd: int) -> None:
        if not self._pty.plugged:
            select.select([wake_fd], [], [], _POLL_MS / 1000)
            return
        if self._script.idle:
            select.select([wake_fd, self._pty.fd], [], [], _POLL_MS / 1000)
        self._script.step()


class MonotonicClock(Clock):
    """Milliseconds."""

    def idle(self, ms: int) -> None:
        """See `Clock`; the thread waits elsewhere."""

    def now(self) -> int:
        """See `Clock`."""
        return time.monotonic_ns() // 1_000_000

    def since(self, then: int) -> int:
        """See `Clock`."""
        return self.now() - then


class PtyBytePort(BytePort):
    """The firmware's port over a pseudo-terminal; `mute` writes are swallowed, then it speaks again."""

    def __init__(self, port: PtyPort) -> None:
        self.mute = 0
        self._pty = port

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `BytePort`."""
        try:
            data = os.read(self._pty.fd, count)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        buffer[: len(data)] = data
        return len(data)

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `BytePort`."""
        if self.mute:
            self.mute -= 1
            return count
        return self._pty.write(bytes(buffer[offset : offset + count]))
