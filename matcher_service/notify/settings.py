"""Settings of notification, `[notify]`."""

from __future__ import annotations

import ipaddress
from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from interchange.settings import SettingsModel


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("is no network, such as 10.20.0.0/16") from None
    return value


Network = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_network)]


class NotifySettings(SettingsModel):
    """How subscribers are told.

    A receipt is due within `receipt_due_h`; after that people are told. Webhooks are posted to over HTTPS and to public
    addresses only; `webhook_networks` names private ones that may be posted to as well (a loopback that is named may do
    without TLS). `webhook_ca` is a file of authorities that receivers' certificates may come from, instead of the
    public ones. `key_folder` keeps the keys to sign with where there is no authority; else they are beside the
    database.
    """

    receipt_due_h: Annotated[float, Field(gt=0, le=24 * 14)] = 4.0
    webhook_timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 10.0
    webhook_networks: Annotated[tuple[Network, ...], Field(max_length=16)] = ()
    webhook_ca: Path | None = None
    key_folder: Path | None = None
