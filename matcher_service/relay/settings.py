"""Settings of a state bureau that relays, `[relay]`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Literal

from pydantic import Field

from interchange.fields import Name  # noqa: TC001 - pydantic reads it at run time
from interchange.settings import SettingsModel


class RelaySettings(SettingsModel):
    """What this centre passes on to the one above it. Without an `identity` nothing is.

    `identity` is the folder that ``edge-service provision`` made with the upper centre's code. `repository` is the name
    that the upper centre has in this centre's own rules: an activation for it opens the way up, nothing else does.

    A first response of the upper centre is passed on to the kiosk "always" or "never", a second one "always", "never",
    or after a person's "word" (``matcher-service relay pass-on``). What takes something back is always passed on, to
    whoever was told it. Of one database, one matcher relays.
    """

    identity: Path | None = None
    repository: Name = "national"
    pass_first: Literal["always", "never"] = "always"  # noqa: S105 - no password
    pass_second: Literal["always", "never", "word"] = "word"  # noqa: S105 - no password
    resend_after_s: Annotated[float, Field(ge=0.2, le=3600)] = 60.0
    ask_for_reply_after_s: Annotated[float, Field(ge=0.2, le=24 * 3600)] = 300.0
