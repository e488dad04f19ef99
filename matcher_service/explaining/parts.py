"""The parts of a score in words. Parts that are not known here are shown by the name that the comparison gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matcher_service.search import Comparison


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was measured.

    Attributes:
        name: as the comparison calls it.
        label: as a person reads it.
        value: what was measured.
        shown: the value as it is written for a person, with its unit.
        sentence: what it says.
        contribution: what it adds to the score, or takes from it, against a usual comparison of strangers; None
            if that is not known.
    """

    name: str
    label: str
    value: float
    shown: str
    sentence: str
    contribution: float | None = None

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "name": self.name,
            "label": self.label,
            "value": round(self.value, 5),
            "shown": self.shown,
            "sentence": self.sentence,
            "contribution": None if self.contribution is None else round(self.contribution, 4),
        }


# Name in the comparison: what a person reads, how the value is written, and what it says.
_WORDS: dict[str, tuple[str, str, str]] = {
    "support": (
        "mutual support",
        "{:.3f}",
        "How well the best pairs agree in distance and direction; 1 is all.",
    ),
    "paired": ("pairs", "{:.0f}", "Minutiae that found a partner, and their share of what is in common."),
    "probe in common": ("probe in common", "{:.0f}", "Minutiae of the probe that lie where both prints are."),
    "candidate in common": (
        "candidate in common",
        "{:.0f}",
        "Minutiae of the candidate that do; both counts weigh together, under the probe's.",
    ),
    "similarity": (
        "surroundings",
        "{:.2f}",
        "How alike the surroundings of paired minutiae are; 1 is the same.",
    ),
    "residual px": (
        "apart",
        "{:.1f} px",
        "How far pairs lie apart once the skin's bending is undone; a ridge is 9 px.",
    ),
    "residual rad": (
        "apart in direction",
        "{:.2f} rad",
        "How far pairs point apart then; 0.1 rad are 6 degrees.",
    ),
    "bending px": ("bending", "{:.1f} px", "How much the skin had to be bent to bring the pairs together."),
    "bending rad": ("bending in direction", "{:.2f} rad", "How much directions had to be bent."),
    "agreement": (
        "agreement",
        "{:.1f}",
        "Pairs, each counted by its surroundings and by how near its two lie.",
    ),
    "backing": ("neighbours", "{:.1f}", "Neighbouring pairs that stand behind a pair's place, on average."),
    "second best": (
        "second best way",
        "{:.1f}",
        "What the best quite different way to lay the prints over each other is worth.",
    ),
    "same type": ("same type", "{:.0f}", "Pairs of two endings or two bifurcations."),
    "other type": (
        "other type",
        "{:.0f}",
        "Pairs of an ending and a bifurcation; pressure turns one into the other.",
    ),
    "paired quality": (
        "quality of pairs",
        "{:.1f}",
        "The pairs, each counted by the quality of its minutiae.",
    ),
    "unpaired quality": (
        "quality of the lone",
        "{:.1f}",
        "Minutiae in common without a partner, each counted by its quality.",
    ),
    "best cylinders": (
        "best surroundings",
        "{:.2f}",
        "How alike the most similar surroundings are, before any pairing.",
    ),
    "minutiae": ("minutiae", "{:.0f}", "How many the prints have; among many, some agree by chance."),
}


def parts_of(comparison: Comparison) -> tuple[Part, ...]:
    """All parts of a comparison, in its order."""
    return tuple(
        _part(name, float(value), comparison.contributions.get(name))
        for name, value in comparison.parts.items()
    )


def _part(name: str, value: float, contribution: float | None) -> Part:
    label, form, sentence = _WORDS.get(name, (name, "{:.3g}", ""))
    return Part(name, label, value, form.format(value), sentence, contribution)
