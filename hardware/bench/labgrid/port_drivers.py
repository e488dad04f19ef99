"""A real board's port, as a path that the program under test opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.util.proxy import proxymanager

from hardware.bench.labgrid.protocols import HostPortProtocol
from hardware.bench.remote_port import RemotePort

if TYPE_CHECKING:
    from typing import Any

    from labgrid.resource import NetworkSerialPort, SerialPort


@target_factory.reg_driver
class LocalPortDriver(Driver, HostPortProtocol):
    """A port of this machine: give it by its name under /dev/serial/by-id, which outlives a replug."""

    bindings = {"port": "SerialPort"}  # noqa: RUF012 - labgrid's way
    port: SerialPort

    def path(self) -> str:
        """The port itself."""
        return self.port.port


@target_factory.reg_driver
class RemotePortDriver(Driver, HostPortProtocol):
    """A port of another machine (RFC 2217 or raw TCP), brought here as a pseudo-terminal.

    So the program under test needs to know nothing of networks, and what is tested is what is shipped.
    """

    bindings = {"port": "NetworkSerialPort"}  # noqa: RUF012 - labgrid's way
    port: NetworkSerialPort

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._remote: Any = None

    def on_activate(self) -> None:
        """Begin to reach for the other machine; the path appears once it answers."""
        host, port = proxymanager.get_host_and_port(self.port)
        scheme = {"rfc2217": "rfc2217", "raw": "socket"}[self.port.protocol]
        self._remote = RemotePort(f"{scheme}://{host}:{port}", baud=self.port.speed)
        self._remote.start()

    def on_deactivate(self) -> None:
        """Let go of it."""
        self._remote.stop()
        self._remote = None

    @Driver.check_active
    def path(self) -> str:
        """The pseudo-terminal."""
        return self._remote.path
