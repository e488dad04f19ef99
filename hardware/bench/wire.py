"""A wire with somebody's hand on it: bytes pass between a host and a device, and things happen to them.

    host  <->  Wire.path (a pseudo-terminal)  ==wire==  the device's port  <->  device

*Down* is from the host to the device, *up* from the device to the host. Between the board and the sensor the
board is the host; between the Pi and the board the Pi is.

How the virtual board uses it: `wire = Wire(usb=...)`; `wire.join(device_path)` names the port of the device,
which may come, go and come back at any time; `wire.path` is what the host opens. `start` and `stop` (or `with`)
belong to whoever made the wire.
"""

from __future__ import annotations

import select
import termios
import time
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from hardware.bench.bench_device import BenchDevice
from hardware.bench.device_end import DeviceEnd
from hardware.bench.parameters import WIRE_FULL_POLL_S, WIRE_HOST_UNREAD_BYTES
from hardware.bench.wire_faults import Call, Cut, FaultScript
from hardware.bench.wire_lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hardware.bench.wire_faults import Passing


class Direction(StrEnum):
    """Which way bytes go."""

    DOWN = "down"
    """From the host to the device."""
    UP = "up"
    """From the device to the host."""


if TYPE_CHECKING:
    Tap: TypeAlias = Callable[[Direction, bytes], None]


