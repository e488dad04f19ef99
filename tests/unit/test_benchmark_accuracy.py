"""The measurement from folder to CSV, JSON and table, with systems whose answers are known."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.accuracy.cache import CachedExtractor
from benchmarks.accuracy.cli import app
from benchmarks.accuracy.databases import find_databases
from benchmarks.accuracy.errors import BenchmarkError, ImageError, SystemUnderTestError
from benchmarks.accuracy.evaluation import Report, compare_database, extract_database, median
from benchmarks.accuracy.imaging import Conditions
from benchmarks.accuracy.reporting import (
    check_writable,
    markdown_table,
    report_json,
    report_table,
    write_json,
    write_scores,
)
from benchmarks.accuracy.session import Session, progress_bars
from benchmarks.accuracy.systems import Extraction
from interchange.minutiae import Minutiae

REPOSITORY = Path(__file__).resolve().parents[2]


class GreyExtractor:
    """One minutia, whose x is the picture's first grey value; black pictures fail."""

    name = "grey"
    version = "grey 1"

    def __init__(self):
        self.seen = []
        self.closed = False

    def extract(self, image):
        self.seen.append(int(image[0, 0]))
        if image[0, 0] == 0:
            return Extraction(None, failure="too dark")
        found = Minutiae.make([image[0, 0]], [1], [1], width=image.shape[1], height=image.shape[0])
        return Extraction(found, wall_ms=5.0, cpu_ms=4.0)

    def close(self):
        self.closed = True


class NearMatcher:
    """The closer the grey values, the higher the score; two pairs at a time."""

    name = "near"
    version = "near 1"
    lowest = 0.0

    def __init__(self):
        self.compared = []

    def compare(self, prints, pairs):
        for start in range(0, len(pairs), 2):
            chunk = pairs[start : start + 2]
            self.compared += [tuple(p) for p in chunk.tolist()]
            gap = [abs(float(prints[a].x[0] - prints[b].x[0])) for a, b in chunk]
            yield self.lowest + 255.0 - np.array(gap), np.full(len(chunk), 7.0)

    def close(self):
        pass


