"""What an identity adds to the settings: the kiosk's name, and the broker with its TLS files.

So a kiosk that was provisioned needs nothing in its settings file to speak to the centre, and a certificate that is
renewed needs no change there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from edge_service.provisioning.errors import IdentityError
from edge_service.provisioning.identity import FACTS, IdentityFolder


def with_identity(settings: dict[str, Any], *, default: Path) -> dict[str, Any]:
    """The settings' tree with what the identity knows, where there is one. Raises ValueError if they disagree.

    A broker that the settings name themselves stays, its TLS files too: but the kiosk's name is the certificate's.
    """
    table: object = settings.get("identity") or {}
    named: object = cast("dict[str, object]", table).get("folder") if isinstance(table, dict) else None
    folder = IdentityFolder(Path(named) if isinstance(named, str) else default)
    try:
        if not folder.exists:
            return settings
        facts: dict[str, Any] = json.loads((folder.current / FACTS).read_bytes())
        name, broker = facts["name"], facts["broker"]
    except IdentityError as error:
        raise ValueError(f"identity: {error}") from None
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"identity: {folder.folder} cannot be read ({error}); provision this kiosk again"
        ) from None
    if settings.setdefault("device", name) != name:
        raise ValueError(f"device: this kiosk was provisioned as '{name}'; take the line out")
    wanted: object = settings.setdefault("broker", {})
    if isinstance(wanted, dict):
        chosen = cast("dict[str, Any]", wanted)
        if "host" not in chosen and "port" not in chosen:
            chosen.update(host=broker["host"], port=broker["port"])
        current = folder.current
        chosen.setdefault(
            "tls",
            {
                "ca": str(current / "ca.pem"),
                "certificate": str(current / "tls.pem"),
                "key": str(current / "tls.key"),
            },
        )
    return settings
