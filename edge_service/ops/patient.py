"""What the doctor's checks look at, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edge_service.ops.running_service import RunningService, running_service
from edge_service.ops.spool_look import SpoolLook, look

if TYPE_CHECKING:
    from edge_service.settings import EdgeSettings


@dataclass(frozen=True)
class Patient:
    """A kiosk, by its settings. `root` is where its /proc and /sys are, for tests.

    The service and the spool are looked at once, when the first check asks.
    """

    settings: EdgeSettings
    root: Path = Path("/")

    @cached_property
    def spool(self) -> SpoolLook:
        """The spool, seen from outside."""
        return look(self.settings.spool.path)

    @cached_property
    def service(self) -> RunningService:
        """The service that runs, if one does."""
        return running_service(self.settings.spool.path, self.settings.ops.port)
