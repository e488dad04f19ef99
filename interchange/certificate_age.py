"""How long a certificate is still good for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0


def days_left(path: Path, *, now: datetime | None = None) -> float | None:
    """Days until the first certificate in a PEM file runs out, negative once it has; None if it cannot be read."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return (certificate.not_valid_after_utc - (now or datetime.now(UTC))).total_seconds() / DAY_S
