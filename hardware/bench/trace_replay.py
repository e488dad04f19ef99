"""Plays the sensor's part of a recorded session, so that a fault from the field becomes a test."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from edge_service.sensors.zfm_frame import FrameParser, Packet
from hardware.bench.bench_device import BenchDevice
from hardware.bench.parameters import WIRE_FULL_POLL_S
from hardware.bench.trace_script import TraceScript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hardware.bench.trace import Trace
    from hardware.bench.trace_script import Step, Tally


class TraceEmulator(BenchDevice):
    """A sensor that does once more what a sensor did. The host opens `path`. A context manager.

    The host's questions are matched by content, not by time: `tally` tells how well they fitted. What the sensor
    did comes as long after the question as it did then, or sooner by the factor `speed`. The baud rate that the host
    sets is not looked at.

    Args:
        trace: the record.
        link: where the port appears; None makes a place in the directory for temporary files.
        speed: 1 keeps the recorded pauses, 10 makes them a tenth.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        link: Path | str | None = None,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed is how many times as fast as recorded, above 0")
        super().__init__(name="replay", link=link)
        self._script = TraceScript(trace)
        self._speed = speed
        self._clock = clock
        self._parser = FrameParser(None)
        self._due: deque[tuple[float, Step]] = deque()

    def tally(self) -> Tally:
        """How well the host's questions fitted so far."""
        return self._thread.ask(lambda: replace(self._script.tally))

    def _begin(self) -> None:
        super()._begin()
        self._queue(self._script.before_any_question())

    def _step(self, wake_fd: int) -> None:
        wait_s = self._act()
        self._port.wait(wake_fd, read=True, timeout_s=wait_s)
        if self._port.plugged:
            for event in self._parser.feed(self._port.read()):
                if isinstance(event, Packet):
                    self._queue(self._script.answer(event))

    def _queue(self, steps: list[Step]) -> None:
        now = self._clock()
        self._due.extend((now + step.after_s / self._speed, step) for step in steps)

    def _act(self) -> float | None:
        """Do what is due; the time until more is, None when nothing is left."""
        while self._due:
            at, step = self._due[0]
            if (wait_s := at - self._clock()) > 0:
                return wait_s
            self._due.popleft()
            if step.event == "gone":
                self._port.unplug()
                self._parser.reset()
            elif step.event == "back":
                self._port.plug()
            elif self._port.plugged and (count := self._port.write(step.data)) < len(step.data):
                self._due.appendleft((at, replace(step, data=step.data[count:])))
                return WIRE_FULL_POLL_S
        return None
