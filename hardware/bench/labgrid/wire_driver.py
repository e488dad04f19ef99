"""The cable between board and host, with an ear on it."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from labgrid.driver import Driver
from labgrid.factory import target_factory

from hardware.bench.labgrid.protocols import HostPortProtocol
from hardware.bench.trace import Entry, TraceWriter
from hardware.bench.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from hardware.bench.wire import Direction

_KEPT_BYTES = 4_000_000
"""About a hundred images: a test's bytes are wanted from its beginning, an endurance run's only at its end."""


@target_factory.reg_driver
class RecordedWireDriver(Driver, HostPortProtocol):
    """Passes bytes on between the program under test and the device's port, and keeps them for a while."""

    bindings = {"port": HostPortProtocol}  # noqa: RUF012 - labgrid's way
    port: HostPortProtocol

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._wire: Any = None
        self._lock = threading.Lock()
        self._heard: deque[Entry] = deque()
        self._heard_bytes = 0

    def on_activate(self) -> None:
        """Lay the wire."""
        self._wire = Wire(usb=True, tap=self._hear, name="host-port")
        self._wire.start()
        self._wire.join(self.port.path())

    def on_deactivate(self) -> None:
        """Take it away."""
        self._wire.stop()
        self._wire = None

    @Driver.check_active
    def path(self) -> str:
        """This end of the wire."""
        return self._wire.path

    def forget(self) -> None:
        """Begin a new record."""
        with self._lock:
            self._heard.clear()
            self._heard_bytes = 0

    def save(self, path: Path, *, real_contents: bool, note: str) -> None:
        """Write what was heard as a trace, which must not be there yet; the oldest is gone if it was too much.

        Raises `hardware.bench.trace.TraceError`.
        """
        with self._lock:
            heard = list(self._heard)
        with TraceWriter(path, real_contents=real_contents, note=note) as writer:
            for entry in heard:
                writer.add(replace(entry, at_ms=entry.at_ms - heard[0].at_ms))

    def _hear(self, direction: Direction, data: bytes) -> None:
        with self._lock:
            self._heard.append(Entry(time.monotonic() * 1000, direction.value, data))
            self._heard_bytes += len(data)
            while self._heard_bytes > _KEPT_BYTES:
                self._heard_bytes -= len(self._heard.popleft().data)
