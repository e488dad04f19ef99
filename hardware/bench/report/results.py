"""A run's results, out of the JUnit XML that pytest writes (`junit_family=xunit1`, which keeps properties)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableResults(Exception):  # noqa: N818 - named for what a person meets
    """There are no results to report on.

    Attributes:
        path: where they were looked for.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path} {problem}. Run `make hil` first, and look at what it says if it ended early."
        )


class Outcome(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test.

    Attributes:
        group: the file it stands in, without `test_`.
        name: its name, without `test_`, in words.
        outcome: how it ended; an error in its preparation is a failure.
        seconds: how long it took, in seconds.
        reason: in a line, why it failed or was skipped.
        details: what pytest printed about the failure.
        properties: names and values that the test recorded, in their order; names may repeat.
    """

    __test__ = False  # pytest, this is no test

    group: str
    name: str
    outcome: Outcome
    seconds: float
    reason: str
    details: str
    properties: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """What the test recorded under `name`."""
        return [value for key, value in self.properties if key == name]


@dataclass(frozen=True, slots=True)
class Run:
    """All tests of one run.

    Attributes:
        started: when, as pytest wrote it (ISO 8601).
        host: name of the machine.
        seconds: how long it took, in seconds.
        tests: in the order in which they ran.
        properties: what the run recorded about itself and the kiosk.
    """

    started: str
    host: str
    seconds: float
    tests: tuple[TestResult, ...]
    properties: tuple[tuple[str, str], ...]

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return sum(test.outcome is outcome for test in self.tests)

    @property
    def passed(self) -> bool:
        """Whether something was tested and nothing failed."""
        return self.count(Outcome.PASSED) > 0 and self.count(Outcome.FAILED) == 0

    def value(self, name: str, default: str = "") -> str:
        """What the run recorded under `name`."""
        return dict(self.properties).get(name, default)

    def named(self, prefix: str) -> dict[str, str]:
        """What the run recorded under names that begin with `prefix`, without it."""
        return {k.removeprefix(prefix): v for k, v in self.properties if k.startswith(prefix)}


def read_results(path: Path) -> Run:
    """Read pytest's JUnit XML. Raises UnreadableResults."""
    try:
        suite = ET.parse(path).getroot().find("testsuite")  # noqa: S314 - our own file
    except FileNotFoundError as error:
        raise UnreadableResults(path, "is not there") from error
    except ET.ParseError as error:
        raise UnreadableResults(path, f"is not whole ({error})") from error
    if suite is None:
        raise UnreadableResults(path, "holds no test suite")
    return Run(
        started=suite.get("timestamp", ""),
        host=suite.get("hostname", ""),
        seconds=float(suite.get("time", 0)),
        tests=_once_each([_test(case) for case in suite.iter("testcase")]),
        properties=_properties(suite.find("properties")),
    )


def _test(case: ET.Element) -> TestResult:
    outcome, note = Outcome.PASSED, None
    for tag, its_outcome in (
        ("skipped", Outcome.SKIPPED),
        ("failure", Outcome.FAILED),
        ("error", Outcome.FAILED),
    ):
        found = case.find(tag)
        if found is not None:
            outcome, note = its_outcome, found
    message = "" if note is None else note.get("message", "")
    return TestResult(
        group=_in_words(case.get("classname", "").rpartition(".")[2]),
        name=_in_words(case.get("name", "")),
        outcome=outcome,
        seconds=float(case.get("time", 0)),
        reason=message.strip().partition("\n")[0],
        details="" if note is None or outcome is Outcome.SKIPPED else (note.text or ""),
        properties=_properties(case.find("properties")),
    )


def _once_each(tests: list[TestResult]) -> tuple[TestResult, ...]:
    """A test that failed and whose clean-up failed too is written twice; it is one failure."""
    merged: dict[tuple[str, str], TestResult] = {}
    for test in tests:
        before = merged.get((test.group, test.name))
        if before is None or before.outcome is not Outcome.FAILED:
            merged[test.group, test.name] = test
    return tuple(merged.values())


def _properties(element: ET.Element | None) -> tuple[tuple[str, str], ...]:
    if element is None:
        return ()
    return tuple((item.get("name", ""), item.get("value", "")) for item in element.iter("property"))


def _in_words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ").replace("[", " (").replace("]", ")")
