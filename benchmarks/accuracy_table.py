"""``python -m benchmarks.accuracy_table DIR...``: Whorl and its peers side by side, in one run."""

from __future__ import annotations

from benchmarks.accuracy.threads import one_thread


def run() -> None:
    """Hold the numeric libraries to one thread, then load them."""
    one_thread()
    from benchmarks.accuracy.table import app

    app(prog_name="python -m benchmarks.accuracy_table")


if __name__ == "__main__":
    run()
