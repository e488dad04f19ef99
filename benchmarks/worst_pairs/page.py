"""The worst pairs as a table in the terminal and as a page with their pictures; no scripts, nothing from elsewhere."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL = "The pictures show people's prints: they stay on this machine, and belong into no repository."

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Worst genuine pairs of {folder}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c1e22; --faint: #5f646d; --paper: #f6f6f4; --card: #fff; --line: #dedfe2; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e6; --faint: #a3a8b0; --paper: #17181b; --card: #212327; --line: #36393f; }}
}}
body {{ margin: 0 auto; max-width: 1100px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }}
h1 {{ font-size: 24px; margin: 0 0 4px; }}
h2 {{ font-size: 18px; margin: 0 0 6px; }}
.warning {{ border-left: 4px solid #c2410c; padding: 6px 12px; background: var(--card); }}
section {{ margin: 20px 0; padding: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }}
img {{ display: block; max-width: 100%; margin-top: 10px; background: #fff; }}
ul {{ margin: 0 0 6px; padding-left: 20px; }}
p {{ color: var(--faint); margin: 0 0 6px; }}
</style>
</head>
<body>
<h1>Worst genuine pairs of {folder}</h1>
<p>{conditions}; {genuine:,} genuine pairs; the score at FMR 0.1 % is {threshold:.2f}.</p>
<p class="warning">{local}</p>
{sections}
</body>
</html>
"""


def conditions_of(study: Mapping[str, Any]) -> str:
    """`whole image`, or the window and the grey levels, in words."""
    size = study["window"] or "whole image"
    return size if study["levels"] is None else f"{size}, {study['levels']} grey levels"


def page(study: Mapping[str, Any]) -> str:
    """The page; it refers to nothing but the pictures beside it."""
    return _PAGE.format(
        folder=html.escape(study["folder"]),
        conditions=html.escape(conditions_of(study)),
        genuine=study["genuine"],
        threshold=study["threshold_fmr1000"],
        local=LOCAL,
        sections="\n".join(_section(number, pair) for number, pair in enumerate(study["pairs"], start=1)),
    )


def _section(number: int, pair: Mapping[str, Any]) -> str:
    causes = "".join(f"<li>{html.escape(cause)}</li>" for cause in pair["why"])
    name = html.escape(f"{pair['database']} {pair['a']}, {pair['b']}")
    return (
        f"<section><h2>{number}. {name}: score {pair['score']:.2f}</h2><ul>{causes}</ul><p>{_figures(pair)}</p>"
        f'<img src="{html.escape(pair["picture"])}" alt="{name}"></section>'
    )


def _figures(pair: Mapping[str, Any]) -> str:
    told = [
        "{} and {} minutiae".format(*pair["minutiae"]),
        "quality {} and {}".format(*pair["quality"]),
        f"{pair['paired']} paired"
        + ("" if pair["paired_truly"] is None else f", {pair['paired_truly']} truly"),
    ]
    if pair["common_mm2"] is not None:
        told += [
            f"{pair['common_mm2']:.0f} mm2 in common with {pair['in_common'][0]} and {pair['in_common'][1]} minutiae",
            f"{pair['found_again']} found again",
            f"turned by {pair['turn_deg']:.0f} degrees",
        ]
    if pair["residual_px"] is not None:
        told.append(f"{pair['residual_px']:.1f} px left after the best rigid fit")
    return "; ".join(told)


def table(study: Mapping[str, Any]) -> Table:
    """The figures of every pair, a row each; fits 100 columns."""
    made = Table(
        title=f"Worst genuine pairs of {study['folder']} ({conditions_of(study)})",
        caption=f"{study['threshold_fmr1000']:.2f} is the score at FMR 0.1 %.",
        box=box.SIMPLE_HEAD,
    )
    for heading in ("prints", "score", "minutiae", "quality", "paired", "common"):
        made.add_column(heading, justify="left" if heading == "prints" else "right", no_wrap=True)
    made.add_column("why")
    for pair in study["pairs"]:
        truly = "" if pair["paired_truly"] is None else f" ({pair['paired_truly']})"
        made.add_row(
            f"{pair['database']}\n{pair['a']}, {pair['b']}",
            f"{pair['score']:.2f}",
            "/".join(map(str, pair["minutiae"])),
            "/".join(map(str, pair["quality"])),
            f"{pair['paired']}{truly}",
            "?" if pair["common_mm2"] is None else f"{pair['common_mm2']:.0f} mm2",
            "\n".join(pair["why"]),
        )
    return made
