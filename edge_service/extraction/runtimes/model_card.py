"""The machine-readable card beside a model file: which file it speaks of, and what that file takes and gives.

`minutiae.tflite` has its card in `minutiae.json`. Reading is strict, by hand: a schema library would cost a
kiosk more time at its start than the whole model does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from edge_service.extraction.errors import ModelRefused
from edge_service.extraction.parameters import OUTPUT_CHANNELS, STRIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edge_service.extraction.runtimes.model_file import ModelFile

CARD_FORMAT = 1
MOST_BYTES = 256 * 1024
PLANES = ("heat", "offset_x", "offset_y", "cos", "sin", "type", "print")  # as `extraction.decode` reads them
PRECISIONS = ("int8", "float16", "float32")
SHOWN_SHA = 12  # characters of a SHA-256 that a person compares
assert len(PLANES) == OUTPUT_CHANNELS

_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){1,2}")  # also what a message may carry


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a card says of its model.

    Attributes:
        format: version of the card's own form.
        file: name of the model file.
        sha256: of its content, in hex.
        bytes: its size.
        version: of the model, for people and for the submissions that it makes.
        precision: of the arithmetic or the weights: int8, float16 or float32.
        inputs: (height, width) of each input, pixels at 500 dpi.
        planes: names of the output's planes, in order.
        stride_px: pixels an output cell.
        made_with: versions of what made it, by name.
        training: what it learned from, and how; for people.
        measured: error rates, times and sizes; for people.
    """

    format: int
    file: str
    sha256: str
    bytes: int
    version: str
    precision: str
    inputs: tuple[tuple[int, int], ...]
    planes: tuple[str, ...]
    stride_px: int
    made_with: dict[str, str]
    training: dict[str, Any]
    measured: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> ModelCard:
        """Read a card's JSON. Raises ValueError that names the first key that is wrong."""
        try:
            found = json.loads(text, object_pairs_hook=_without_repeats)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004 - wrong content, whatever its type
        for key in found:
            if key not in _READERS:
                raise ValueError(f"it has an unknown key, {str(key)[:40]!r}")
        values: dict[str, Any] = {}
        for key, reader in _READERS.items():
            if key not in found:
                raise ValueError(f"{key} is missing")
            try:
                values[key] = reader(found[key])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{key}: {error}") from None
        return cls(**values)

    def check_file(self, model: ModelFile) -> None:
        """Raise ModelRefused if the file is not the one that this card speaks of."""
        path, found = model.path, model.sha256
        if self.file != path.name:
            raise ModelRefused(path, f"its card {card_path(path).name} speaks of another file, {self.file}")
        if (self.sha256, self.bytes) != (found, len(model.content)):
            raise ModelRefused(
                path,
                f"its SHA-256 begins with {found[:SHOWN_SHA]} but its card {card_path(path).name} says "
                f"{self.sha256[:SHOWN_SHA]} ({len(model.content):,} and {self.bytes:,} bytes), so one of the "
                "two was changed or belongs to another release; `sha256sum` shows the whole of it",
            )

    def check_shapes(self, path: Path, shapes: Iterable[tuple[int, int]]) -> None:
        """Raise ModelRefused if the network takes other inputs than its card says."""
        if tuple(shapes) != self.inputs:
            raise ModelRefused(path, f"it takes {tuple(shapes)} but its card says {self.inputs}")


def card_path(model: Path) -> Path:
    """Where the card of a model file is."""
    return model.with_suffix(".json")


def read_card(model: Path) -> ModelCard:
    """The card beside a model file. Raises ModelRefused if it is missing or no such card."""
    path = card_path(model)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ModelRefused(model, f"its card {path.name} is missing beside it") from error
    except OSError as error:
        raise ModelRefused(path, f"the card cannot be read ({error.strerror})") from error
    try:
        if len(content) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1024} KiB")  # noqa: TRY301 - said with the others
        return ModelCard.parse(content.decode())
    except ValueError as error:
        raise ModelRefused(path, f"the card cannot be understood: {error}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _whole(value: object, *, least: int = 0) -> int:
    if type(value) is not int or value < least:
        raise ValueError(f"expected a whole number of at least {least}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise ValueError("expected a text")
    return value


def _matching(pattern: re.Pattern[str], example: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(f"expected {example}")
        return value

    return read


def _known_format(value: object) -> int:
    if _whole(value) != CARD_FORMAT:
        raise ValueError(f"only format {CARD_FORMAT} is read here: update this software, or the model")
    return CARD_FORMAT


def _precision(value: object) -> str:
    if value not in PRECISIONS:
        raise ValueError(f"expected one of {', '.join(PRECISIONS)}")
    return str(value)


def _inputs(value: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("expected a list of [height, width]")
    found: list[tuple[int, int]] = []
    for shape in value:
        if not isinstance(shape, list) or len(shape) != 2:
            raise ValueError("expected a list of [height, width]")
        found.append((_whole(shape[0], least=1), _whole(shape[1], least=1)))
    return tuple(found)


def _planes(value: object) -> tuple[str, ...]:
    if value != list(PLANES):
        raise ValueError(f"this software reads {', '.join(PLANES)}, in this order")
    return PLANES


def _stride(value: object) -> int:
    if _whole(value) != STRIDE_PX:
        raise ValueError(f"this software reads cells of {STRIDE_PX} px")
    return STRIDE_PX


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


def _texts(value: object) -> dict[str, str]:
    return {key: _text(entry) for key, entry in _object(value).items()}


_READERS: dict[str, Callable[[object], Any]] = {
    "format": _known_format,
    "file": _text,
    "sha256": _matching(_SHA256, "64 hexadecimal digits"),
    "bytes": _whole,
    "version": _matching(_VERSION, "a version such as 3.0"),
    "precision": _precision,
    "inputs": _inputs,
    "planes": _planes,
    "stride_px": _stride,
    "made_with": _texts,
    "training": _object,
    "measured": _object,
}
assert tuple(_READERS) == tuple(field.name for field in fields(ModelCard))
