"""The sensors this driver knows, and the size of their images.

A wrong size is a nasty error: with the rows cut at the wrong place the picture shows the finger two or three
times over, and an extractor happily finds minutiae in it. So the byte count of every image is held against
the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class SensorModel:
    """Geometry of one model: pixels, and pixels per inch."""

    name: str
    width: int
    height: int
    dpi: float

    @property
    def image_bytes(self) -> int:
        """Bytes of an image on the wire, at four bits a pixel."""
        return self.width * self.height // 2


# Sizes from the modules' manuals; 508 dpi is printed in the R503's, 500 dpi in the optical ones'.
MODELS = (
    SensorModel("R307", 256, 288, 500.0),
    SensorModel("R503", 192, 192, 508.0),
    SensorModel("AS608", 256, 288, 500.0),
    SensorModel("ZFM-20", 256, 288, 500.0),
)


def find_model(name: str) -> SensorModel:
    """The model of that name, whatever the case and hyphens. Raises ValueError that names the nearest one."""
    by_key = {_key(model.name): model for model in MODELS}
    model = by_key.get(_key(name))
    if model is None:
        near = get_close_matches(_key(name), by_key, n=1, cutoff=0.0)
        known = ", ".join(model.name for model in MODELS)
        raise ValueError(
            f"unknown sensor model {name!r}; did you mean {by_key[near[0]].name}? Known are {known}"
        )
    return model


def models_by_size(image_bytes: int) -> list[SensorModel]:
    """The models whose image has that many bytes on the wire."""
    return [model for model in MODELS if model.image_bytes == image_bytes]


def model_by_product(module: str, *, width: int, height: int) -> SensorModel:
    """The model behind a module's product information; one that is not in the table is taken at its word."""
    for model in MODELS:
        if _key(module).startswith(_key(model.name)) and (model.width, model.height) == (width, height):
            return model
    return SensorModel(module or f"{width}x{height}", width, height, 500.0)


def _key(name: str) -> str:
    return "".join(c for c in name.upper() if c.isalnum())
