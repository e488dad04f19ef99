"""Settings of the audit, in the matcher's file under `[audit]`.

[audit]
heads_file = "/mnt/elsewhere/whorl-heads.jsonl"
sign_every_minutes = 60
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated

from pydantic import Field

from interchange.settings import SettingsModel


class AuditSettings(SettingsModel):
    """Who signs the chain's head, and where signed heads go.

    With an authority its signing key signs. Without one, a key of its own: `key_file`, or `audit-signing.key` beside
    the database's file. A running matcher signs every `sign_every_minutes` and adds the head to `heads_file`, which
    should be on another machine, and with `publish` to the broker, where others can keep it.
    """

    key_file: Path | None = None
    heads_file: Path | None = None
    publish: bool = False
    sign_every_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] = 60
