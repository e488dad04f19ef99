"""The data files, read and checked: a wrong key or a missing one is named, with the file it is in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hardware.drawings.pages import PageError

HARDWARE: Final = Path(__file__).resolve().parents[1]

Model = TypeVar("Model", bound="Strict")


class Strict(BaseModel):
    """A table of a data file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load(kind: type[Model], name: str, *, folder: Path = HARDWARE) -> Model:
    """Read `name` as `kind`. Raises `PageError` that names file and field."""
    try:
        return kind.model_validate(tomllib.loads((folder / name).read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PageError(f"hardware/{name}: {error}") from error
