"""What systemd is to the service in there: the socket on which it says that it is ready and alive (sd_notify(3))."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Self

from deploy.arm64.errors import StepFailed

if TYPE_CHECKING:
    from types import TracebackType

    from deploy.arm64.machine import Machine
    from hardware.bench.process import ChildProcess

_ADDRESS = "/run/notify"


class Supervisor:
    """A context manager. `environment` is what the service is to be started with."""

    def __init__(self, machine: Machine, *, watchdog_s: float) -> None:
        self._path = machine.path(_ADDRESS)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o666)
        self.environment = {"NOTIFY_SOCKET": _ADDRESS}
        if watchdog_s:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def wait_for(self, words: str, service: ChildProcess, *, timeout_s: float) -> float:
        """How many seconds passed until the service said `words`. Raises StepFailed if it does not, or ends."""
        begun = time.monotonic()
        self._socket.settimeout(0.5)
        while time.monotonic() - begun < timeout_s:
            if service.returncode is not None:
                raise StepFailed(service.name, f"ended with {service.returncode}", service.output()[-1500:])
            try:
                if self._socket.recv(4096).decode().startswith(words):
                    return time.monotonic() - begun
            except TimeoutError:
                continue
        raise StepFailed(
            service.name, f"did not say {words} within {timeout_s:.0f} s", service.output()[-1500:]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)
