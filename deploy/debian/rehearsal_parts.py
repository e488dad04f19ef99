"""What the rehearsal asks a page, and the print that it has looked at."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 120.0


def fetch(url: str, ended: Callable[[], int | None]) -> tuple[int, str]:
    """What a page answers, once it does. Raises BuildError if its program has ended, or in the end."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and ended() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own page
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            time.sleep(0.05)
    return 0, f"{url} never answered"


def sample_print(path: Path) -> bytes:
    """A made-up print as an image, and the template that this checkout finds in it."""
    import numpy as np
    from PIL import Image

    from edge_service.cli import app

    y, x = np.mgrid[0:288, 0:256]
    ridges = 127 + 120 * np.cos(2 * np.pi * (y + 25 * np.sin(x / 40)) / 9 + np.arctan2(y - 140, x - 120))
    Image.fromarray(ridges.astype(np.uint8)).save(path)
    found = path.with_suffix(".iso")
    try:
        app(["extract", str(path), "--out", str(found)], standalone_mode=True)
    except SystemExit as ended:
        if ended.code:
            raise BuildError("this checkout finds no minutiae in the made-up print") from None
    return found.read_bytes()
