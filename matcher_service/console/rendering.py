"""How templates are filled: everything is escaped, nothing may be missing, times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from jinja2 import Environment


def make_environment() -> Environment:
    """Jinja2 for the console's templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("matcher_service.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["time"] = show_time
    environment.filters["day"] = show_day
    environment.filters["words"] = in_words
    environment.filters["part"] = lambda text: quote(str(text), safe="")
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment


def show_time(when: datetime | str | None) -> str:
    """2026-11-22 14:03 UTC."""
    if when is None or when == "":
        return ""
    if isinstance(when, str):
        return f"{when[:10]} {when[11:19]}"
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


def show_day(when: datetime | None) -> str:
    """2026-11-22."""
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d}"


def in_words(code: object) -> str:
    """A code as a person reads it: "case_officer" as "case officer"."""
    return str(code).replace("_", " ").replace(".", " ").replace("-", " ")
