"""`python -m models.training.with_teacher DATA CACHE`: run the teacher in the peers' environment.

The environment is the one that the accuracy benchmark makes; the work is shared between two processes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.accuracy.peers import peers_python

PROCESSES = 2


def main() -> None:
    """Cache the teacher's views of every PNG below DATA in CACHE; what is there is left alone."""
    data, cache = sys.argv[1:3]
    python = peers_python(on_install=print)
    script = Path(__file__).with_name("teacher.py")
    running = [
        subprocess.Popen([str(python), str(script), data, cache, "--part", f"{k}/{PROCESSES}"])  # noqa: S603 - ours
        for k in range(1, PROCESSES + 1)
    ]
    if any([process.wait() for process in running]):  # noqa: C419 - every one is waited for
        raise SystemExit("the teacher failed; what it had done is kept, so call this again")


if __name__ == "__main__":
    main()
