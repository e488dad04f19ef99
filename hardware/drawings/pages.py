"""Blocks in pages that a person wrote: the script fills what stands between two marks, and leaves the rest alone.

<!-- made: wiring R307 -->
... written by `python -m hardware.drawings`, do not edit ...
<!-- end -->
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BLOCK: Final = re.compile(r"(<!-- made: (?P<name>[^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


class PageError(Exception):
    """A page asks for a block that nobody makes, or a data file is wrong; the message says which."""


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with every block written anew. Raises `PageError` for one that is not in `blocks`."""

    def fill(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in blocks:
            raise PageError(f"no block is called {name!r}; there are: {', '.join(sorted(blocks))}")
        return f"{found[1]}{blocks[name].rstrip()}\n{found[3]}"

    return _BLOCK.sub(fill, page)


def block_names(page: str) -> list[str]:
    """The blocks a page asks for."""
    return [found["name"] for found in _BLOCK.finditer(page)]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table. A heading that ends in `:` is aligned to the right."""
    marks = ["---:" if title.endswith(":") else "---" for title in head]
    lines = [_row([title.rstrip(":") for title in head]), _row(marks)]
    lines += [_row([str(cell).replace("|", "\\|") for cell in row]) for row in rows]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
