"""A centre that lets nobody in, on loopback, for the demo and the tests: made by an administrator's own commands.

An authority, a broker with the shipped configuration, and the API at whose door kiosks are admitted.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from hardware.bench.broker import HOST, SHIPPED, Broker
from hardware.bench.process import ChildProcess, ProcessError

if TYPE_CHECKING:
    from pathlib import Path

API_READY_S = 60.0
MATCHER = "matcher-1"
_CENTRE, _KIOSK = (sys.executable, "-m", "matcher_service"), (sys.executable, "-m", "edge_service")


class SecureCentre:
    """Start the broker with `broker.start()` and the API with `start_api`; the matcher is the caller's: `settings`."""

    def __init__(self, folder: Path, *, database_url: str) -> None:
        """Make the authority and the certificates in `folder`."""
        self.folder = folder
        self.authority = folder / "authority"
        self._database_url = database_url
        self._api: ChildProcess | None = None
        self.api_port = _free_port()
        self.run(
            "authority", "create", "--address", HOST, "--folder", str(self.authority), "--matcher", MATCHER
        )
        files = self.authority / "broker"
        shutil.copy(SHIPPED.with_name("acl"), files / "acl")
        (files / "acl").chmod(0o600)
        self.broker = Broker(folder / "broker", secure=files)

    @property
    def settings(self) -> list[str]:
        """The matcher's, and those of all commands of the centre, as KEY=VALUE."""
        own, api = self.authority / MATCHER, self.authority / "api"
        return [
            f"instance={MATCHER}",
            f"database.url={self._database_url}",
            f"broker.port={self.broker.port or 1883}",
            f"broker.tls.ca={own / 'ca.pem'}",
            f"broker.tls.certificate={own / 'tls.pem'}",
            f"broker.tls.key={own / 'tls.key'}",
            f"authority.folder={self.authority}",
            f"authority.address=https://{HOST}:{self.api_port}",
            "routing.mode=everything",  # whoever tests the rules says so after this
            f"api.port={self.api_port}",
            f"api.tokens={self.folder / 'api-tokens'}",
            f"api.certificate={api / 'api.pem'}",
            f"api.key={api / 'api.key'}",
        ]

    @property
    def address(self) -> str:
        """Of the API."""
        return f"https://{HOST}:{self.api_port}"

    def run(self, *command: str) -> str:
        """A `matcher-service` command; what it prints. Raises ProcessError with what it says instead."""
        more = [] if command[0] == "authority" and command[1] == "create" else _set(self.settings)
        return _run("matcher-service", [*_CENTRE, *command, *more])

    def start_api(self) -> None:
        """Start the API and wait until it listens."""
        command = [*_CENTRE, "api", *_set(self.settings)]
        self._api = ChildProcess(command, name="the API", log=self.folder / "api.log")
        deadline = time.monotonic() + API_READY_S
        while not _listens(self.api_port):
            if self._api.returncode is not None or time.monotonic() > deadline:
                raise ProcessError("the API", "did not start", self._api.output()[-1500:])
            time.sleep(0.05)

    def stop_api(self) -> None:
        """End it, if it runs."""
        if self._api is not None:
            self._api.stop()

    def invite(self, name: str, ori: str, *options: str) -> str:
        """A one-time code."""
        return self.run("devices", "invite", "--name", name, "--ori", ori, *options).split()[0]

    def provision(self, folder: Path, code: str, *options: str) -> str:
        """What a technician types at the kiosk; the identity goes into `folder`."""
        command = ["provision", code, "--centre", self.address, "--folder", str(folder), *options]
        return _run("edge-service", [*_KIOSK, *command])

    def reload_broker(self) -> None:
        """As after a revocation: the broker reads its lists again."""
        if self.broker.pid is not None:
            os.kill(self.broker.pid, signal.SIGHUP)


def _set(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def _run(name: str, command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own
    if done.returncode:
        raise ProcessError(name, f"ended with {done.returncode}", done.stdout[-800:] + done.stderr[-800:])
    return done.stdout


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1.0):
            return True
    except OSError:
        return False
