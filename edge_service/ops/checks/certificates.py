"""The kiosk's certificate and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.ops import parameters
from edge_service.ops.findings import Finding, Level
from edge_service.ops.words import PROVISION, is_loopback
from interchange.certificate_age import days_left

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

RENEW = "Renew it, or provision this kiosk again: edge-service provision CODE"


def check(patient: Patient) -> Finding:  # noqa: PLR0911 - one return for each thing it can be
    """Files there, readable, belonging together, private, and good for a while."""
    tls = patient.settings.broker.tls
    if tls is None:
        return Finding("certificates", Level.NOTE, "none in the settings: the broker is on this machine")
    from interchange.link_tls import tls_context

    try:
        tls_context(tls)
    except OSError as error:
        return Finding("certificates", Level.PROBLEM, str(error), RENEW)
    if tls.key.stat().st_mode & 0o077:
        return Finding(
            "certificates",
            Level.PROBLEM,
            f"others on this machine may read {tls.key}",
            f"Run: chmod 600 {tls.key}. Whoever had it may speak as this kiosk: have it revoked and provisioned again.",
        )
    left = {"own": days_left(tls.certificate), "authority": days_left(tls.ca)}
    facts = {f"{name}_days_left": None if days is None else round(days, 1) for name, days in left.items()}
    known = [days for days in left.values() if days is not None]
    if len(known) < len(left):
        return Finding("certificates", Level.PROBLEM, "one of them cannot be read", RENEW, facts)
    days = min(known)
    if days <= 0:
        return Finding("certificates", Level.PROBLEM, f"ran out {-days:.0f} days ago", RENEW, facts)
    if not is_loopback(patient.settings.broker.host) and not _has_identity(patient):
        what = "this kiosk has no identity: what it sends is not sealed, and a centre with an authority refuses it"
        return Finding("certificates", Level.PROBLEM, what, PROVISION, facts)
    level = Level.WARNING if days < parameters.CERTIFICATE_SOON_DAYS else Level.OK
    return Finding(
        "certificates", level, f"good for {days:.0f} days", "" if level is Level.OK else RENEW, facts
    )


def _has_identity(patient: Patient) -> bool:
    from edge_service.provisioning.errors import IdentityError
    from edge_service.provisioning.identity import IdentityFolder

    try:
        return IdentityFolder(patient.settings.identity.folder).exists
    except IdentityError:
        return False
