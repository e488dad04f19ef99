"""Whether a program grows: its resident memory and its file handles over its longest life."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.endurance import parameters as p
from benchmarks.endurance.program import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PRODUCT = ("broker", "edge", "matcher")


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one program's longest life, measured in bookings.

    Attributes:
        lives: starts in the whole campaign.
        bookings, minutes: that its longest life lasted, once warm.
        rss_mib: at the life's beginning (warm), in the middle, at the end; and the most of the whole campaign.
        slope_kib: resident memory gained per 1,000 bookings over the life's last half, by least squares; None where
            that half is shorter than `parameters.LONG_LIFE`.
        handles: open files: median of the first and of the last quarter of that life, and the most of the campaign.
        threads: at the end.
    """

    program: str
    lives: int
    bookings: int
    minutes: float
    rss_mib: tuple[float, float, float, float]
    slope_kib: float | None
    handles: tuple[int, int, int]
    threads: int

    @property
    def grew(self) -> bool:
        """More than may be. A life too short to tell did not; nor does the officer count, who remembers all."""
        if self.slope_kib is None or self.program not in _PRODUCT:
            return False
        first, last, _ = self.handles
        return self.slope_kib > p.MAY_GROW_KIB or last > first + p.MAY_GROW_HANDLES


def growth_of(file: Path) -> list[Growth]:
    """Of each program, by the samples in `file`."""
    samples = [Sample(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]
    names = list(dict.fromkeys(sample.program for sample in samples))
    return [_growth([sample for sample in samples if sample.program == name]) for name in names]


def _growth(samples: Sequence[Sample]) -> Growth:
    lives = _lives(samples)
    life = max(lives, key=lambda one: one[-1].saved - one[0].saved)
    warm = [sample for sample in life if sample.age_s >= p.WARM_S] or life
    half = warm[len(warm) // 2 :]
    quarter = max(1, len(warm) // 4)
    begin, middle, end = (
        round(float(np.median([s.rss_kib for s in some])) / 1024, 1) for some in _thirds(warm)
    )
    return Growth(
        program=samples[0].program,
        lives=len(lives),
        bookings=warm[-1].saved - warm[0].saved,
        minutes=round((warm[-1].age_s - warm[0].age_s) / 60, 1),
        rss_mib=(begin, middle, end, round(max(s.rss_kib for s in samples) / 1024, 1)),
        slope_kib=_slope(half),
        handles=(
            int(np.median([s.handles for s in warm[:quarter]])),
            int(np.median([s.handles for s in warm[-quarter:]])),
            max(s.handles for s in samples),
        ),
        threads=warm[-1].threads,
    )


def _lives(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples by life: a new one begins where the number changes or, after a resumed campaign, the age falls."""
    lives: list[list[Sample]] = []
    for sample in samples:
        last = lives[-1][-1] if lives else None
        if last is None or last.life != sample.life or sample.age_s < last.age_s:
            lives.append([])
        lives[-1].append(sample)
    return lives


def _thirds(warm: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]:
    """A few samples at the beginning, in the middle and at the end."""
    few, middle = max(1, len(warm) // 20), len(warm) // 2
    return warm[:few], warm[middle : middle + few], warm[-few:]


def _slope(half: Sequence[Sample]) -> float | None:
    """KiB per 1,000 bookings; None where there are too few to tell."""
    bookings = np.array([sample.saved for sample in half], float)
    if bookings[-1] - bookings[0] < p.LONG_LIFE:
        return None
    return round(float(np.polyfit(bookings, [sample.rss_kib for sample in half], 1)[0]) * 1000, 1)


def as_json(growth: Growth) -> dict[str, Any]:
    """For a file."""
    return {
        "lives": growth.lives,
        "longest_life_bookings": growth.bookings,
        "longest_life_minutes": growth.minutes,
        "rss_mib_begin_middle_end_most": list(growth.rss_mib),
        "rss_kib_per_1000_bookings_last_half": growth.slope_kib,
        "handles_first_last_most": list(growth.handles),
        "threads": growth.threads,
    }
