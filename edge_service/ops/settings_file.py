"""The kiosk's settings file: which schema it has, and how older ones are brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_service.settings import EdgeSettings

if TYPE_CHECKING:
    from interchange.settings_versions import Steps

SETTINGS_MODEL: Final = EdgeSettings

# `STEPS[1]` will make of a file of version 1 one of version 2. There is only version 1.
STEPS: Final[Steps] = {}
