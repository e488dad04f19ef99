"""What is on a task's page: which prints, and what the examiner had typed. Neither is trusted, or lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from matcher_service.console.pages import fields
from matcher_service.review import Decision

if TYPE_CHECKING:
    from starlette.requests import Request

    from matcher_service.review import Look, ShownPrint

_PARTS_OF_VIEW = 4


@dataclass(frozen=True, slots=True)
class View:
    """What is on the page: a finger of the probe, a candidate and which of its prints, and whether with pairs."""

    position: int = -1
    place: int = -1
    nth: int = 0
    pairs: bool = False

    def at(
        self,
        *,
        position: int | None = None,
        place: int | None = None,
        nth: int | None = None,
        pairs: bool | None = None,
    ) -> str:
        """The value of a button that shows something else. Another finger or candidate begins at its first print."""
        if position is not None or place is not None:
            nth = 0
        shown = (
            self.position if position is None else position,
            self.place if place is None else place,
            self.nth if nth is None else nth,
            int(self.pairs if pairs is None else pairs),
        )
        return ".".join(str(one) for one in shown)

    @classmethod
    def of(cls, text: str) -> View:
        """As `at` wrote it; the first of everything for anything else."""
        parts = text.split(".")
        if len(parts) != _PARTS_OF_VIEW or not all(one.isascii() and one.isdigit() for one in parts):
            return cls()
        position, place, nth, pairs = (int(one[:4]) for one in parts)
        return cls(position, place, nth, bool(pairs))

    def within(self, look: Look) -> View:
        """The same, or the first of what there is."""
        positions = [one.position for one in look.probes]
        places = [one.place for one in look.candidates]
        position = self.position if self.position in positions else next(iter(positions), -1)
        place = self.place if self.place in places else next(iter(places), -1)
        count = len(look.candidate(place).of(position)) if place in places else 0
        return replace(self, position=position, place=place, nth=self.nth if self.nth < count else 0)


@dataclass(frozen=True, slots=True)
class Typed:
    """What the examiner had filled in, as it was sent."""

    decision: str = ""
    chosen: str = ""
    reason: str = ""
    contrast: str = ""
    marks: str = ""

    @classmethod
    def of(cls, request: Request) -> Typed:
        """From a form, whatever is in it: it is shown again, and checked where it is decided."""

        def first(name: str) -> str:
            return next(iter(fields(request, name)), "")

        # A line break in a reason is a blank.
        reason = " ".join(first("reason").split())
        return cls(first("decision"), first("chosen"), reason, first("contrast"), first("marks"))

    @property
    def place(self) -> int | None:
        """The place of the candidate, where one was identified."""
        if self.decision != Decision.IDENTIFICATION or not (self.chosen.isascii() and self.chosen.isdigit()):
            return None
        return int(self.chosen[:4])


@dataclass(frozen=True, slots=True)
class Drawn:
    """A print with what stands above it."""

    svg: Markup
    words: str
    image: bool = False

    @classmethod
    def of(cls, shown: ShownPrint) -> Drawn:
        """For the page."""
        told = [shown.finger, f"{len(shown.minutiae)} minutiae"]
        if shown.quality:
            told.append(f"quality\N{NO-BREAK SPACE}{shown.quality}")
        return cls(drawing(shown.svg()), ", ".join(told), bool(shown.image))


def drawing(svg: str) -> Markup:
    """A drawing of ours, as it is."""
    return Markup(svg)  # noqa: S704 - made by review and explaining, which escape their texts
