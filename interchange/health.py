"""Whether a service is alive and whether it is ready, proven and not claimed; for both programs.

*Alive* means that work was seen to be done lately; a service that is not alive is to be started anew, so nothing may
count against it that a new start would not cure. *Ready* means that it can do what it is there for: a broker that is
away makes a service not ready, and it is right that it goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from interchange.logs import facts
from interchange.settings import SettingsModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.sd_notify import Notifier

log = logging.getLogger("interchange.health")

ROUND_S: Final = 5.0
"""Longest pause between two looks; a watchdog that wants it more often is fed three times within its limit."""
MISSED_ROUNDS: Final = 3
"""Rounds without proof after which a service calls itself no longer alive."""


class OpsSettings(SettingsModel):
    """Where /healthz, /readyz and /metrics are answered: on 127.0.0.1 alone. Without a port, nowhere; 0: any."""

    port: Annotated[int, Field(ge=0, le=65535)] | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to hold, and in words why it does not. No personal data, no prints, no TCN."""

    name: str
    holds: bool
    words: str = ""


class Pulse:
    """When something last came to the end of a piece of its work."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat_at = clock()

    def beat(self) -> None:
        """It did so now. Any thread."""
        self._beat_at = self._clock()

    @property
    def age_s(self) -> float:
        """How long ago that was."""
        return self._clock() - self._beat_at


class Vitals:
    """Looks for proof of progress, on a thread of its own, and feeds the watchdog with it and with nothing else.

    `prove` gives "" when progress is proven, else the words of what stands still. It may fail and it may hang: then
    nothing is proven.
    """

    def __init__(
        self,
        *,
        prove: Callable[[], str],
        status: Callable[[], str],
        notifier: Notifier,
        round_s: float = ROUND_S,
    ) -> None:
        self._prove = prove
        self._status = status
        self._notifier = notifier
        self._round_s = min(round_s, notifier.watchdog_s / 3) if notifier.watchdog_s else round_s
        self._proven = Pulse()
        self._words = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)

    def start(self) -> None:
        """Say that the service is ready for its supervisor, and begin to look."""
        self._notifier.ready()
        self._thread.start()

    def stop(self) -> None:
        """Say that the service ends, and end. A look that hangs is left behind."""
        self._notifier.stopping()
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(self._round_s)

    def alive(self) -> Condition:
        """Whether progress was proven lately."""
        age_s = self._proven.age_s
        if age_s <= self._round_s * MISSED_ROUNDS:
            return Condition("progress", holds=True)
        return Condition(
            "progress", holds=False, words=f"no progress for {age_s:.0f} s. {self._words}".strip()
        )

    def _run(self) -> None:
        told = ""
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            pause_s = self._round_s
            words = self._look()
            status = words or self._status()
            if status != told:
                self._notifier.status(status)
                told = status
            if words and words != self._words:
                log.warning("no progress", extra=facts(reason=words))
            self._words = words
            if not words:
                self._proven.beat()
                self._notifier.alive()

    def _look(self) -> str:
        try:
            return self._prove()
        except Exception as error:
            log.exception("fault while looking for progress")
            return type(error).__name__
