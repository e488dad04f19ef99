"""What was done, how long it took and what was found: on the terminal as it happens, and as JSON in the end."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


class Report:
    """Steps with their times; a spinner while one lasts."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._steps: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str) -> Generator[Callable[[str], None]]:
        """While a step lasts; what it is given is shown meanwhile, and the last of it afterwards."""
        said: list[str] = []
        begun = time.monotonic()
        with self._console.status(name) as live:

            def tell(words: str) -> None:
                said.append(words)
                live.update(f"{name}: {words}")

            try:
                yield tell
            except BaseException:
                self._console.print(f"[red]✗[/] {name}")
                raise
        took_s = time.monotonic() - begun
        words = said[-1] if said else ""
        self._steps.append({"step": name, "seconds": round(took_s, 1), "found": words})
        self._console.print(f"[green]✓[/] {name:<28} {took_s:6.1f} s  {words}", soft_wrap=True)

    def save(self, path: Path) -> None:
        """Write it down."""
        path.write_text(json.dumps({"steps": self._steps}, indent=2) + "\n", encoding="utf-8")
