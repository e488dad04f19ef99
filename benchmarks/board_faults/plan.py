"""What goes wrong in a run: everything follows from the campaign's seed and the run's number. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.board_faults import parameters as p
from benchmarks.board_faults.troubles import KINDS, RigKind
from edge_service.sensors.models import find_model
from hardware.bench.trace_cleaning import made_up_print

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.board_faults.troubles import Trouble
    from hardware.bench.wire_faults import Incident


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        number: of the run in its campaign.
        rig: what it needs; the same for `RIG_RUNS` runs in a row.
        troubles: none, one or two.
    """

    number: int
    rig: RigKind
    troubles: tuple[Trouble, ...]

    @property
    def kind(self) -> str:
        """For the summary: the first trouble's kind, or "calm"."""
        return self.troubles[0].kind if self.troubles else "calm"

    def incidents(self, where: str) -> list[Incident]:
        """All that happens on one wire."""
        return [i for trouble in self.troubles if trouble.where == where for i in trouble.incidents]

    def faults(self) -> list[str]:
        """All that the module does."""
        return [fault for trouble in self.troubles for fault in trouble.faults]


def plan_of(seed: int, number: int, *, direct: bool) -> Plan:
    """The plan of run `number`; `direct` is without a board: the host speaks to the sensor."""
    rig = _rig_kind(np.random.default_rng((seed, 1, number // p.RIG_RUNS)))
    rng = np.random.default_rng((seed, 2, number))
    kinds = [kind for kind in KINDS if not direct or kind[2]]
    if rng.random() < p.CALM_SHARE:
        return Plan(number, rig, ())
    count = 2 if rng.random() < p.SECOND_TROUBLE_SHARE else 1
    weights = np.array([kind[1] for kind in kinds], dtype=np.float64)
    chosen = rng.choice(len(kinds), size=count, replace=False, p=weights / weights.sum())
    return Plan(number, rig, tuple(kinds[at][0](rng, rig) for at in chosen))


def finger_of(seed: int, number: int, which: int, model: str) -> NDArray[np.uint8]:
    """A picture that no other run has, uint8 (height, width).

    Ridges as drawn, on an even ground, where packet follows equal packet; ridges with noise; noise alone.
    """
    known = find_model(model)
    rng = np.random.default_rng((seed, 3, number, which))
    style = number % 3
    if style == 2:
        return rng.integers(0, 256, (known.height, known.width), dtype=np.uint8)
    picture = made_up_print(known.width, known.height).astype(np.float32)
    picture = np.roll(picture, rng.integers(-40, 40, 2), axis=(0, 1))
    if style == 1:
        picture += rng.normal(0, 14, picture.shape).astype(np.float32)
    row, column = known.height // 2, known.width // 2
    picture[row : row + 4, column : column + 8] = rng.integers(0, 256, (4, 8))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _rig_kind(rng: Generator) -> RigKind:
    return RigKind(
        model="R307" if rng.random() < 0.6 else "R503",
        packet_bytes=int(rng.choice([32, 64, 128, 128, 256])),
        baud=int(rng.choice([57_600, 57_600, 115_200])),
        detect_line=bool(rng.random() < 0.7),
    )
