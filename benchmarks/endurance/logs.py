"""What the programs said while it went on: proof that the faults were felt, and faults that they did not expect."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.endurance.program import ENDED

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = {
    "could not connect": r'msg="no connection to the broker"',
    "TLS refused: a certificate is not valid by this clock": r"CERTIFICATE_VERIFY_FAILED",
    "TLS noticed a changed byte": r"BAD_RECORD_MAC|bad record mac|DECRYPTION_FAILED|WRONG_VERSION_NUMBER|wrong version",
    "disk full": r"the disk is full",
    "submission sent again": r'msg="submission sent".* again=True',
    "submission known already": r'msg="submission known already"',
    "asked for a reply again": r'msg="asked for the reply again"',
    "tracebacks": r"Traceback",
    "intake full": r"intake full",
    "ended by itself": ENDED,
}


def read_logs(folder: Path) -> dict[str, dict[str, int]]:
    """How often each program said what, by program."""
    found: dict[str, dict[str, int]] = {}
    expressions = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
    for log in sorted(folder.glob("*.log")):
        counts: Counter[str] = Counter()
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                counts.update(name for name, expression in expressions.items() if expression.search(line))
        found[log.stem] = dict(counts)
    return found