def make_database(folder, greys):
    """``greys``: name -> grey value of a flat picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, grey in greys.items():
        Image.fromarray(np.full((20, 24), grey, np.uint8)).save(folder / f"{name}.png")
    return folder


GREYS = {"1_1": 10, "1_2": 12, "2_1": 100, "2_2": 103, "3_1": 200, "3_2": 150}


def measured(root, extractor=None, matcher=None, conditions=None):
    extractor, matcher = extractor or GreyExtractor(), matcher or NearMatcher()
    conditions = conditions or Conditions()
    results = []
    for database in find_databases(root):
        extractions = extract_database(database, extractor, conditions)
        results.append(compare_database(database, extractions, matcher))
    return Report("grey", "grey 1", "near", "near 1", conditions, results, machine={"cores": 2})


def test_every_pair_is_compared_once_and_rates_are_right(tmp_path):
    matcher = NearMatcher()
    report = measured(make_database(tmp_path / "db", GREYS), matcher=matcher)
    (result,) = report.results
    assert len(matcher.compared) == 15
    assert (result.genuine.sum(), (~result.genuine).sum()) == (3, 12)
    # genuine gaps 2, 3, 50; impostor gaps 47 (2_2 - 3_2), 50 (2_1 - 3_2), the rest larger
    assert result.percent("zerofmr") == pytest.approx(100 / 3)
    assert result.percent("fmr100") == pytest.approx(100 / 3)
    assert report.mean("zerofmr") == result.percent("zerofmr")
    low, high = result.percent_interval("zerofmr")
    assert 0 <= low <= 100 / 3 <= high <= 100
    assert (report.extract_ms(), report.extract_ms("cpu_ms"), report.compare_us()) == (5.0, 4.0, 7.0)


@pytest.mark.parametrize("lowest", [0.0, -1000.0])
def test_failures_to_extract_are_non_matches_below_all_scores(tmp_path, lowest):
    matcher = NearMatcher()
    matcher.lowest = lowest
    greys = {**GREYS, "1_2": 0, "3_2": 201}
    report = measured(make_database(tmp_path / "db", greys), matcher=matcher)
    (result,) = report.results
    assert result.failures() == {"1_2": "too dark"}
    failed = (result.pairs == 1).any(axis=1)
    assert failed.sum() == 5
    assert len(matcher.compared) == 10 == len(result.compare_us)
    assert result.scores[failed].max() < result.scores[~failed].min()
    # one genuine pair of three is lost, whatever the threshold
    assert result.percent("zerofmr") == pytest.approx(100 / 3)
    assert report.extract_ms() == 5.0
    assert report_json(report)["databases"]["db"]["failures_to_extract"] == {"1_2": "too dark"}


def test_prints_are_numbered_past_failures(tmp_path):
    greys = {"1_1": 0, "1_2": 10, "2_1": 0, "2_2": 100, "3_1": 30, "3_2": 31}
    (result,) = measured(make_database(tmp_path / "db", greys)).results
    names = [i.name for i in result.database.impressions]
    scores = {(names[a], names[b]): s for (a, b), s in zip(result.pairs, result.scores, strict=True)}
    assert scores["3_1", "3_2"] == 254.0
    assert scores["1_2", "2_2"] == 165.0
    assert scores["1_1", "1_2"] == scores["1_1", "2_1"] == -1.0


def test_an_extractor_that_fails_everywhere_is_an_error_not_a_result(tmp_path):
    folder = make_database(tmp_path / "db", dict.fromkeys(GREYS, 0))
    with pytest.raises(SystemUnderTestError, match="every image of db"):
        measured(folder)


def test_a_matcher_without_numbers_is_an_error(tmp_path):
    matcher = NearMatcher()
    matcher.lowest = float("nan")
    with pytest.raises(SystemUnderTestError, match="no number"):
        measured(make_database(tmp_path / "db", GREYS), matcher=matcher)


def test_a_broken_image_is_an_error_that_names_it(tmp_path):
    folder = make_database(tmp_path / "db", GREYS)
    (folder / "2_1.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(ImageError, match=r"2_1\.png"):
        measured(folder)


def test_the_first_image_is_extracted_once_more_to_warm_up(tmp_path):
    extractor = GreyExtractor()
    measured(make_database(tmp_path / "db", GREYS), extractor)
    assert extractor.seen == [10, *GREYS.values()]


def test_conditions_reach_the_extractor(tmp_path):
    extractor = GreyExtractor()
    measured(make_database(tmp_path / "db", GREYS), extractor, conditions=Conditions((32, 32), 16))
    assert set(extractor.seen) <= {17 * k for k in range(16)}


def test_csv_has_every_pair_and_gives_the_same_rates(tmp_path):
    root = tmp_path / "root"
    make_database(root / "a" / "x", GREYS)
    make_database(root / "b", GREYS)
    report = measured(root)
    path = tmp_path / "scores.csv"
    write_scores(path, report.results)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert path.read_text().splitlines()[0] == "database,a,b,genuine,score"
    assert len(rows) == 30
    assert {r["database"] for r in rows} == {"a/x", "b"}
    assert rows[0] == {"database": "a/x", "a": "1_1", "b": "1_2", "genuine": "1", "score": "253.0"}
    for row in rows:
        assert (row["a"].split("_")[0] == row["b"].split("_")[0]) == (row["genuine"] == "1")
    genuine = [float(r["score"]) for r in rows if r["genuine"] == "1" and r["database"] == "b"]
    top = max(float(r["score"]) for r in rows if r["genuine"] == "0" and r["database"] == "b")
    assert 100 * np.mean(np.array(genuine) <= top) == pytest.approx(report.results[1].percent("zerofmr"))


def test_json_says_everything_in_percent(tmp_path):
    report = measured(make_database(tmp_path / "db", GREYS), conditions=Conditions((256, 288), 16))
    path = tmp_path / "figures.json"
    write_json(path, report_json(report))
    found = json.loads(path.read_text())
    assert found["unit"] == "percent"
    assert (found["window"], found["levels"], found["cache"]) == ("256x288", 16, None)
    assert found["extract_ms_p50"] == 5.0
    assert found["compare_us_p50"] == 7.0
    database = found["databases"]["db"]
    assert (database["genuine"], database["impostor"], database["dpi"]) == (3, 12, 500.0)
    for metric in ("eer", "fmr100", "fmr1000", "zerofmr"):
        low, high = database[f"{metric}_ci95"]
        assert 0 <= low <= database[metric] <= high <= 100
        assert found[f"mean_{metric}"] == database[metric]
        assert len(found[f"mean_{metric}_ci95"]) == 2
    assert not list(tmp_path.glob(".*.part"))


def test_tables_show_the_figures(tmp_path):
    from rich.console import Console

    report = measured(make_database(tmp_path / "db", GREYS))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(report_table(report))
    text = console.export_text()
    assert "grey + near (whole image)" in text
    assert "3 + 12" in text
    assert "5.0 ms an extraction, 7.0 us a comparison" in text
    assert "…" not in text
    sensor = measured(tmp_path / "db", conditions=Conditions((256, 288), 16))
    lines = markdown_table([report, sensor]).splitlines()
    assert len(lines) == 4
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert lines[2].startswith("| grey + near | whole image |")
    assert "256x288, 16 grey levels" in lines[3]


def test_the_cache_gives_back_what_was_measured(tmp_path):
    inner = GreyExtractor()
    cached = CachedExtractor(inner, tmp_path / "cache")
    image = np.full((20, 24), 90, np.uint8)
    first, second = cached.extract(image), cached.extract(image)
    assert inner.seen == [90]
    assert not first.cached
    assert second.cached
    assert (second.wall_ms, second.cpu_ms) == (5.0, 4.0)
    assert second.minutiae is not None
    assert second.minutiae.x.tolist() == [90.0]
    assert (second.minutiae.width, second.minutiae.height) == (24, 20)
    cached.extract(np.zeros((20, 24), np.uint8))
    cached.extract(np.zeros((20, 24), np.uint8))
    assert inner.seen == [90, 0, 0]  # failures are tried again
    for entry in (tmp_path / "cache").iterdir():
        entry.write_bytes(b"cut")
    assert not cached.extract(image).cached
    cached.close()
    assert inner.closed


def test_results_that_cannot_be_written_are_known_before_the_run(tmp_path):
    check_writable([tmp_path / "new.json", None])
    with pytest.raises(BenchmarkError, match="cannot be written"):
        check_writable([tmp_path / "absent" / "new.json"])
    with pytest.raises(BenchmarkError, match="cannot be written"):
        check_writable([tmp_path])


def test_median_passes_over_failures():
    assert median([1.0, float("nan"), 3.0]) == 2.0
    assert np.isnan(median([float("nan")]))


def test_a_session_runs_and_closes_its_systems(tmp_path):
    root = make_database(tmp_path / "db", GREYS)
    extractor, databases = GreyExtractor(), find_databases(root)
    with Session(progress=progress_bars()) as session:
        session._extractors["grey"] = extractor
        session._closing.callback(extractor.close)
        session._matchers["near"] = NearMatcher()
        extracted = session.extract(databases, "grey", Conditions())
        report = session.compare(
            databases, extracted, extractor="grey", matcher="near", conditions=Conditions()
        )
    assert extractor.closed
    assert report.extractor_version == "grey 1"
    assert report.machine["cores"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--window", "256"], "256x288"),
        (["--levels", "15"], "--levels 15"),
        (["--dpi", "two"], "--dpi two"),
        (["--dpi", "DB9=500"], "DB9"),
        (["--json", "absent/x.json"], "cannot be written"),
    ],
)
def test_wrong_options_end_with_one_clear_line(tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    root = make_database(tmp_path / "db", GREYS)
    done = CliRunner().invoke(app, [str(root), *options])
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout


@pytest.mark.parametrize("module", ["benchmarks.accuracy", "benchmarks.accuracy_table"])
def test_the_commands_explain_themselves(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"python -m {module}" in done.stdout
    assert "For example" in done.stdout
    assert "percent" in done.stdout


def test_an_empty_folder_is_told_on_the_command_line(tmp_path):
    done = CliRunner().invoke(app, [str(tmp_path)])
    assert done.exit_code == 2
    assert "no images" in done.stderr
