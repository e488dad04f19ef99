"""The page of a trace, as a template: no scripts, nothing from elsewhere, readable in light and dark."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Trace of {name}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c1e22; --faint: #5f646d; --paper: #f6f6f4; --card: #fff; --line: #dedfe2; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e6; --faint: #a3a8b0; --paper: #17181b; --card: #212327; --line: #36393f; }}
}}
body {{ margin: 0 auto; max-width: 1500px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif; }}
h1 {{ font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }}
.warning {{ border-left: 4px solid #c2410c; padding: 6px 12px; margin: 12px 0 20px; background: var(--card); }}
.numbers {{ display: flex; flex-wrap: wrap; gap: 12px 48px; margin-bottom: 24px; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
td {{ padding: 2px 18px 2px 0; }}
td:first-child {{ color: var(--faint); }}
.stages {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 20px; }}
figure {{ margin: 0; padding: 14px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }}
img {{ display: block; max-width: 100%; max-height: 640px; margin: 0 auto 10px; background: #fff; }}
figcaption {{ color: var(--faint); }}
figcaption b {{ color: var(--ink); }}
@media print {{ figure {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<h1>Trace of {name}</h1>
<p class="warning">{warning}</p>
<div class="numbers"><table>{facts}</table><table>{times}</table></div>
<div class="stages">
{figures}
</div>
{end}
</body>
</html>
"""
