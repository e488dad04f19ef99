"""Questions and answers over the port: packets with deadlines, and images that are complete or refused."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_service.sensors.errors import SensorGarbled, SensorSilent
from edge_service.sensors.parameters import BITS_PER_BYTE_ON_WIRE, REQUEST_ATTEMPTS, Timing
from edge_service.sensors.zfm_codes import DEFAULT_ADDRESS, PACKET_BYTES, Confirmation, Pid
from edge_service.sensors.zfm_frame import OVERHEAD_BYTES, Damage, FrameParser, Packet, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.sensors.protocol import Progress
    from edge_service.sensors.serial_port import SerialPort


@dataclass(frozen=True, slots=True)
class Ack:
    """Answer to a command: its confirmation code, and what follows it."""

    code: int
    payload: bytes


@dataclass(slots=True)
class _Arrived:
    """What has come of an image: its bytes, the packets that were damaged, whether the last one was there."""

    content: bytearray = field(default_factory=bytearray)
    damaged: int = 0
    ended: bool = False

    def take(self, events: deque[Packet | Damage]) -> bool:
        """Take packets up to the last one of the image; True when bytes were among them."""
        before = len(self.content)
        while events and not self.ended:
            event = events.popleft()
            if isinstance(event, Damage):
                self.damaged += 1
            elif event.pid in {Pid.DATA, Pid.END}:
                self.content += event.content
                self.ended = event.pid == Pid.END
        return len(self.content) > before


class ZfmLink:
    """The conversation with one module. One thread at a time.

    Attributes:
        baud: baud rate of the port.
        packet_bytes: content of a data packet as the module reports it; the deadlines follow from it.
    """

    def __init__(
        self,
        port: SerialPort,
        *,
        timing: Timing,
        address: int = DEFAULT_ADDRESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.baud = 0
        self.packet_bytes = PACKET_BYTES[0]
        self._port = port
        self._timing = timing
        self._address = address
        self._clock = clock
        self._parser = FrameParser(address)
        self._events: deque[Packet | Damage] = deque()
        self._restless = True

    def start(self, baud: int) -> None:
        """Speak at `baud` from now on. Raises `SensorUnplugged`."""
        if self._port.is_open:
            self._port.set_baud(baud)
        else:
            self._port.open(baud)
        self.baud = baud
        self._restless = True

    def _image_limit_s(self, image_bytes: int) -> float:
        """Longest that an image may take at this baud rate and packet size."""
        packets = -(-image_bytes // self.packet_bytes)
        on_wire_s = (image_bytes + packets * OVERHEAD_BYTES) * BITS_PER_BYTE_ON_WIRE / self.baud
        return on_wire_s * self._timing.image_factor + self._timing.image_margin_s

    def request(
        self,
        instruction: int,
        parameters: bytes = b"",
        *,
        timeout_s: float | None = None,
        attempts: int = REQUEST_ATTEMPTS,
    ) -> Ack:
        """Ask, and ask again when the answer is damaged, missing, or says that the question was damaged.

        Raises `SensorSilent` when nothing came or too little to be an answer (a module that starts up says
        one byte), `SensorGarbled` when more came but no answer was in it, and `SensorUnplugged`.
        """
        wait_s = self._timing.reply_s if timeout_s is None else timeout_s
        question = command(instruction, parameters, address=self._address)
        heard = damaged = 0
        for _ in range(attempts):
            self._hush()
            self._port.write(question)
            answer = self._await_ack(wait_s)
            if isinstance(answer, Ack) and answer.code != Confirmation.RECEIVE_ERROR:
                return answer
            # A late answer would pass for the answer to the next question: hush before asking that.
            self._restless = True
            damaged += answer is not None
            heard += self._parser.skipped_bytes + self._parser.pending_bytes
        if damaged or heard >= OVERHEAD_BYTES:
            what = "packets arrive damaged" if damaged else f"{heard} bytes of noise instead of an answer"
            raise SensorGarbled(what, path=self._port.path)
        raise SensorSilent(path=self._port.path, waited_s=wait_s * attempts, bauds=(self.baud,))

    def receive_image(
        self, expected_bytes: int, *, progress: Progress | None, cancelled: Callable[[], bool]
    ) -> bytes | None:
        """The data packets that follow an UpImage, joined; None when the caller cancelled.

        The wire numbers nothing, so a lost packet shows as too few bytes and a repeated one as too many. The
        caller judges the count; damage is judged here: `SensorGarbled` with both counts, or `SensorSilent`.
        """
        arrived = _Arrived()
        started = last_heard = self._clock()
        limit_s = self._image_limit_s(expected_bytes)
        # Whatever happens, something may still follow: a repeated last packet, the rest of a broken image.
        self._restless = True
        while not arrived.ended:
            if cancelled():
                return None
            now = self._clock()
            if self._pump():
                last_heard = self._clock()
            elif now - last_heard > self._timing.silence_in_image_s:
                break
            if now - started > limit_s:
                break
            if arrived.take(self._events) and progress is not None:
                progress(min(len(arrived.content), expected_bytes), expected_bytes)
        if arrived.ended and not arrived.damaged:
            return bytes(arrived.content)
        if not arrived.content and not arrived.damaged and not self._parser.skipped_bytes:
            waited_s = self._clock() - started
            raise SensorSilent(path=self._port.path, waited_s=waited_s, bauds=(self.baud,))
        raise SensorGarbled(
            f"{arrived.damaged} packets of the image are damaged"
            if arrived.damaged
            else "the image broke off",
            path=self._port.path,
            expected_bytes=expected_bytes,
            received_bytes=len(arrived.content),
        )

    def _await_ack(self, wait_s: float) -> Ack | Damage | None:
        """The next answer, or what was damaged in its stead; data packets are left over from before."""
        deadline = self._clock() + wait_s
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Damage):
                    return event
                if event.pid == Pid.ACK and event.content:
                    return Ack(event.content[0], event.content[1:])
            if self._clock() >= deadline:
                return None
            self._pump()

    def _pump(self) -> bool:
        """Read once; True when bytes came."""
        data = self._port.read_some()
        self._events.extend(self._parser.feed(data))
        return bool(data)

    def _hush(self) -> None:
        """Make sure that what is heard next is the answer to what is asked next."""
        if self._restless:
            timing = self._timing
            if not self._port.drain(quiet_s=timing.quiet_s, limit_s=timing.babble_s):
                raise SensorGarbled("it sends without a pause", path=self._port.path)
            self._restless = False
        else:
            self._port.discard_input()
        self._parser.reset()
        self._events.clear()
