"""Template files as the tools take them: any of the formats, any number of fingers, bounded in size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interchange.errors import TemplateError
from interchange.fingers import UNKNOWN_FINGER, finger_name
from matcher_service.errors import MatcherError
from matcher_service.repositories.prints import read_single, split

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interchange import Minutiae
    from matcher_service.repositories.prints import NewPrint

MAX_RECORD_BYTES = 1024 * 1024  # 255 views with 255 minutiae each are 392 KB


class UnusableTemplate(MatcherError):  # noqa: N818 - reads as what it is
    """A template that cannot be used for what was asked.

    Attributes:
        name: the file, or what else it is called.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"{name}: {problem}")


@dataclass(frozen=True, slots=True)
class NamedPrint:
    """One finger out of a file.

    Attributes:
        name: the file, or what else it came from.
        print: as it would be enrolled.
        minutiae: of it.
    """

    name: str
    print: NewPrint
    minutiae: Minutiae

    @property
    def position(self) -> int:
        """Finger position, 0 unknown."""
        return self.print.position


def read_file(path: Path) -> list[NamedPrint]:
    """All fingers in a file, at least one, in its order. Raises UnusableTemplate, with what to do about it."""
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_RECORD_BYTES + 1)  # a byte more than allowed: enough to be refused
    except OSError as error:
        raise UnusableTemplate(str(path), f"cannot be read: {error.strerror}") from None
    return read_bytes(data, name=str(path))


def read_bytes(data: bytes, *, name: str) -> list[NamedPrint]:
    """All fingers in a record of ISO/IEC 19794-2:2005 or INCITS 378-2004. Raises UnusableTemplate."""
    try:
        return [NamedPrint(name, one, read_single(one.record)[1]) for one in split(data)]
    except TemplateError as error:
        raise UnusableTemplate(name, str(error)) from None


def choose(prints: Sequence[NamedPrint], position: int | None) -> NamedPrint:
    """The print of one finger; of several, the one of the best quality. Raises UnusableTemplate if there is none."""
    found = [one for one in prints if position in (None, one.position)]
    listed = ", ".join(sorted({f"{one.position} ({finger_name(one.position)})" for one in prints}))
    if not found:
        raise UnusableTemplate(prints[0].name, f"holds no finger {position}; it holds {listed}")
    if len({one.position for one in found}) > 1:
        raise UnusableTemplate(
            prints[0].name, f"holds several fingers: {listed}. Choose one with --finger NUMBER"
        )
    return max(found, key=lambda one: one.print.finger_quality)


def choose_pair(
    probe: Sequence[NamedPrint], candidate: Sequence[NamedPrint], position: int | None
) -> tuple[NamedPrint, NamedPrint]:
    """One finger of each: of `position`, or the only one, or the only one that both have.

    Raises UnusableTemplate if that leaves a choice or nothing.
    """
    if position is None:
        common = {one.position for one in probe} & {one.position for one in candidate} - {UNKNOWN_FINGER}
        if len(common) == 1:
            position = common.pop()
    if position is not None:
        # A file of a single finger that nobody gave a position is that finger, if the user says so.
        return _choose_or_only(probe, position), _choose_or_only(candidate, position)
    return choose(probe, None), choose(candidate, None)


def choose_fingers(
    probe: Sequence[NamedPrint], candidate: Sequence[NamedPrint], position: int | None
) -> list[tuple[NamedPrint, NamedPrint]]:
    """Each finger that both have, or the one that is asked for. Raises UnusableTemplate as `choose_pair` does."""
    common = {one.position for one in probe} & {one.position for one in candidate} - {UNKNOWN_FINGER}
    if position is not None or len(common) < 2:
        return [choose_pair(probe, candidate, position)]
    return [(choose(probe, at), choose(candidate, at)) for at in sorted(common)]


def _choose_or_only(prints: Sequence[NamedPrint], position: int) -> NamedPrint:
    if {one.position for one in prints} == {UNKNOWN_FINGER}:
        return choose(prints, None)
    return choose(prints, position)
