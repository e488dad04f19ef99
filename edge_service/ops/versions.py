"""Which versions of what a kiosk runs."""

from __future__ import annotations

import platform
import sqlite3
import ssl
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "whorl",
    "ai-edge-litert",
    "tflite-runtime",
    "cryptography",
    "cwt",
    "fastapi",
    "numpy",
    "paho-mqtt",
    "pillow",
    "pydantic",
    "pyserial",
    "uvicorn",
)


def versions(*, root: Path = Path("/")) -> dict[str, str]:
    """By name; what is not installed is left out."""
    found = {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
    }
    for line in _text(root / "etc/os-release").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            found["system"] = value.strip('"')
    model = _text(root / "proc/device-tree/model").rstrip("\0")
    if model:
        found["board"] = model
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
