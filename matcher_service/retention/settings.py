"""Settings of retention, in the matcher's file under `[retention]`.

[retention]
key_file = "/etc/whorl/records.key"
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated

from pydantic import Field

from interchange.settings import SettingsModel
from matcher_service.retention import parameters


class RetentionSettings(SettingsModel):
    """Where the key to the records is, and when the expiry runs.

    The key is in `key_file`, or in the systemd credential `whorl-records-key`, or, without either, in `records.key`
    beside the database's file. Policies are not settings: see `matcher-service retention policy`. A running matcher
    expires every `run_every_hours`, unless `run` is off. Bookings that were searched in no repository belong to none of
    its owners: they are erased after `not_searched_days`, or, without it, not at all.
    """

    key_file: Path | None = None
    run: bool = True
    run_every_hours: Annotated[int, Field(ge=1, le=7 * 24)] = parameters.RUN_EVERY_HOURS
    not_searched_days: Annotated[int, Field(ge=1, le=parameters.LONGEST_DAYS)] | None = None
