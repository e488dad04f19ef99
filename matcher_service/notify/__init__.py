"""Notification, retraction, challenge: who is told of a hit, how it is taken back. See docs/notification.md."""

from matcher_service.notify.challenging import close_challenge, open_challenge
from matcher_service.notify.confirming import identified
from matcher_service.notify.errors import NotConfirmed, NoticeRefused, NotifyError, UnknownNotice
from matcher_service.notify.holding import held_because
from matcher_service.notify.looking import resend
from matcher_service.notify.queueing import told
from matcher_service.notify.retracting import Retracted, dispositions_changed, retract

__all__ = [
    "NotConfirmed",
    "NoticeRefused",
    "NotifyError",
    "Retracted",
    "UnknownNotice",
    "close_challenge",
    "dispositions_changed",
    "held_because",
    "identified",
    "open_challenge",
    "resend",
    "retract",
    "told",
]
