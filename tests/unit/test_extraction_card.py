"""The model card: its words say what its facts say, and a kiosk takes the model that it speaks of."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge_service.extraction import Extractor
from edge_service.extraction.extractor import DEFAULT_MODEL
from edge_service.extraction.runtimes.model_card import card_path, read_card

if TYPE_CHECKING:
    from pathlib import Path

card = pytest.importorskip("models.training.card")
figures = pytest.importorskip("models.training.card_figures")

WORDS = DEFAULT_MODEL.with_name("MODEL_CARD.md").read_text()
CARD = json.loads(card_path(DEFAULT_MODEL).read_text())


def run(*, eer: float, database: str = "DB1_B", extractor: str = "whorl", window: str | None = None) -> dict:
    """One run as `benchmarks.accuracy_table --json` writes it."""
    rates = {"eer": eer, "eer_ci95": [0.0, 2 * eer], "fmr1000": eer, "fmr1000_ci95": [0.0, 3 * eer]}
    found = rates | {"fingers": 10, "failures_to_extract": {"101_1": "no minutiae found"}}
    return {
        "extractor": extractor,
        "matcher": "whorl",
        "window": window,
        "levels": None if window is None else 16,
        "databases": {database: found, "DB3_B": found},
        **{f"mean_{name}": value for name, value in rates.items()},
        "extract_ms_p50": 12.345,
        "machine": {"processor": "a chip"},
        "cache": None,
    }


STUDY = {
    "folder": "fvc2002",
    "window": None,
    "levels": None,
    "threshold_fmr1000": 5.678,
    "pairs": [
        {
            "database": "DB3_B",
            "a": "105_1",
            "b": "105_8",
            "score": 1.234,
            "paired": 3,
            "in_common": [7, 8],
            "common_mm2": 105.8,
            "quality": [47, 41],
            "why": ["105_8 dry: few minutiae found (9)", "turned by 40 degrees"],
            "picture": "a.png",
        },
        {
            "database": "DB3_B",
            "a": "110_3",
            "b": "110_6",
            "score": 1.5,
            "paired": 7,
            "in_common": None,
            "common_mm2": None,
            "quality": [42, 58],
            "why": ["nobody knows"],
            "picture": "b.png",
        },
    ],
}


# -- the card that ships


def test_the_words_that_ship_are_written_from_the_facts_that_ship():
    assert card.render(CARD) == WORDS, "run `python -m models.training.card`"


def test_a_kiosk_takes_the_model_that_the_card_speaks_of():
    known = read_card(DEFAULT_MODEL)
    assert Extractor.load().model_sha256 == known.sha256
    assert f"network {known.version}\n" in WORDS
    assert known.sha256 in WORDS
    assert f"{DEFAULT_MODEL.stat().st_size:,} bytes" in WORDS


def test_every_section_of_the_form_is_there():
    sections = re.findall(r"^## (.+)$", WORDS, re.MULTILINE)
    assert sections == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Training data",
        "Evaluation data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and known weak spots",
    ]
    for said in ("MIT licence", "not ours to hand on", "never a status", "docs/quality.md"):
        assert said in WORDS


def test_every_rate_of_the_facts_is_in_the_words():
    for runs in CARD["measured"].get("accuracy", {}).values():
        for one in runs:
            assert figures.rate(one, "mean_eer") in WORDS
            assert figures.rate(one, "mean_fmr1000") in WORDS
            if one["system"] == figures.WHORL:
                for database in one["databases"].values():
                    assert figures.rate(database, "eer") in WORDS
    for page in CARD["measured"].get("worst_pairs", ()):
        for pair in page["pairs"]:
            assert f"| {pair['database']} {pair['a']}, {pair['b']} | {pair['score']:.2f} |" in WORDS


def test_nobodys_paths_are_published():
    assert not re.search(r"/(work|home|root|tmp)/", WORDS + json.dumps(CARD))


# -- how it is written


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "minutiae.tflite"
    path.write_bytes(DEFAULT_MODEL.read_bytes())
    facts = {
        "parameters": 1000,
        "gmac": 0.5,
        "images": 12,
        "sets": 2,
        "set_list": "a, b",
        "synthetic_share": 0.3,
    }
    facts |= {"steps": 100, "crops": 2400, "seed": 1}
    card.write(model=path, facts=facts, choice=None, difference=0.01, model_version="9.1", precision="int8")
    return path


def call(model: Path, *arguments: object):
    import typer

    app = typer.Typer()
    app.command()(card.main)
    return CliRunner().invoke(app, ["--model", str(model), *map(str, arguments)])


def test_training_writes_a_card_that_a_kiosk_takes(model):
    assert Extractor.load(model).model_version == "9.1"
    words = model.with_name("MODEL_CARD.md").read_text()
    assert "int8" in words
    assert "30 % of what the network saw in training was synthetic" in words
    assert words.count("Not measured.") == 2


def test_measurements_are_put_in_and_told(model, tmp_path):
    table, worst, cost = (tmp_path / name for name in ("table.json", "worst.json", "cost.json"))
    runs = [run(eer=1.25), run(eer=2.5, extractor="leader"), run(eer=3.75, window="256x288")]
    table.write_text(json.dumps({"/home/somebody/prints/fvc2002": runs}))
    worst.write_text(json.dumps(STUDY))
    figures_of_cost = {
        "model_sha256": read_card(model).sha256,
        "processor": "a chip",
        "window_ms_p50": 4.21,
        "whole_ms_p50": 9.7,
        "load_ms": 15.4,
        "peak_mb": 99.6,
    }
    cost.write_text(json.dumps(figures_of_cost))
    done = call(model, "--accuracy", table, "--worst", worst, "--cost", cost)
    assert done.exit_code == 0, done.output
    words = model.with_name("MODEL_CARD.md").read_text()
    assert "somebody" not in words + card_path(model).read_text()
    assert "| whorl + whorl | whole image | 1.25 (0.0-2.5) | 1.25 (0.0-3.8) | 12.3 |" in words
    assert "| DB3_B | Precise Biometrics 100 SC (capacitive) | 1.25 (0.0-2.5) | 2.50 (0.0-5.0) |" in words
    assert "| optical | DB1_B | 1.25 (0.0-2.5) | 3.75 (0.0-7.5) |" in words
    assert "| DB3_B 105_1, 105_8 | 1.23 | 3 | 7/8 | 106 mm2 | 47/41 | 105_8 dry: few minutiae" in words
    assert "| DB3_B 110_3, 110_6 | 1.50 | 7 | not known | not known | 42/58 | nobody knows |" in words
    assert "4.2 ms for a print of 256x288" in words
    assert "at most 100 MB" in words
    assert Extractor.load(model).model_version == "9.1"
    again = call(model, "--model-version", "9.2")
    assert again.exit_code == 0
    assert Extractor.load(model).model_version == "9.2"
    assert "1.25 (0.0-2.5)" in model.with_name("MODEL_CARD.md").read_text()


def test_figures_of_another_model_are_refused(model, tmp_path):
    cost = tmp_path / "cost.json"
    cost.write_text(json.dumps({"model_sha256": "0" * 64}))
    before = card_path(model).read_bytes()
    assert call(model, "--cost", cost).exit_code == 2
    assert call(model, "--model-version", "next").exit_code == 2
    model.write_bytes(model.read_bytes() + b"x")
    assert call(model).exit_code == 2
    assert card_path(model).read_bytes() == before


@pytest.mark.parametrize(
    ("collection", "database", "kind"),
    [
        ("fvc2002", "DB3_B", "capacitive"),
        ("FVC-2004", "db3_a", "thermal sweep"),
        ("fvc2000", "DB4_B", "synthetic"),
        ("my-prints", "DB1", "not known"),
    ],
)
def test_the_sensor_behind_a_database(collection, database, kind):
    assert figures.sensor_of(collection, database)[0] == kind


def test_the_interval_of_a_mean_is_narrower_than_its_parts():
    one = {"eer": 1.0, "eer_ci95": [0.0, 3.0]}
    mean = figures._mean([one, one])
    assert mean["eer"] == 1.0
    assert mean["eer_ci95"] == pytest.approx([1 - 0.5**0.5, 1 + 2 * 0.5**0.5])
