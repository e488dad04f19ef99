"""The page: one HTML file that needs nothing but itself, verdict on top."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from hardware.bench.report.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hardware.bench.report.results import Run, TestResult

_STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #c62828; --idle: #777; --line: #8884; --soft: #8881; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 68rem; margin: 0 auto; padding: 1.5rem; }
header { border-left: .6rem solid var(--verdict); padding: .2rem 0 .2rem 1rem; margin-bottom: 1.5rem; }
h1 { margin: 0; color: var(--verdict); font-size: 2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
header p, figcaption, .soft { color: var(--idle); margin: .2rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .3rem 1.5rem; margin: 0; }
.facts div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); }
dt { color: var(--idle); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; color: var(--idle); font-weight: 600; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.group td { font-weight: 600; padding-top: 1rem; } .time { text-align: right; white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 700; } .skipped { color: var(--idle); }
.bar { display: block; height: .25rem; margin-left: auto; background: var(--idle); opacity: .6; }
pre { overflow-x: auto; background: var(--soft); padding: .6rem; font-size: .8rem; max-height: 24rem; }
figure { display: inline-block; vertical-align: top; margin: 0 .6rem .6rem 0; width: 7rem; break-inside: avoid; }
figure img { width: 100%; border: 1px solid var(--line); image-rendering: auto; }
figcaption { font-size: .75rem; overflow-wrap: anywhere; }
.warning { border: 2px solid var(--bad); padding: .6rem 1rem; border-radius: .3rem; }
@media print { details { display: none; } }
"""
_REAL_PRINTS = """<p class="warning"><b>These are prints of real people.</b> This page and the folder beside it are
biometric data. Do not send them on, and delete both as soon as the fault is understood. Without
<code>--hil-prints keep</code> none are kept.</p>"""
_MARKS = {
    Outcome.PASSED: "&#10003; passed",
    Outcome.FAILED: "&#10007; failed",
    Outcome.SKIPPED: "&#8211; skipped",
}


def make_page(run: Run, *, folder: Path) -> str:
    """The page about `run`; pictures and records that its tests name are looked for in `folder`."""
    verdict = "Passed" if run.passed else "Failed" if run.count(Outcome.FAILED) else "Nothing was tested"
    color = "good" if run.passed else "bad"
    counts = ", ".join(f"{run.count(outcome)} {outcome}" for outcome in Outcome)
    sections = [
        _facts("The kiosk", run.named("kiosk:")),
        _facts("Figures", dict(_figures(run.tests))),
        _tests(run),
        _counters(run),
        _images(run, folder),
    ]
    return f"""<!doctype html>
<html lang="en" style="--verdict: var(--{color})"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Bench: {verdict}</title><style>{_STYLE}</style></head>
<body><header><h1>{verdict}</h1><p>{counts} in {run.seconds:.0f} s</p>
<p>{escape(run.value("ENV_CONFIG", "no environment named"))} on {escape(run.host)},
{escape(run.started[:19].replace("T", " "))}</p></header>
{"".join(sections)}</body></html>
"""


def _facts(title: str, facts: Mapping[str, str]) -> str:
    if not facts:
        return ""
    rows = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return f'<h2>{title}</h2><dl class="facts">{"".join(rows)}</dl>'


def _figures(tests: Iterable[TestResult]) -> Iterable[tuple[str, str]]:
    for test in tests:
        for name, value in test.properties:
            if name.startswith("figure:"):
                yield name.removeprefix("figure:"), value


def _tests(run: Run) -> str:
    longest = max((test.seconds for test in run.tests), default=0.0) or 1.0
    rows: list[str] = []
    group = None
    for test in run.tests:
        if test.group != group:
            group = test.group
            rows.append(f'<tr class="group"><td colspan="3">{escape(group)}</td></tr>')
        width = 4 * test.seconds / longest
        rows.append(
            f'<tr><td>{escape(test.name)}{_notes(test)}</td><td class="{test.outcome}">{_MARKS[test.outcome]}</td>'
            f'<td class="time">{test.seconds:.2f} s<span class="bar" style="width:{width:.2f}rem"></span></td></tr>'
        )
    head = '<tr><th>test</th><th>outcome</th><th class="time">time</th></tr>'
    return f"<h2>Tests</h2><table>{head}{''.join(rows)}</table>"


def _notes(test: TestResult) -> str:
    notes = [escape(note) for note in test.values("note")]
    if test.reason:
        notes.insert(0, escape(test.reason))
    notes += [
        f'the bytes of this test: <a href="{escape(path, quote=True)}">{escape(path)}</a>'
        for path in test.values("bytes")
    ]
    text = "".join(f'<div class="soft">{note}</div>' for note in notes)
    if test.details:
        text += f"<details><summary>what happened</summary><pre>{escape(test.details)}</pre></details>"
    return text


def _counters(run: Run) -> str:
    counters = run.named("counter:")
    counted = {name: value for name, value in counters.items() if value not in {"", "0"}}
    if not counters:
        return ""
    silent = len(counters) - len(counted)
    return (
        _facts("What the board has counted", counted or {"anything": "0"})
        + f'<p class="soft">{silent} more counters are 0.</p>'
    )


def _images(run: Run, folder: Path) -> str:
    figures: list[str] = []
    for test in run.tests:
        for name in test.values("image"):
            path = folder / name
            if not path.is_file():
                continue
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            figures.append(
                f'<figure><img src="data:image/png;base64,{data}" alt="">'
                f"<figcaption>{escape(test.name)}</figcaption></figure>"
            )
    if not figures:
        return (
            f'<h2>Images</h2><p class="soft">None: prints were {escape(run.value("prints", "not kept"))}.</p>'
        )
    warning = "" if run.value("fingers") == "made up" else _REAL_PRINTS
    return f"<h2>Images</h2>{warning}<div>{''.join(figures)}</div>"
