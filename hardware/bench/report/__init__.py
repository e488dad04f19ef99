"""One page about one run of the bench: what passed, what it saw, how long it took."""

from hardware.bench.report.page import make_page
from hardware.bench.report.results import Run, TestResult, UnreadableResults, read_results

__all__ = ["Run", "TestResult", "UnreadableResults", "make_page", "read_results"]