class Wire(BenchDevice):
    """Carries bytes between a host and a device in a thread of its own. A context manager.

    The speed that the host sets on its port is set on the device's port too, before anything is carried.
    A side that does not read is, after some kilobytes, no longer sent to: those that the kernel holds in each
    pseudo-terminal (18 KB on Linux 6.18), and on a USB cable not more than `WIRE_HOST_UNREAD_BYTES` at the host's end.

    All methods may be called from any thread, but not from a tap.

    Args:
        link: where the host's port appears; None makes a place in the directory for temporary files.
        usb: a USB cable rather than three wires of a UART. Cut, or without a device, the host's port is gone
            (a reader gets end of file) and the device's port is closed; of a UART the port stays, and
            what is sent gets lost.
        up, down: what happens to the bytes of each direction; None is nothing.
        baud: paces both directions as a UART of that speed would; None does not.
        tap: hears everything as the host does: what it sends (before anything happens to it) and what it gets.
            Called in the wire's thread; must not wait.
        told: hears "back" and "gone" of the device, and "baud N" of the host; in the wire's thread; must not wait.
        called: gets the number of an incident `CALL`; in the wire's thread; must not wait.
    """

    def __init__(
        self,
        *,
        link: Path | str | None = None,
        usb: bool = False,
        up: FaultScript | None = None,
        down: FaultScript | None = None,
        baud: int | None = None,
        tap: Tap | None = None,
        told: Callable[[str], None] | None = None,
        called: Callable[[int], None] | None = None,
        name: str = "wire",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name=name, link=link)
        self._usb = usb
        self._device = DeviceEnd()
        self._lanes = {
            Direction.DOWN: Lane(down or FaultScript(), baud=baud),
            Direction.UP: Lane(up or FaultScript(), baud=baud),
        }
        self._tap = tap
        self._told = told
        self._called = called
        self._clock = clock
        self._cut = False
        self._mend_at: float | None = None
        self._speed: int | None = None

    def join(self, device: Path | str | None) -> None:
        """Name the device's port; it need not be there yet. None takes it away."""
        self._ask(lambda: self._set_device(device))

    # -- trouble

    def harm(self, *, up: FaultScript | None = None, down: FaultScript | None = None) -> None:
        """From now on these scripts hold, and count bytes from here; what is under way is not touched."""
        self._ask(lambda: self._set_scripts(up, down))

    def heal(self) -> None:
        """Nothing happens any more: scripts and pauses end, a cut is mended."""
        self._ask(self._heal)

    def cut(self, *, mend_after_s: float | None = None) -> None:
        """Pull the cable; what is under way is lost."""
        self._ask(lambda: self._do_cut(mend_after_s))

    def mend(self) -> None:
        """Put the cable back."""
        self._ask(self._mend)

    def hold(self, direction: Direction, seconds: float) -> None:
        """Carry nothing that way for a while, as if its reader had stopped to read."""
        self._ask(lambda: self._lanes[direction].hold(seconds, now=self._clock()))

    def inject(self, direction: Direction, data: bytes) -> None:
        """Put bytes on the wire, behind those under way; nothing happens to them."""
        self._ask(lambda: self._lanes[direction].put([data], now=self._clock()))

    # -- what happened

    def happened(self, direction: Direction) -> list[str]:
        """The incidents of the present script so far, as text."""
        return self._ask(lambda: [str(incident) for incident in self._lanes[direction].script.happened])

    def carried(self, direction: Direction) -> int:
        """Bytes that were handed over so far."""
        return self._ask(lambda: self._lanes[direction].carried)

    @property
    def joined(self) -> bool:
        """Whether both ends are there."""
        return self._ask(lambda: self._device.is_open and self._port.plugged)

    # -- the thread

    def _step(self, wake_fd: int) -> None:
        now = self._clock()
        if self._mend_at is not None and now >= self._mend_at:
            self._mend()
        self._keep_device(now)
        self._pass_speed_on()
        waits = [self._deliver(direction) for direction in Direction]
        if self._mend_at is not None:
            waits.append(self._mend_at - now)
        if not self._device.is_open:
            waits.append(self._device.retry_in_s(now))
        self._wait(wake_fd, min((s for s in waits if s is not None), default=None))

    def _wait(self, wake_fd: int, timeout_s: float | None) -> None:
        """Until something can be taken in, or for the time; then take it in."""
        readers: dict[int, Direction] = {}
        if self._port.plugged and self._lanes[Direction.DOWN].has_room:
            readers[self._port.fd] = Direction.DOWN
        if self._device.is_open and self._lanes[Direction.UP].has_room:
            readers[self._device.fd] = Direction.UP
        poll = select.poll()
        poll.register(wake_fd, select.POLLIN)
        for fd in readers:
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(None if timeout_s is None else max(0, -int(-timeout_s * 1000 // 1))):
            direction = readers.get(fd)
            if direction is not None:
                self._take_in(direction)

    def _take_in(self, direction: Direction) -> None:
        data = self._port.read() if direction is Direction.DOWN else self._device.read()
        if data is None:
            self._lose_device()
        elif data:
            if direction is Direction.DOWN:
                # A host sets the speed first and speaks then.
                self._pass_speed_on()
                self._tell(direction, data)
            if not self._cut:
                self._lanes[direction].take_in(data, now=self._clock())

    def _deliver(self, direction: Direction) -> float | None:
        """Hand over what has arrived; the time until more will have, None when nothing is under way."""
        lane = self._lanes[direction]
        while (head := lane.head(now=self._clock())) is not None:
            if not isinstance(head, bytes):
                lane.pop()
                self._see_to(head)
                continue
            count = self._hand_over(direction, head)
            if count is None:
                self._lose_device()
                return None
            if count == 0:
                return WIRE_FULL_POLL_S
            lane.left(count)
            if direction is Direction.UP:
                self._tell(direction, head[:count])
        return lane.wait_s(now=self._clock())

    def _hand_over(self, direction: Direction, data: bytes) -> int | None:
        """How many bytes were taken; those that fall out at a missing end count as taken. None: it has just gone."""
        if direction is Direction.UP:
            if not self._port.plugged:
                return len(data)
            if self._usb and self._port.unread_bytes() > WIRE_HOST_UNREAD_BYTES:
                return 0
            return self._port.write(data)
        return self._device.write(data) if self._device.is_open else len(data)

    def _tell(self, direction: Direction, data: bytes) -> None:
        if self._tap is not None:
            self._tap(direction, data)

    def _say(self, what: str) -> None:
        if self._told is not None:
            self._told(what)

    def _see_to(self, item: Passing) -> None:
        if isinstance(item, Cut):
            self._do_cut(item.mend_after_s)
        elif isinstance(item, Call) and self._called is not None:
            self._called(item.number)

    # -- ends that come and go

    def _keep_device(self, now: float) -> None:
        if self._device.is_open or (self._usb and self._cut):
            return
        if self._device.try_open(now):
            self._speed = None
            self._say("back")
            if self._usb:
                self._port.plug()

    def _lose_device(self) -> None:
        if self._device.is_open:
            self._say("gone")
        self._device.close()
        self._clear()
        if self._usb:
            self._port.unplug()

    def _set_device(self, path: Path | str | None) -> None:
        self._lose_device()
        self._device.name(path)

    def _pass_speed_on(self) -> None:
        if not (self._port.plugged and self._device.is_open):
            return
        speed: int = termios.tcgetattr(self._port.fd)[5]
        if speed != self._speed:
            self._speed = speed
            self._device.set_speed(speed)
            self._say(f"baud {self._port.host_baud() or 0}")

    # -- trouble, in the thread

    def _do_cut(self, mend_after_s: float | None) -> None:
        self._cut = True
        self._mend_at = None if mend_after_s is None else self._clock() + mend_after_s
        self._clear()
        if self._usb:
            self._port.unplug()
            self._device.close()

    def _mend(self) -> None:
        self._cut = False
        self._mend_at = None

    def _heal(self) -> None:
        self._set_scripts(None, None)
        for lane in self._lanes.values():
            lane.end_pauses(now=self._clock())
        self._mend()

    def _set_scripts(self, up: FaultScript | None, down: FaultScript | None) -> None:
        self._lanes[Direction.UP].script = up or FaultScript()
        self._lanes[Direction.DOWN].script = down or FaultScript()

    def _clear(self) -> None:
        for lane in self._lanes.values():
            lane.clear()

    def _begin(self) -> None:
        if not self._usb:
            super()._begin()

    def _end(self) -> None:
        self._device.close()
