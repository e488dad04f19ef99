"""Which prints there are, and at what resolution: folders of ``<finger>_<impression>`` images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.errors import BenchmarkError, DatabaseError
from benchmarks.accuracy.parameters import DPI_BY_COLLECTION, DPI_MAX, DPI_MIN, WORKING_DPI

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp", ".wsq"})


@dataclass(frozen=True, slots=True)
class Impression:
    """One image: ``101_3.png`` is impression ``3`` of finger ``101``, by the name of ``101_3``."""

    finger: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Database:
    """The impressions of one sensor and one collection; comparisons never cross databases.

    Attributes:
        name: its folder relative to the folder that was asked for, with forward slashes.
        dpi: resolution of its images in pixels per inch.
        impressions: sorted by finger, then by impression.
    """

    name: str
    dpi: float
    impressions: tuple[Impression, ...]

    @property
    def fingers(self) -> tuple[str, ...]:
        """Names of the fingers, in order."""
        return tuple(dict.fromkeys(i.finger for i in self.impressions))

    def finger_numbers(self) -> NDArray[np.int64]:
        """(n,): for each impression the number of its finger, from 0."""
        number = {finger: i for i, finger in enumerate(self.fingers)}
        return np.array([number[i.finger] for i in self.impressions], np.int64)

    def pairs(self) -> NDArray[np.int64]:
        """(m, 2): every unordered pair of impressions once, the earlier as the probe.

        All genuine and all impostor pairs: 10 fingers x 8 impressions are 280 and 2,880.
        """
        return np.array(list(combinations(range(len(self.impressions)), 2)), np.int64).reshape(-1, 2)


def find_databases(
    root: Path, *, dpi_default: float | None = None, dpi_by_name: Mapping[str, float] | None = None
) -> list[Database]:
    """The databases under `root`: itself if it holds images, else every folder below that does.

    Args:
        root: a folder.
        dpi_default: resolution of all databases; None: from the table of known collections, else 500.
        dpi_by_name: resolution by a database's name; goes before `dpi_default`.

    Raises DatabaseError where a folder, or a name in it, is not what it should be.
    """
    if not root.is_dir():
        raise DatabaseError(root, "there is no such folder; name a folder of <finger>_<impression> images")
    folders = _image_folders(root.resolve())
    named = {_name(folder, root.resolve()): folder for folder in folders}
    stated = dict(dpi_by_name or {})
    unknown = sorted(set(stated) - set(named))
    if unknown:
        raise BenchmarkError(f"--dpi names {unknown[0]}, but the databases are: {', '.join(named)}")
    databases: list[Database] = []
    for name, folder in named.items():
        dpi = stated.get(name) or dpi_default or known_dpi(folder)
        databases.append(Database(name, dpi, tuple(_impressions(folder))))
    return databases


def known_dpi(folder: Path) -> float:
    """Resolution of a known collection's database by the names of its folders, else 500.

    ``.../fvc2002/DB2_B``, ``.../FVC2002_DB2_A`` and ``.../fvc-2002/dbs/Db2_b`` are all the same to it.
    """
    plain = [re.sub(r"[^a-z0-9]", "", part.lower()) for part in folder.parts]
    for (collection, database), dpi in DPI_BY_COLLECTION.items():
        apart = any(collection in part for part in plain[:-1]) and plain[-1].startswith(database)
        # the name may run on with a set's letter, never with another digit: DB2_A, not DB21
        together = re.search(rf"{collection}{database}(?![0-9])", plain[-1])
        digits = re.match(rf"{database}[0-9]", plain[-1])
        if together or (apart and not digits):
            return dpi
    return WORKING_DPI


def parse_dpi(options: Iterable[str]) -> tuple[float | None, dict[str, float]]:
    """Read ``--dpi`` options, ``VALUE`` or ``NAME=VALUE``: the default, and the values by database."""
    default: float | None = None
    by_name: dict[str, float] = {}
    for option in options:
        name, separator, text = option.rpartition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not DPI_MIN <= value <= DPI_MAX:
            raise BenchmarkError(
                f"--dpi {option}: expected VALUE or NAME=VALUE with a value of {DPI_MIN:.0f} to {DPI_MAX:.0f}"
            )
        if separator:
            by_name[name] = value
        else:
            default = value
    return default, by_name


def _name(folder: Path, root: Path) -> str:
    return root.name if folder == root else folder.relative_to(root).as_posix()


def _image_folders(root: Path) -> list[Path]:
    found = sorted({p.parent for p in root.rglob("*") if _is_image(p)}, key=lambda p: _natural(str(p)))
    if not found:
        raise DatabaseError(root, f"no images in it or below it ({', '.join(sorted(IMAGE_SUFFIXES))})")
    if root in found and len(found) > 1:
        below = found[1] if found[0] == root else found[0]
        raise DatabaseError(
            root,
            f"holds images itself and a folder of images ({below.relative_to(root)}); "
            "name one of them, or move the loose images into a folder of their own",
        )
    return found


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _impressions(folder: Path) -> list[Impression]:
    found: dict[str, Impression] = {}
    for path in sorted((p for p in folder.iterdir() if _is_image(p)), key=lambda p: _natural(p.name)):
        finger, _, number = path.stem.rpartition("_")
        if not finger or not number:
            raise DatabaseError(path, "its name should be <finger>_<impression>, for example 101_3.png")
        if path.stem in found:
            raise DatabaseError(path, f"there is {found[path.stem].path.name} as well; keep one of the two")
        found[path.stem] = Impression(finger, path.stem, path)
    impressions = sorted(found.values(), key=lambda i: (_natural(i.finger), _natural(i.name)))
    fingers = {i.finger for i in impressions}
    if len(fingers) < 2:
        raise DatabaseError(
            folder, f"only one finger ({min(fingers)}), so there are no impostor pairs; add another finger"
        )
    if len(fingers) == len(impressions):
        raise DatabaseError(
            folder, "only one impression of every finger, so there are no genuine pairs; add a second one"
        )
    return impressions


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key by which 9 comes before 10."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts if p]
