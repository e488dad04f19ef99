"""When a post that was not taken is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from matcher_service.notify import parameters

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random


def pause_s(attempts: int, random: Random) -> float:
    """After so many attempts: doubled each time up to the longest, and cut at random by up to a half."""
    doubled = parameters.BACKOFF_FIRST_S * 2.0 ** min(attempts - 1, 20)
    return min(parameters.BACKOFF_LONGEST_S, doubled) * random.uniform(0.5, 1.0)


def is_given_up(sent_at: datetime | None, attempts: int, *, limit: timedelta, now: datetime) -> bool:
    """Whether it was tried both long enough and often enough; `sent_at` is when first."""
    if sent_at is None or attempts < parameters.LEAST_ATTEMPTS:
        return False
    return now - sent_at > limit


def webhook_is_given_up(sent_at: datetime | None, attempts: int, *, now: datetime) -> bool:
    """The same, for a receiver of webhooks."""
    limit = timedelta(hours=parameters.WEBHOOK_GIVE_UP_HOURS)
    return is_given_up(sent_at, attempts, limit=limit, now=now)
