"""``python -m benchmarks.comparison``."""

from __future__ import annotations

from benchmarks.accuracy.threads import one_thread


def run() -> None:
    """Hold the numeric libraries to one thread, then load them."""
    one_thread()
    from benchmarks.comparison.cli import app

    app(prog_name="python -m benchmarks.comparison")


if __name__ == "__main__":
    run()
