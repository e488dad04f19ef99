"""The doctor: a table of checks, in the order in which a person would look."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from edge_service.ops.checks import (
    broker,
    certificates,
    clock,
    disk,
    matcher,
    model,
    power,
    processor,
    sensor,
    spool,
)
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import PROVISION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge_service.ops.patient import Patient
    from interchange.settings import SettingsError

log = logging.getLogger("edge.doctor")

CHECKS: Final[Mapping[str, Callable[[Patient], Finding]]] = {
    "spool": spool.check,
    "clock": clock.check,
    "disk": disk.check,
    "power": power.check,
    "model": model.check,
    "processor": processor.check,
    "sensor": sensor.check,
    "certificates": certificates.check,
    "broker": broker.check,
    "matcher": matcher.check,
}
SETTINGS = "settings"
DEVICE, BROKER, MISSING = (
    "device",
    "broker",
    "Field required",
)  # of SettingsError, the last in pydantic's words


def examine(patient: Patient) -> Iterator[Finding]:
    """One finding after the other. A check that fails itself is a finding too."""
    yield Finding(
        SETTINGS, Level.OK, f"version {patient.settings.version}, device '{patient.settings.device}'"
    )
    for name, check in CHECKS.items():
        try:
            yield check(patient)
        except Exception as error:
            log.debug("fault in a check", exc_info=True)
            yield Finding(
                name,
                Level.PROBLEM,
                f"the check itself failed ({type(error).__name__})",
                "Tell the makers, with a support bundle: edge-service support-bundle",
            )


def unreadable(error: SettingsError) -> list[Finding]:
    """All that can be said of a kiosk whose settings cannot be used.

    What is missing in them is mostly what an identity brings along: the kiosk's name, and TLS to a broker elsewhere.
    """
    if error.key == DEVICE and error.reason == MISSING:
        words = (
            f"{error.source}: this kiosk has no name: it was not provisioned yet, and its settings name none"
        )
        wrong = Finding(SETTINGS, Level.PROBLEM, words, PROVISION)
    elif error.key == BROKER and error.reason.startswith("tls"):
        wrong = Finding(SETTINGS, Level.PROBLEM, f"{error}; or provision it", PROVISION)
    else:
        wrong = Finding(
            SETTINGS,
            Level.PROBLEM,
            str(error),
            "Correct the file, then look again: edge-service settings check",
        )
    return [wrong, *(Finding(name, Level.NOTE, "needs the settings") for name in CHECKS)]
