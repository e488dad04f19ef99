"""Logs as key=value lines, for both programs. No biometric data and no names ever go in.

    log.info("submission stored", extra=facts(tcn=tcn, prints=4))

gives ``2026-01-05T10:11:12.345Z level=info at=edge.spool msg="submission stored" tcn=... prints=4``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def facts(**values: object) -> dict[str, Mapping[str, object]]:
    """Facts to go with a log line, for the `extra` argument of a logger's methods."""
    return {"facts": values}


class KeyValueFormatter(logging.Formatter):
    """One line per record: UTC time, level, where, message, then the facts; a traceback follows, if any."""

    converter = time.gmtime
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """The line for `record`."""
        pairs: dict[str, object] = {
            "level": record.levelname.lower(),
            "at": record.name,
            "msg": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        line = " ".join([self.formatTime(record), *(f"{k}={_quoted(v)}" for k, v in pairs.items())])
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure_logging(level: str = "info") -> None:
    """Send all logs of `level` and above to standard error as key=value lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # These tell a story about every statement at "info", or name addresses that may hold a secret.
    for chatty in ("alembic", "sqlalchemy", "numba", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _quoted(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = str(value)
    plain = bool(text) and all(c.isascii() and c.isprintable() and c not in ' "=\\' for c in text)
    return text if plain else json.dumps(text)
