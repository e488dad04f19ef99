"""One step of the emulated sensor's life: hear the host, ask the module, send its answers at their pace."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from edge_service.sensors.zfm_codes import Confirmation, Instruction, Pid
from edge_service.sensors.zfm_frame import Damage, FrameParser, Packet, acknowledgement
from hardware.bench.faults import FaultKind, FaultPlan, Mark
from hardware.bench.finger_stand import FingerStand
from hardware.bench.paced_queue import PacedQueue
from hardware.bench.parameters import FULL_PTY_POLL_S, HOST_STALL_S, PROCESSING_S
from hardware.bench.zfm_module import Reply, ZfmModule

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from hardware.bench.faults import Outgoing
    from hardware.bench.pty_port import PtyPort
    from hardware.bench.zfm_models import ModuleModel

_POWER_UP = bytes([Confirmation.READY])
_STATES = {
    (Instruction.VFY_PWD, FaultKind.WRONG_PASSWORD): Confirmation.WRONG_PASSWORD,
    (Instruction.GEN_IMG, FaultKind.BAD_IMAGE): Confirmation.IMAGE_FAILED,
}


class SensorLoop:
    """The module, its port, the finger on it and the faults in it. Used by one thread.

    Attributes:
        stand: fingers.
        faults: what goes wrong.
        module: the state machine.
        heard: instruction codes of the intact commands so far.
        images_sent: how many times an image was sent.
    """

    def __init__(
        self,
        model: ModuleModel,
        port: PtyPort,
        *,
        password: int,
        baud: int,
        packet_bytes: int,
        speed: float,
        check_baud: bool,
        boot_s: float,
        replug_after_s: float | None,
        seed: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stand = FingerStand()
        self.faults = FaultPlan()
        self.module = ZfmModule(
            model, look=self._look, password=password, baud=baud, packet_bytes=packet_bytes, seed=seed
        )
        self.heard: list[int] = []
        self.images_sent = 0
        self._port = port
        self._parser = FrameParser(self.module.address)
        self._out = PacedQueue(speed)
        self._noise = random.Random(seed)  # noqa: S311 - noise must be repeatable
        self._check_baud = check_baud
        self._boot_s = boot_s
        self._replug_after_s = replug_after_s
        self._clock = clock
        self._off = False
        self._deaf_until: float | None = None
        self._replug_at: float | None = None
        self._stalled_since: float | None = None

    def step(self, wake_fd: int) -> None:
        """Do what is due, then wait for the host, the clock, or a byte on `wake_fd`."""
        now = self._clock()
        if self._replug_at is not None and now >= self._replug_at:
            self.replug()
        if self._deaf_until is not None and now >= self._deaf_until:
            self._deaf_until = None
            self._out.put(self.faults.spoil([_POWER_UP], self._noise), now=now)
        pause_s = self._send(now)
        times = [t - now for t in (self._replug_at, self._deaf_until) if t is not None]
        if pause_s is not None:
            times.append(pause_s)
        # While something is on its way out the module is busy: what the host says meanwhile is heard after.
        idle = not self._out
        self._port.wait(wake_fd, read=idle, timeout_s=min(times, default=None))
        if idle and self._port.plugged:
            self._listen()

    def power_up(self) -> None:
        """Begin anew: deaf at first, then one 55 (R503 manual, "power-on delay time")."""
        self.faults.remove(FaultKind.SILENCE)
        self.module.power_up()
        self._parser.reset()
        self._out.clear()
        self._off = False
        # Without its cable it starts up when that is put in.
        self._deaf_until = self._clock() + self._boot_s if self._port.plugged else None

    def power_down(self) -> None:
        """Deaf and dumb until `power_up`; the wires stay."""
        self._out.clear()
        self._off = True
        self._deaf_until = None

    def unplug(self) -> None:
        """Pull the cable."""
        self._port.unplug()
        self._out.clear()
        self._deaf_until = self._replug_at = self._stalled_since = None

    def replug(self) -> None:
        """Put the cable back in."""
        self._replug_at = None
        if not self._port.plugged:
            self._port.plug()
            if not self._off:
                self.power_up()

    # -- hearing

    def _listen(self) -> None:
        data = self._port.read()
        if not data or self._off or self._deaf_until is not None or self.faults.has(FaultKind.SILENCE):
            return
        if not self._same_baud():
            data = self._noise.randbytes(len(data))
        for event in self._parser.feed(data):
            reply = self.module.damaged() if isinstance(event, Damage) else self._answer(event)
            outgoing = self.faults.spoil(reply.packets, self._noise)
            if reply.after is not None:
                outgoing.append(reply.after)
            delay_s = 0.0 if isinstance(event, Damage) else _processing_s(event)
            self._out.put(outgoing, now=self._clock(), delay_s=delay_s)
            self._parser.address = self.module.address

    def _answer(self, packet: Packet) -> Reply:
        if packet.pid != Pid.COMMAND or not packet.content:
            return self.module.handle(packet)
        code = packet.content[0]
        self.heard.append(code)
        for (instruction, kind), refusal in _STATES.items():
            if code == instruction and self.faults.takes(kind):
                return Reply([acknowledgement(refusal, address=self.module.address)])
        reply = self.module.handle(packet)
        if code == Instruction.UP_IMAGE and len(reply.packets) > 1:
            self.images_sent += 1
            self.stand.sent()
        return reply

    def _look(self) -> NDArray[np.uint8] | None:
        return None if self.faults.takes(FaultKind.NO_FINGER) else self.stand.look()

    # -- speaking

    def _send(self, now: float) -> float | None:
        """Send what is due; returns the time until more is, None when nothing is left."""
        while (head := self._out.head) is not None:
            if not isinstance(head, bytes):
                self._out.pop_mark()
                self._see_to(head)
                continue
            baud = self.module.baud
            due = self._out.due(now=self._clock(), baud=baud)
            if not due:
                return self._out.wait_s(now=self._clock(), baud=baud)
            count = self._port.write(due if self._same_baud() else self._noise.randbytes(len(due)))
            if count == 0:
                return self._stall(now)
            self._stalled_since = None
            self._out.left(count, baud=baud)
        return None

    def _stall(self, now: float) -> float | None:
        """The host takes nothing: try again soon, but lose the bytes in the end, as a UART would."""
        if self._stalled_since is None:
            self._stalled_since = now
        if now - self._stalled_since < HOST_STALL_S:
            return FULL_PTY_POLL_S
        self._stalled_since = None
        self._out.clear()
        return None

    def _see_to(self, mark: Outgoing) -> None:
        if mark is Mark.UNPLUG:
            self.unplug()
            if self._replug_after_s is not None:
                self._replug_at = self._clock() + self._replug_after_s
        elif mark is Mark.RESTART:
            self.power_up()
        elif mark is Mark.SWITCH_BAUD:
            self.module.switch_baud()

    def _same_baud(self) -> bool:
        return not self._check_baud or self._port.host_baud() == self.module.baud


def _processing_s(packet: Packet) -> float:
    """Time the real module takes before it answers."""
    is_command = packet.pid == Pid.COMMAND and packet.content
    return PROCESSING_S.get(packet.content[0], 0.0) if is_command else 0.0
