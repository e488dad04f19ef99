"""Settings of the kiosk page: the table [kiosk] of the edge service's file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from edge_service.kiosk import parameters
from interchange.settings import SettingsModel


class KioskSettings(SettingsModel):
    """The page listens on 127.0.0.1 and nowhere else."""

    port: Annotated[int, Field(ge=1024, le=65535)] = parameters.PORT
    language: Literal["en", "es"] = "en"
    # Who may unlock it; without it, kiosk-users.json beside the spool. Made by `edge-service kiosk-users add`.
    users: Path | None = None
    idle_lock_s: Annotated[float, Field(ge=5, le=3600)] = parameters.IDLE_LOCK_S
    # Whom the page tells to call when the centre does not trust this kiosk: "help desk, 555-0100". Not sent anywhere.
    call: Annotated[str, StringConstraints(max_length=60)] = ""
    # A good print is accepted by itself after this time; 0 waits for a tap.
    accept_good_after_s: Annotated[float, Field(ge=0, le=60)] = parameters.ACCEPT_GOOD_AFTER_S
    # The finger plan that a booking begins with: right and left index and middle finger.
    positions: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10)], ...], Field(min_length=1, max_length=10)
    ] = (
        2,
        3,
        7,
        8,
    )

    @field_validator("positions")
    @classmethod
    def _different(cls, positions: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(positions)) != len(positions):
            raise ValueError("the same finger stands there twice")
        return positions
