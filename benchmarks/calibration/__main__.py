"""``python -m benchmarks.calibration``."""

from benchmarks.calibration.cli import app

app()
