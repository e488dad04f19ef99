"""Scenes that are drawn: text, faces, bars, bricks. All are light of 0 to 1, (height, width)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.quality.textures import smooth

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Light = NDArray[np.float64]
    Size = tuple[int, int]

OVERSAMPLING = 2  # drawn larger and shrunk, so that edges are smooth
LETTERS = "etaoinshrdlucmfwypvbgkjqxz ETAOIN SHRDLU 0123456789.,;:!?-()"


def text(rng: Generator, size: Size) -> Light:
    """A page of text in a size of 6 to 40 px."""
    paper, draw = _paper(size)
    tall = float(rng.uniform(6, 40)) * OVERSAMPLING
    font = ImageFont.load_default(size=tall)
    y = float(rng.uniform(-tall, tall))
    while y < paper.height:
        letters = "".join(rng.choice(list(LETTERS), int(2.5 * paper.width / tall) + 4))
        draw.text((float(rng.uniform(-tall, tall)), y), letters, fill=0, font=font)
        y += tall * rng.uniform(1.05, 1.3)
    return _light(paper.rotate(float(rng.uniform(-20, 20)), fillcolor=255), size)


def face(rng: Generator, size: Size) -> Light:
    """A face: an oval, eyes, nose, mouth and hair, shaded."""
    paper, draw = _paper(size)
    w, h = paper.size
    cx, cy = w * rng.uniform(0.4, 0.6), h * rng.uniform(0.45, 0.6)
    rx, ry = w * rng.uniform(0.22, 0.38), h * rng.uniform(0.3, 0.42)
    skin, line = int(rng.integers(120, 230)), int(rng.integers(0, 90))
    _oval(draw, cx, cy, rx, ry, fill=skin, outline=line, width=3)
    for side in (-1, 1):
        ex, ey, eye = cx + side * 0.42 * rx, cy - 0.2 * ry, 0.18 * rx
        _oval(draw, ex, ey, eye, 0.6 * eye, fill=245, outline=line, width=2)
        _oval(draw, ex + rng.uniform(-0.3, 0.3) * eye, ey, 0.45 * eye, 0.5 * eye, fill=line)
        draw.line([(ex - eye, ey - eye), (ex + eye, ey - eye * rng.uniform(0.8, 1.4))], fill=line, width=5)
    draw.line(
        [(cx, cy - 0.1 * ry), (cx - 0.1 * rx, cy + 0.2 * ry), (cx + 0.1 * rx, cy + 0.2 * ry)], fill=line
    )
    draw.arc([cx - 0.4 * rx, cy + 0.3 * ry, cx + 0.4 * rx, cy + 0.6 * ry], 10, 170, fill=line, width=4)
    for _ in range(int(rng.integers(20, 200))):
        x = cx + rx * rng.uniform(-1, 1)
        top = cy - ry * float(np.sqrt(max(0.0, 1 - ((x - cx) / rx) ** 2)))
        draw.line([(x, top), (x + rng.normal(0, 12), top - 0.3 * ry * rng.random())], fill=line, width=2)
    return _light(paper, size) + 0.08 * smooth(rng, size, 4)


def barcode(rng: Generator, size: Size) -> Light:
    """Bars of uneven width."""
    unit = int(rng.integers(2, 7))
    bars = np.repeat(rng.integers(0, 2, 2000), unit)[: max(size)].astype(np.float64)
    light = np.ones(size)
    top, bottom = sorted(rng.integers(0, size[0], 2)) if rng.random() < 0.5 else (0, size[0])
    light[top:bottom] = bars[: size[1]]
    return light if rng.random() < 0.5 else np.rot90(_square(light))[: size[0], : size[1]]


def bricks(rng: Generator, size: Size) -> Light:
    """A wall of bricks."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    tall = int(rng.integers(8, 40))
    wide, gap = int(tall * rng.uniform(1.8, 3.0)), max(1, tall // int(rng.integers(4, 9)))
    row = y // tall
    along = x + (row % 2) * (wide // 2)
    joint = (y % tall < gap) | (along % wide < gap)
    shade = rng.uniform(0.2, 0.6, (row.max() + 1, along.max() // wide + 1))[row, along // wide]
    return np.where(joint, 0.85, shade) + 0.05 * smooth(rng, size, 60)


def scratches(rng: Generator, size: Size) -> Light:
    """Hairs and scratches, every which way."""
    paper, draw = _paper(size)
    for _ in range(int(rng.integers(10, 250))):
        x, y = rng.uniform(0, 1, 2) * paper.size
        run = np.cumsum(rng.normal(0, 12, (int(rng.integers(3, 14)), 2)) + rng.normal(0, 10, 2), axis=0)
        points = [(float(x + dx), float(y + dy)) for dx, dy in run]
        draw.line(points, fill=int(rng.integers(0, 150)), width=int(rng.integers(1, 7)), joint="curve")
    return _light(paper, size)


def qr_code(rng: Generator, size: Size) -> Light:
    """Black and white squares with the three corner marks."""
    unit, n = int(rng.integers(3, 12)), int(rng.integers(21, 60))
    cells = rng.integers(0, 2, (n, n)).astype(np.float64)
    mark = np.pad(np.pad(np.zeros((3, 3)), 1, constant_values=1.0), 1)
    for rows, columns in (
        (slice(0, 7), slice(0, 7)),
        (slice(0, 7), slice(-7, None)),
        (slice(-7, None), slice(0, 7)),
    ):
        cells[rows, columns] = mark
    code = np.kron(np.pad(cells, 2, constant_values=1.0), np.ones((unit, unit)))
    light = np.ones(size)
    part = code[: size[0], : size[1]]
    light[: part.shape[0], : part.shape[1]] = part
    return light


def keys(rng: Generator, size: Size) -> Light:
    """Rows of rounded keys with a letter each."""
    paper, draw = _paper(size)
    side = int(rng.integers(24, 90))
    font = ImageFont.load_default(size=side * 0.5)
    for row, y in enumerate(range(-side, paper.height, side + 6)):
        for x in range(-side + row * side // 3 % side, paper.width, side + 6):
            draw.rounded_rectangle([x, y, x + side, y + side], side // 5, fill=int(rng.integers(30, 90)))
            draw.text((x + side * 0.3, y + side * 0.2), str(rng.choice(list(LETTERS))), fill=240, font=font)
    return _light(paper, size)


def _paper(size: Size) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    paper = Image.new("L", (size[1] * OVERSAMPLING, size[0] * OVERSAMPLING), 255)
    return paper, ImageDraw.Draw(paper)


def _light(paper: Image.Image, size: Size) -> Light:
    return np.asarray(paper.resize((size[1], size[0]), Image.Resampling.BOX), np.float64) / 255.0


def _oval(draw: ImageDraw.ImageDraw, x: float, y: float, rx: float, ry: float, **how: int) -> None:
    draw.ellipse([x - rx, y - ry, x + rx, y + ry], **how)  # pyright: ignore[reportArgumentType]


def _square(light: Light) -> Light:
    side = max(light.shape)
    return np.pad(light, ((0, side - light.shape[0]), (0, side - light.shape[1])), mode="edge")
