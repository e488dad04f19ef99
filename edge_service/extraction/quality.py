"""Quality of an impression, 0 to 100, and whether it is one at all.

The quality is the logarithm of the odds that the print is recognised: compared with an average impression of the
same finger, at a threshold that one stranger in a thousand would pass, it fails with a probability of
1 / (1 + exp((quality - EVEN_QUALITY) / POINTS_PER_E)). At 20 it fails every other time, at 50 once in eight, at 80
once in 55, and every 35 points make it ten times less; 0 says that there is nothing to compare. The weights are
fitted, and stand in `quality.json`; `python -m models.quality` fits them anew, which every new network asks for. See
docs/quality.md.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edge_service.extraction import parameters as p
from edge_service.extraction.advice import Reason, why_poor, why_refused
from edge_service.extraction.errors import ModelRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_service.extraction.features import Features

FITTED = Path(__file__).with_name("quality.json")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an impression is worth.

    Attributes:
        quality: 0 to 100; 0 where there is nothing to compare, and then there are no minutiae either.
        reason: what to do better; None where the print is good enough to leave the officer in peace.
        features: what it was judged by; None for an image of a single grey.
    """

    quality: int
    reason: Reason | None
    features: Features | None


@dataclass(frozen=True, slots=True)
class Ramp:
    """A rising function of one feature: straight lines between `knots`, level outside of them.

    Attributes:
        feature: its name in `Features`.
        knots: rising values of the feature.
        values: what each is worth.
    """

    feature: str
    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, value: float) -> float:
        """The worth of a value."""
        last = len(self.knots) - 1
        if value <= self.knots[0]:
            return self.values[0]
        for k in range(1, last + 1):
            if value < self.knots[k]:
                share = (value - self.knots[k - 1]) / (self.knots[k] - self.knots[k - 1])
                return self.values[k - 1] + share * (self.values[k] - self.values[k - 1])
        return self.values[last]


@dataclass(frozen=True, slots=True)
class Judge:
    """The fitted numbers, and what they make of a print.

    Attributes:
        recognised: log odds that the print is recognised, as a constant and what each feature adds.
        print_like: log odds that it is a print, the same.
        ordinary: mean and standard deviation of features over ordinary prints.
        model_sha256: of the network with which all this was fitted.
    """

    recognised: tuple[float, tuple[Ramp, ...]]
    print_like: tuple[float, tuple[Ramp, ...]]
    ordinary: Mapping[str, tuple[float, float]]
    model_sha256: str

    @classmethod
    def load(cls, path: Path = FITTED) -> Judge:
        """Read the fitted numbers. Raises `ModelRefused` if the file is missing or damaged."""
        try:
            fitted = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
            return cls.of(fitted)
        except OSError as error:
            raise ModelRefused(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelRefused(path, "is damaged (`python -m models.quality` fits it anew)") from error

    @classmethod
    def of(cls, fitted: Mapping[str, Any]) -> Judge:
        """From the content of `quality.json`."""
        return cls(
            recognised=_sum_of(fitted["recognised"]),
            print_like=_sum_of(fitted["print_like"]),
            ordinary={n: (float(o["mean"]), float(o["deviation"])) for n, o in fitted["ordinary"].items()},
            model_sha256=str(fitted["model_sha256"]),
        )

    @classmethod
    def unfitted(cls) -> Judge:
        """One that refuses nothing and knows no better, for fitting the numbers in the first place."""
        return cls((0.0, ()), (0.0, ()), {}, "")

    def assess(self, features: Features | None) -> Assessment:
        """What an impression of such features is worth; None stands for an image of one grey."""
        if features is None:
            return Assessment(0, why_refused(None, like_a_print=False), None)
        like_a_print = self.likeness(features) >= 0.0
        enough = features.area_mm2 >= p.LEAST_PRINT_MM2 and features.minutiae >= p.LEAST_MINUTIAE
        if not (like_a_print and enough):
            return Assessment(0, why_refused(features, like_a_print=like_a_print), features)
        odds = _evaluate(self.recognised, features)
        quality = min(100, max(1, round(p.EVEN_QUALITY + p.POINTS_PER_E * odds)))
        if quality >= p.ADVICE_BELOW_QUALITY:
            return Assessment(quality, None, features)
        return Assessment(quality, why_poor(features, lambda n: self._deviation(features, n)), features)

    def likeness(self, features: Features) -> float:
        """How much it is like a print; below 0 it is refused. 1 is what most real prints have to spare."""
        return _evaluate(self.print_like, features)

    def _deviation(self, features: Features, name: str) -> float:
        mean, deviation = self.ordinary[name]
        return (float(getattr(features, name)) - mean) / deviation


def failure_rate(quality: float) -> float:
    """The probability that a print of this quality is not recognised, as defined at the top."""
    return 1.0 / (1.0 + math.exp((quality - p.EVEN_QUALITY) / p.POINTS_PER_E))


def _evaluate(model: tuple[float, tuple[Ramp, ...]], features: Features) -> float:
    constant, ramps = model
    return constant + sum(ramp(float(getattr(features, ramp.feature))) for ramp in ramps)


def _sum_of(content: Mapping[str, Any]) -> tuple[float, tuple[Ramp, ...]]:
    ramps = tuple(
        Ramp(name, tuple(map(float, ramp["knots"])), tuple(map(float, ramp["values"])))
        for name, ramp in content["ramps"].items()
    )
    if any(len(r.knots) != len(r.values) or sorted(set(r.knots)) != list(r.knots) for r in ramps):
        raise ValueError("knots do not rise, or lack values")
    return float(content["constant"]), ramps
