"""The settings as they may leave the kiosk: what is listed is shown, everything else is only said to be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from pydantic import BaseModel

HIDDEN = "(set, not shown)"

# Numbers and choices of ours. No passwords, no key files, no names of hosts, people or places.
SHOWN: Final = frozenset(
    {
        "version",
        "log_level",
        "broker.port",
        "broker.keepalive_s",
        "broker.connect_timeout_s",
        "broker.session_expiry_s",
        "broker.backoff_min_s",
        "broker.backoff_max_s",
        "spool.max_submissions",
        "spool.max_bytes",
        "spool.disk_reserve_bytes",
        "sensor.through",
        "sensor.model",
        "sensor.baud",
        "sensor.captures",
        "sensor.looks",
        "capture.finger_wait_s",
        "capture.attempts",
        "capture.min_finger_quality",
        "capture.lift_wait_s",
        "uplink.resend_after_s",
        "uplink.nobody_listens_retry_s",
        "uplink.ask_for_reply_after_s",
        "uplink.birth_again_s",
        "uplink.reply_timeout_s",
        "uplink.send_images",
        "ops.port",
        "kiosk.port",
        "kiosk.language",
        "kiosk.idle_lock_s",
        "kiosk.accept_good_after_s",
        "kiosk.positions",
    }
)


def shown(settings: BaseModel) -> dict[str, Any]:
    """All keys, with the values of those that are listed."""
    return _shown(settings.model_dump(mode="json"), "")


def _shown(tree: dict[str, Any], above: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out[key] = _shown(cast("dict[str, Any]", value), f"{above}{key}.")
        elif value is None or above + key in SHOWN:
            out[key] = value
        else:
            out[key] = HIDDEN
    return out
