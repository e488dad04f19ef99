"""The doctor's report on a terminal: symbols and words, so that colour is never needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from edge_service.ops.findings import COLOURS, SYMBOLS, WORDS, Finding, Level, worst

if TYPE_CHECKING:
    from rich.console import Console

VERDICTS = {
    Level.OK: "All is well.",
    Level.WARNING: "It works; something wants to be looked at.",
    Level.PROBLEM: "Something is wrong. Begin with the first of them: the later ones may follow from it.",
}


def show(findings: list[Finding], console: Console) -> None:
    """Draw it."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    for column in ("", "check", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("words", ratio=1)
    for finding in findings:
        colour = COLOURS[finding.level]
        words = escape(finding.what) + (f"\n[bold]→[/] {escape(finding.remedy)}" if finding.remedy else "")
        table.add_row(
            f"[{colour}]{SYMBOLS[finding.level]}[/]",
            finding.check,
            f"[{colour}]{WORDS[finding.level]}[/]",
            words,
        )
    console.print(table)
    console.print()
    console.print(VERDICTS[worst(findings)])
