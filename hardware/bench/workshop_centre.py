"""A whole centre for a workshop, on loopback: broker and matcher, and with an authority the door for kiosks too.

What demos, benchmarks and tests on other machines start and end. Whoever has people to enrol does it between the
broker's start and the matcher's: both come one by one.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from hardware.bench.broker import Broker
from hardware.bench.process import ChildProcess, ProcessError
from hardware.bench.secure_centre import SecureCentre

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

MATCHER_READY_S = 240.0
"""The first start compiles the matcher's kernels."""
_LOOK_S = 0.05


class WorkshopCentre:
    """A context manager, in which the broker runs; then `start_matcher`, `start_door` and `admit`.

    Attributes:
        folder: where everything of it is.
        secure: the authority and its commands; None for a centre that speaks in the clear.
        broker: runs within the context.
    """

    def __init__(self, folder: Path, *, secure: bool, settings: Sequence[str] = ()) -> None:
        """`settings` are more of the matcher's, as KEY=VALUE; without them everything is searched."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.database_url = f"sqlite:///{folder}/matcher.db"
        self.secure = SecureCentre(folder, database_url=self.database_url) if secure else None
        self.broker = self.secure.broker if self.secure else Broker(folder / "broker")
        self._more = list(settings)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self.broker)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def settings(self) -> list[str]:
        """The matcher's, and those of all commands of the centre, as KEY=VALUE."""
        if self.secure is not None:
            return [*self.secure.settings, *self._more]
        plain = [f"broker.port={self.broker.port}", f"database.url={self.database_url}"]
        return [*plain, "routing.mode=everything", *self._more]

    def start_matcher(self) -> ChildProcess:
        """Start it and wait until searches are fast. Raises ProcessError."""
        ready = self.folder / "matcher.ready"
        command = [sys.executable, "-m", "matcher_service", "run", "--ready-file", ready]
        command += [word for setting in self.settings for word in ("--set", setting)]
        matcher = ChildProcess(command, name="the matcher", log=self.folder / "matcher.log")
        self._open.callback(matcher.stop)
        deadline = time.monotonic() + MATCHER_READY_S
        while not ready.exists():
            if matcher.returncode is not None or time.monotonic() > deadline:
                raise ProcessError("the matcher", "did not become ready", matcher.output()[-1500:])
            time.sleep(_LOOK_S)
        return matcher

    def start_door(self) -> None:
        """Start the API, at which kiosks are admitted; where there is no authority there is no door."""
        if self.secure is not None:
            self.secure.start_api()
            self._open.callback(self.secure.stop_api)

    def admit(self, name: str, ori: str, identity: Path) -> list[str]:
        """Let a kiosk in, once the door is open; its settings, as KEY=VALUE."""
        known = [f"identity.folder={identity}"]
        if self.secure is None:
            return [
                *known,
                f"device={name}",
                f"broker.host={self.broker.host}",
                f"broker.port={self.broker.port}",
            ]
        self.secure.provision(identity, self.secure.invite(name, ori))
        return known
