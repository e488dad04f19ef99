"""Settings of routing, `[routing]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from interchange.fields import DeviceName  # noqa: TC001 - pydantic reads it at run time
from interchange.settings import SettingsModel
from matcher_service.routing.parameters import REPLY_DEADLINE_S
from matcher_service.routing.rules import Mode

Ori = Annotated[str, StringConstraints(pattern=r"\A[A-Z]{2}[A-Z0-9]{7}\z")]


class RoutingSettings(SettingsModel):
    """Which rules decide where a submission is searched.

    `mode` "rules" goes by the register of jurisdictions, in which nothing is open that nobody opened; "everything"
    searches all repositories for everybody, and is for one machine: a demo, a bench. `devices` says of which agency a
    device is where no authority does: name = ORI. A repository that is not searched within `reply_deadline_s` is
    called yellow in the rapid reply, never green, and searched to the end for the examiner.
    """

    mode: Mode = Mode.RULES
    devices: dict[DeviceName, Ori] = Field(default_factory=dict)
    reply_deadline_s: Annotated[float, Field(ge=0.1, le=600)] = REPLY_DEADLINE_S
