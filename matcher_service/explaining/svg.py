"""SVG as text: elements, escaped, nested as their blocks are. No script, no style sheet, nothing from elsewhere."""

from __future__ import annotations

import contextlib
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

Value = str | float


class Paper:
    """A drawing in the making; y downwards, as SVG has it."""

    def __init__(self, width: float, height: float, *, title: str, description: str) -> None:
        size = f'width="{number(width)}" height="{number(height)}"'
        box = f'viewBox="0 0 {number(width)} {number(height)}"'
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img">',
            f"<title>{text_of(title)}</title>",
            f"<desc>{text_of(description)}</desc>",
        ]

    def add(self, tag: str, text: str | None = None, /, **attributes: Value) -> None:
        """An element without children; underscores in the names of attributes stand for hyphens."""
        opened = f"<{tag}{_written(attributes)}"
        self._parts.append(f"{opened}/>" if text is None else f"{opened}>{text_of(text)}</{tag}>")

    @contextlib.contextmanager
    def within(self, tag: str, /, **attributes: Value) -> Generator[None]:
        """An element around what is added in the block."""
        self._parts.append(f"<{tag}{_written(attributes)}>")
        yield
        self._parts.append(f"</{tag}>")

    def finish(self) -> str:
        """The whole document."""
        return "\n".join([*self._parts, "</svg>", ""])


def number(value: float) -> str:
    """A length or a factor, to a hundredth."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def text_of(text: str) -> str:
    """Text that stands for itself in XML, whatever is in it; what XML cannot hold becomes a question mark."""
    return escape("".join(c if c.isprintable() or c == " " else "?" for c in text))


def shortened(text: str, characters: int) -> str:
    """`text`, cut in the middle if it is too long: both ends of a file's name matter."""
    if len(text) <= characters:
        return text
    head = (characters - 1) // 2
    return f"{text[:head]}…{text[len(text) - (characters - 1 - head) :]}"


def _written(attributes: dict[str, Value]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text_of(value) if isinstance(value, str) else number(value)}"'
        for name, value in attributes.items()
    )
