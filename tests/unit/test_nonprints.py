"""What is no fingerprint gets quality 0 and leaves no minutiae; what is one is not refused."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edge_service.extraction import Extractor
from edge_service.extraction.advice import Reason
from models.quality import nonprints

DATA = Path(os.environ.get("WHORL_DATA") or Path(__file__).resolve().parents[2].parent / "shared/data")
ALL_KINDS = (*nonprints.KINDS, *nonprints.HELD_OUT)
SEEDS = 5  # of each kind and size: 345 images in all
EVERY = 16  # of the real prints


@cache
def extractor():
    return Extractor.load()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_what_is_no_fingerprint_gets_through_with_nothing(kind):
    through = []
    for size in nonprints.SIZES_PX:
        for seed in range(SEEDS):
            found, assessment = extractor().assess(nonprints.example(kind, seed, size))
            assert (assessment.quality == 0) == (len(found) == 0)
            if len(found) or found.finger_quality or assessment.quality:
                through.append((seed, size, len(found), found.finger_quality))
            else:
                assert assessment.reason in {
                    Reason.NOTHING,
                    Reason.NOT_A_FINGER,
                    Reason.TOO_LITTLE,
                    Reason.TOO_WET,
                }
    assert not through, f"{kind}: seed, size, minutiae, quality of what was taken for a print: {through}"


def test_an_empty_glass_is_nothing_unless_it_is_smudged():
    said = [extractor().assess(nonprints.example("blank", s, (288, 256)))[1].reason for s in range(10)]
    assert said.count(Reason.NOTHING) >= 5


def test_the_kinds_are_many_and_some_are_held_out():
    assert len(nonprints.KINDS) >= 12
    assert len(nonprints.HELD_OUT) >= 4
    assert not set(nonprints.KINDS) & set(nonprints.HELD_OUT)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_an_image_follows_from_its_seed_alone(kind):
    size = (120, 97)
    first = nonprints.example(kind, 3, size)
    assert first.dtype == np.uint8
    assert first.shape == size
    assert (first == nonprints.example(kind, 3, size)).all()
    others = [nonprints.example(kind, seed, size) for seed in (4, 5, 6)]
    assert any((first != other).any() for other in others)


def test_about_half_have_the_sensors_16_levels():
    rng = np.random.default_rng(1)
    images = [nonprints.nonprint(rng, (96, 96)) for _ in range(60)]
    coarse = sum(bool((image % 17 == 0).all()) for image in images)
    assert 20 <= coarse <= 45


def test_without_a_kind_no_held_out_one_is_drawn(monkeypatch):
    for kind in nonprints.HELD_OUT:
        monkeypatch.delitem(nonprints._DRAW, kind)
    rng = np.random.default_rng(2)
    for _ in range(60):
        nonprints.nonprint(rng, (96, 96))


@pytest.mark.data
@pytest.mark.parametrize("folder", ["train", "dev/fvc2002"])
def test_no_real_print_is_refused(folder):
    if not (DATA / folder).is_dir():
        pytest.skip("the development data are not here")
    from benchmarks.accuracy.databases import find_databases
    from benchmarks.accuracy.imaging import Conditions, load_grey

    refused = []
    for database in find_databases(DATA / folder):
        for impression in database.impressions[::EVERY]:
            for conditions in (Conditions(), Conditions((256, 288), 16)):
                image = conditions.apply(load_grey(impression.path), database.dpi)
                if extractor().extract(image).finger_quality == 0:
                    refused.append((database.name, impression.name, str(conditions)))
    assert not refused
