"""What the uplink reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UplinkNews(StrEnum):
    """What the uplink reports."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    SENT = "sent"
    NOBODY_LISTENS = "nobody_listens"
    BROKER_REFUSED = "broker_refused"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    HELD = "held"
    EXPIRED = "expired"
    DAMAGED = "damaged"
    REPLIED = "replied"
    REPLIED_AGAIN = "replied_again"  # a second reply, beside the first


@dataclass(frozen=True, slots=True)
class UplinkEvent:
    """Something to show on the kiosk; `tcn` and `detail` where there is one."""

    news: UplinkNews
    tcn: str = ""
    detail: str = ""
