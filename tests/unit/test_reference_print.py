"""The print that ships: what is found in it here, and what the doctor says of a machine that computes wrongly."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_service.extraction import Extractor
from edge_service.extraction.errors import ImageRefused
from edge_service.extraction.reference import FILE, agreement, read_reference
from edge_service.ops.checks import processor
from edge_service.ops.findings import Level
from interchange import iso19794

ROOT = Path(__file__).parents[2]
STEP = 2 * np.pi / 256
# What a child does whose processor gets one thing wrong.
PATCHED = """
import json, sys; sys.path[:] = json.loads(sys.argv[1])
from dataclasses import replace
from edge_service.extraction import Extractor
from edge_service.extraction.reference import main
sound = Extractor.extract
def unsound(self, *given, **more):
    found = sound(self, *given, **more)
    return {change}
Extractor.extract = unsound
main()
"""


@pytest.fixture(scope="module")
def known():
    return read_reference()


def test_the_shipped_network_finds_here_what_is_written_down(known):
    extractor = Extractor.load()
    words = "write it anew: python -m models.reference_print"
    assert extractor.model_sha256 == known.model_sha256, words
    record = iso19794.encode(extractor.extract(known.image, known.dpi))
    assert record == iso19794.encode(iso19794.decode(record))
    found = agreement(iso19794.decode(record).minutiae(), known.minutiae)
    assert found.good, words
    assert (found.expected >= 30, known.image.shape) == (True, (288, 256))


def test_it_ships_and_is_small():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    assert any(FILE.match(pattern) for pattern in data["*"])
    assert FILE.stat().st_size < 60_000


def without(minutiae, count):
    kept = {name: getattr(minutiae, name)[count:] for name in ("x", "y", "angle", "type", "quality")}
    return replace(minutiae, **kept)


@pytest.mark.parametrize(
    ("change", "good"),
    [
        (lambda m: m, True),
        (lambda m: replace(m, x=m.x + 1, y=m.y - 1), True),
        (lambda m: replace(m, angle=(m.angle + STEP) % (2 * np.pi)), True),
        (lambda m: without(m, 2), True),
        (lambda m: without(m, 6), False),
        (lambda m: without(m, len(m)), False),
        (lambda m: replace(m, x=m.x + 3), False),
        (lambda m: replace(m, angle=(m.angle + 4 * STEP) % (2 * np.pi)), False),
        (lambda m: replace(m, type=3 - m.type), False),
        (lambda m: replace(m, x=np.flip(m.x)), False),
        (lambda m: replace(m, finger_quality=m.finger_quality - 10), False),
    ],
)
def test_a_step_of_the_record_is_allowed_and_no_more(known, change, good):
    assert agreement(change(known.minutiae), known.minutiae).good is good


def test_more_than_there_are_is_wrong_too(known):
    fewer = without(known.minutiae, 8)
    assert not agreement(known.minutiae, fewer).good


def test_a_sound_machine():
    found = processor.check(None)
    assert found.level is Level.OK, found
    assert found.facts["paired"] == found.facts["expected"] == found.facts["found"]


@pytest.mark.parametrize(
    ("child", "words", "remedy"),
    [
        (PATCHED.format(change="replace(found, x=found.x[::-1].copy())"), "computes wrongly", "no bookings"),
        ("import os; os.kill(os.getpid(), 4)", "SIGILL: an instruction", "use another machine"),
        ("raise SystemExit(1)", "cannot be extracted", "Install the program again"),
    ],
)
def test_an_unsound_machine_is_named_with_what_to_do(monkeypatch, child, words, remedy):
    monkeypatch.setattr(processor, "_CHILD", child)
    found = processor.check(None)
    assert found.level is Level.PROBLEM
    assert words in found.what
    assert remedy in found.remedy


def test_a_mixed_installation_is_told_from_an_unsound_machine(known):
    seen = {"same_model": False, "good": False, "expected": 9, "found": 0, "paired": 0, "quality_differs": 0}
    found = processor.judged(seen)
    assert found.level is Level.PROBLEM
    assert "two versions" in found.what


def test_a_damaged_file_is_refused(tmp_path):
    file = tmp_path / "reference_print.json"
    for content in ("", "{}", '{"png": "AAAA", "record": "", "dpi": 500, "model_sha256": ""}'):
        file.write_text(content)
        with pytest.raises(ImageRefused, match="install the program again"):
            read_reference(file)
