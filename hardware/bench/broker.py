"""Debian's Mosquitto as a child process on a free loopback port, for the demo, the bench and the tests.

It has its own configuration and its own folder, and does not care what else runs on the machine or listens
on port 1883. Anonymous access is allowed because it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hardware.bench.process import ChildProcess, ProcessError

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto" / "whorl.conf"
START_TIMEOUT_S = 10.0
START_ATTEMPTS = 5
POLL_S = 0.02

# MQTT 5 CONNECT: clean start, keep alive 5 s, no properties, empty client id; and the type of its answer.
_CONNECT = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00"
_DISCONNECT = b"\xe0\x00"
_CONNACK_TYPE = 0x20


class BrokerMissing(Exception):  # noqa: N818 - reads as what it is
    """Mosquitto is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "mosquitto was not found on the PATH or in /usr/sbin; install it with: sudo apt install mosquitto"
        )


def find_mosquitto() -> Path:
    """Where the broker's binary is. Raises BrokerMissing, which says how to install it."""
    for place in (os.environ.get("PATH", ""), "/usr/sbin:/usr/local/sbin"):
        found = shutil.which("mosquitto", path=place)
        if found:
            return Path(found)
    raise BrokerMissing


class Broker:
    """A private Mosquitto, a context manager.

    Started again after `stop` it has the same port and its sessions with what was queued in them; after
    `kill` the port only: it saves every half hour and at its end.
    """

    def __init__(
        self, folder: Path | None = None, *, port: int | None = None, secure: Path | None = None
    ) -> None:
        """`folder` keeps its configuration, log and sessions; without one, a temporary folder does.

        With `secure`, a folder of certificates and `acl`, it runs the configuration that is shipped
        (deploy/mosquitto/whorl.conf) and lets in only who has a certificate.
        """
        # Added at the end of its configuration: a bridge, say.
        self.more: list[str] = []
        self._own_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="whorl-broker-")) if folder is None else folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.host = HOST
        self._secure = secure
        self._wanted_port = port
        self.port = port or 0
        self.log = self.folder / "mosquitto.log"
        self._process: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> Self:
        """Start and wait until it answers. Raises BrokerMissing, or ProcessError with the end of its log."""
        binary = find_mosquitto()
        for attempt in range(1, START_ATTEMPTS + 1):
            if not self.port:
                self.port = _free_port()
            self._process = ChildProcess(
                [binary, "-c", self._write_configuration()], name="mosquitto", log=self.log
            )
            try:
                self._wait_until_it_answers(self._process)
            except ProcessError:
                self._process.stop()
                # Somebody else may have taken the port between our look and mosquitto's.
                if self._wanted_port or attempt == START_ATTEMPTS:
                    raise
                self.port = 0
            else:
                self._wanted_port = self.port
                break
        return self

    def stop(self) -> None:
        """End it in order; sessions and what is queued in them are kept in the folder."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process:
            self._process.kill()

    def log_text(self) -> str:
        """All that it has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except Exception:
            self._clear_away()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._clear_away()

    def _clear_away(self) -> None:
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write_configuration(self) -> Path:
        lines = self._secure_lines(self._secure) if self._secure else self._open_lines()
        if os.geteuid() == 0:
            # Started by root it would become the user "mosquitto", who cannot write in our folder.
            lines.append("user root")
        lines += self.more
        path = self.folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _secure_lines(self, secure: Path) -> list[str]:
        text = SHIPPED.read_text(encoding="utf-8")
        return [
            text.replace("listener 8883", f"listener {self.port} {HOST}").replace(
                "/etc/whorl/broker", str(secure.resolve())
            ),
            f"persistence_location {self.folder.resolve()}/",  # on a machine, Debian's own file says it
        ]

    def _open_lines(self) -> list[str]:
        return [
            f"listener {self.port} {HOST}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self.folder.resolve()}/",
            "set_tcp_nodelay true",  # small messages both ways: without it each waits 40 ms for the last
            "max_packet_size 131072",
            "max_queued_messages 10000",
            "log_dest stderr",  # its standard output is not flushed
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        ]

    def _wait_until_it_answers(self, process: ChildProcess) -> None:
        # Its own word first: on a port that is taken, somebody else would answer.
        process.wait_for("running", timeout_s=START_TIMEOUT_S)
        deadline = time.monotonic() + START_TIMEOUT_S
        # Behind TLS its word has to do: it answers nobody whom we could be here.
        while not self._secure and not _answers(self.host, self.port):
            if time.monotonic() > deadline:
                raise ProcessError("mosquitto", "does not answer", process.output()[-2000:])
            time.sleep(POLL_S)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0) as connection:
            connection.sendall(_CONNECT)
            answer = connection.recv(4)
            connection.sendall(_DISCONNECT)
    except OSError:
        return False
    return bool(answer) and answer[0] == _CONNACK_TYPE
