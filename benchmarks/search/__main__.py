"""``python -m benchmarks.search --gallery 100000 --probes 40``: how a search does in a large gallery."""

from __future__ import annotations

from benchmarks.accuracy.threads import one_thread


def run() -> None:
    """Hold the numeric libraries to one thread (the search has threads of its own), then load them."""
    one_thread()
    import typer

    from benchmarks.search.cli import main

    typer.run(main)


if __name__ == "__main__":
    run()
