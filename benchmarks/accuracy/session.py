"""Opening the systems by name and running one or several combinations with progress bars."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from benchmarks.accuracy.cache import CachedExtractor
from benchmarks.accuracy.evaluation import Report, compare_database, extract_database
from benchmarks.accuracy.peers import peers_python
from benchmarks.accuracy.reporting import describe_machine
from benchmarks.accuracy.systems import Bozorth3Matcher, PeerExtractor, WhorlExtractor, WhorlMatcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from benchmarks.accuracy.databases import Database
    from benchmarks.accuracy.imaging import Conditions
    from benchmarks.accuracy.systems import Extraction, Matcher, MinutiaeExtractor


class Session:
    """Systems under test, opened when they are first asked for and closed at the end.

    Args:
        cache: folder for the peers' extractions, or None to measure everything anew.
        progress: where the bars are drawn; None draws them on standard error.
    """

    def __init__(self, *, cache: Path | None = None, progress: Progress | None = None) -> None:
        self._cache = cache
        self._progress = progress or progress_bars()
        self._extractors: dict[str, MinutiaeExtractor] = {}
        self._matchers: dict[str, Matcher] = {}
        self._closing = contextlib.ExitStack()
        self._machine = describe_machine()

    def __enter__(self) -> Self:
        self._closing.enter_context(self._progress)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def extractor(self, name: str) -> MinutiaeExtractor:
        """The extractor of this name. Raises SystemUnderTestError if it cannot be had."""
        if name not in self._extractors:
            made: MinutiaeExtractor
            if name == "whorl":
                made = WhorlExtractor()
            else:
                made = PeerExtractor(name, self._peers())
                if self._cache is not None:
                    made = CachedExtractor(made, self._cache)
            self._closing.callback(made.close)
            self._extractors[name] = made
        return self._extractors[name]

    def matcher(self, name: str) -> Matcher:
        """The matcher of this name. Raises SystemUnderTestError if it cannot be had."""
        if name not in self._matchers:
            made: Matcher = WhorlMatcher() if name == "whorl" else Bozorth3Matcher(self._peers())
            self._closing.callback(made.close)
            self._matchers[name] = made
        return self._matchers[name]

    def extract(
        self, databases: Sequence[Database], extractor: str, conditions: Conditions
    ) -> dict[str, list[Extraction]]:
        """Extract all databases: extractions by the database's name."""
        system = self.extractor(extractor)
        total = sum(len(d.impressions) for d in databases)
        task = self._progress.add_task(f"extracting, {extractor} ({conditions})", total=total)
        return {
            d.name: extract_database(d, system, conditions, on_done=lambda: self._progress.advance(task))
            for d in databases
        }

    def compare(
        self,
        databases: Sequence[Database],
        extractions: Mapping[str, Sequence[Extraction]],
        *,
        extractor: str,
        matcher: str,
        conditions: Conditions,
    ) -> Report:
        """Compare all pairs within each database."""
        system = self.matcher(matcher)
        total = sum(len(d.pairs()) for d in databases)
        task = self._progress.add_task(f"comparing, {extractor} + {matcher} ({conditions})", total=total)
        results = [
            compare_database(
                d, extractions[d.name], system, on_done=lambda n: self._progress.advance(task, n)
            )
            for d in databases
        ]
        return Report(
            extractor=extractor,
            extractor_version=self.extractor(extractor).version,
            matcher=matcher,
            matcher_version=system.version,
            conditions=conditions,
            results=results,
            cache=None if self._cache is None else str(self._cache),
            machine=self._machine,
        )

    def _peers(self) -> Path:
        return peers_python(on_install=self._progress.console.print)


def progress_bars() -> Progress:
    """Bars on standard error, so that standard output holds nothing but figures."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
