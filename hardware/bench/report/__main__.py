"""Makes the page: ``python -m hardware.bench.report --help``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hardware.bench.report import UnreadableResults, make_page, read_results

_EPILOG = """
\b
Examples:
  python -m hardware.bench.report                     (runs/hil/junit.xml becomes runs/hil/report.html)
  python -m hardware.bench.report runs/hil-friday
"""


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, with its junit.xml.")] = Path("runs/hil"),
) -> None:
    """Write report.html beside a run's junit.xml; the exit code is 0 whatever the verdict."""
    try:
        run = read_results(folder / "junit.xml")
    except UnreadableResults as error:
        typer.echo(f"report: {error}", err=True)
        raise typer.Exit(2) from error
    page = folder / "report.html"
    page.write_text(make_page(run, folder=folder), encoding="utf-8")
    typer.echo(f"{'Passed' if run.passed else 'NOT passed'}: the report is {page}")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(epilog=_EPILOG)(main)
    sys.exit(app())
