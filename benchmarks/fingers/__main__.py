"""``python -m benchmarks.fingers``."""

from benchmarks.fingers.cli import app

app()
