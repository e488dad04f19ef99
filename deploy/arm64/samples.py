"""The sample prints that are committed, nobody's, and the records that an x86-64 machine made of them.

`python -m deploy.arm64.samples` draws them and writes the records anew, which every new network asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_service.extraction import Extractor

FOLDER = Path(__file__).with_name("prints")
FIRST_SEED = 6400  # of the synthetic fingers


@dataclass(frozen=True, slots=True)
class Sample:
    """One print.

    Attributes:
        name: of its files in `FOLDER`: .png, and .iso for the record.
        finger: which synthetic finger.
        touch: which touch of it.
        size: width and height in pixels.
        dpi: resolution.
        levels: grey levels.
    """

    name: str
    finger: int
    touch: int
    size: tuple[int, int]
    dpi: int = 500
    levels: int = 16

    @property
    def image(self) -> Path:
        """Its picture."""
        return FOLDER / f"{self.name}.png"

    @property
    def record(self) -> Path:
        """Its minutiae on x86-64, an ISO/IEC 19794-2:2005 record."""
        return FOLDER / f"{self.name}.iso"


# Two fingers twice, as the R307 sees them: one touch is enrolled, the other booked. The rest takes every other way
# through the extractor: each shape of the network, a resolution to be resampled, an image to be cut into tiles.
BOOKED = (Sample("r307-a2", 0, 2, (256, 288)), Sample("r307-b2", 1, 2, (256, 288)))
ENROLLED = (Sample("r307-a1", 0, 1, (256, 288)), Sample("r307-b1", 1, 1, (256, 288)))
SAMPLES = (
    *ENROLLED,
    *BOOKED,
    Sample("r503", 2, 1, (192, 192)),
    Sample("scanner", 3, 1, (400, 416), levels=256),
    Sample("resampled", 4, 1, (364, 437), dpi=569, levels=256),
    Sample("tiled", 5, 1, (500, 600)),
)


def draw(sample: Sample) -> NDArray[np.uint8]:
    """The sample's image, uint8 (height, width)."""
    from models.synthetic.master import master
    from models.synthetic.touch import touch

    width, height = sample.size
    finger = master(FIRST_SEED + sample.finger)
    made = touch(
        finger,
        sample.touch,
        window=(height, width),
        dpi=sample.dpi,
        levels=sample.levels,
        difficulty=0.2,
        with_truth=False,
    )
    return made.image


def record_of(sample: Sample, extractor: Extractor) -> bytes:
    """The record that this machine makes of the committed picture."""
    from edge_service.extraction import read_image
    from interchange import iso19794

    return iso19794.encode(extractor.extract(read_image(sample.image), sample.dpi))


def main() -> None:
    """Draw all, and write the records."""
    import typer
    from PIL import Image

    from edge_service.extraction import Extractor

    FOLDER.mkdir(exist_ok=True)
    extractor = Extractor.load()
    for sample in SAMPLES:
        Image.fromarray(draw(sample)).save(sample.image, dpi=(sample.dpi, sample.dpi), optimize=True)
        sample.record.write_bytes(record_of(sample, extractor))
        typer.echo(f"{sample.name}  {sample.image.stat().st_size} bytes")


if __name__ == "__main__":
    main()
