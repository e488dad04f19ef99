"""Updates of the sensor board's firmware: bundles, whose signatures count, and the way onto the board."""

from __future__ import annotations

from edge_service.firmware_update.bundle import Bundle
from edge_service.firmware_update.errors import (
    BundleDamaged,
    BundleUnfit,
    BundleUntrusted,
    FirmwareError,
    UpdateFailed,
)
from edge_service.firmware_update.trusted_keys import KEY_FOLDER, TrustedKeys

__all__ = [
    "KEY_FOLDER",
    "Bundle",
    "BundleDamaged",
    "BundleUnfit",
    "BundleUntrusted",
    "FirmwareError",
    "TrustedKeys",
    "UpdateFailed",
]
