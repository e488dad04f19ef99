"""``python -m benchmarks.discard DIR``: error versus discard of our quality and of NFIQ 2's."""

from __future__ import annotations

from benchmarks.accuracy.threads import one_thread


def run() -> None:
    """Hold the numeric libraries to one thread, then load them."""
    one_thread()
    from benchmarks.discard.cli import app

    app(prog_name="python -m benchmarks.discard")


if __name__ == "__main__":
    run()
