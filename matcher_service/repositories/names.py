"""Names at the broker: kiosks, subscribers and ABIS clients have one namespace, as their certificates have.

Whoever is let in under a name may use that name's topics, of every kind. So a name is one thing only, for good: a kiosk
that was shut out, and a client that was taken out of the settings, keep theirs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from matcher_service.repositories.abis_tables import AbisAnswer, AbisReference
from matcher_service.repositories.device_tables import DeviceInvitation, RegisteredDevice
from matcher_service.repositories.notice_tables import Subscriber

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session


class Holder(StrEnum):
    """What a name stands for, in words."""

    KIOSK = "a kiosk"
    SUBSCRIBER = "a subscriber to notifications"
    CLIENT = "an ABIS client"


def holder_of(
    session: Session, name: str, *, but: Holder, now: datetime, clients: Collection[str] = ()
) -> Holder | None:
    """What `name` stands for already, apart from what it is to be; None if it is free for that.

    `clients` are the ABIS clients of the settings.
    """
    held = {
        Holder.KIOSK: lambda: (
            session.get(RegisteredDevice, name) is not None
            or session.scalar(
                select(DeviceInvitation.id)
                .where(
                    DeviceInvitation.device == name,
                    DeviceInvitation.used_at.is_(None),
                    DeviceInvitation.expires_at > now,
                )
                .limit(1)
            )
            is not None
        ),
        Holder.SUBSCRIBER: lambda: (
            session.scalar(select(Subscriber.id).where(Subscriber.name == name)) is not None
        ),
        Holder.CLIENT: lambda: (
            name in clients
            or any(
                session.scalar(select(table.client).where(table.client == name).limit(1)) is not None
                for table in (AbisReference, AbisAnswer)
            )
        ),
    }
    return next((holder for holder, is_held in held.items() if holder is not but and is_held()), None)
