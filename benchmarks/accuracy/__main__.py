"""``python -m benchmarks.accuracy DIR``: error rates and times of one extractor with one matcher."""

from __future__ import annotations

from benchmarks.accuracy.threads import one_thread


def run() -> None:
    """Hold the numeric libraries to one thread, then load them."""
    one_thread()
    from benchmarks.accuracy.cli import app

    app(prog_name="python -m benchmarks.accuracy")


if __name__ == "__main__":
    run()
