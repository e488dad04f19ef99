"""The worst genuine pairs: alignment through other impressions, what is measured, what is said, what is written."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.worst_pairs import parameters as p
from benchmarks.worst_pairs.cli import FACTS, INDEX, app
from benchmarks.worst_pairs.diagnosis import NO_CAUSE, NOT_KNOWN, diagnose
from benchmarks.worst_pairs.measures import Common, Seen, common, true_pairs
from benchmarks.worst_pairs.motion import STILL, Chain, Motion, chains, rigid_fit
from interchange import Minutiae
from models.synthetic import impression, master

REPOSITORY = Path(__file__).resolve().parents[2]
POINTS = np.array([[0.0, 0.0], [10.0, 0.0], [3.0, 7.0]])


# -- motions


def test_motions_turn_counter_clockwise_and_then_shift():
    moved = Motion(math.pi / 2, 5.0, 1.0).apply(np.array([[1.0, 0.0]]))
    assert moved == pytest.approx(np.array([[5.0, 2.0]]))


def test_there_and_back_is_nowhere():
    motion = Motion(0.7, -30.0, 12.0)
    assert motion.then(motion.inverse()).apply(POINTS) == pytest.approx(POINTS)
    other = Motion(-2.0, 4.0, 5.0)
    assert motion.then(other).apply(POINTS) == pytest.approx(other.apply(motion.apply(POINTS)))


def test_the_rigid_fit_finds_the_motion():
    motion = Motion(-0.4, 17.0, -3.0)
    assert rigid_fit(POINTS, motion.apply(POINTS)) == pytest.approx(motion)


def test_the_chain_with_the_strongest_weakest_link_is_taken():
    a_c, c_b, a_d, d_b = Motion(0.1, 1, 0), Motion(0.2, 0, 1), Motion(1, 9, 9), Motion(1, 9, 9)
    direct = {
        (0, 1): Chain(Motion(3, 99, 99), 2.0),
        (0, 2): Chain(a_c, 50.0),
        (1, 2): Chain(c_b.inverse(), 40.0),  # known the other way round
        (0, 3): Chain(a_d, 90.0),
        (1, 3): Chain(d_b.inverse(), 30.0),
    }
    found = chains([0, 1, 2, 3, 4], direct, trusted=10.0)
    assert found[0, 1].weakest == 40.0
    assert found[0, 1].motion.apply(POINTS) == pytest.approx(a_c.then(c_b).apply(POINTS))
    assert found[1, 0].motion.apply(found[0, 1].motion.apply(POINTS)) == pytest.approx(POINTS)
    assert (0, 4) not in found


# -- measures


def seen(name="1_1", *, shift=(0.0, 0.0), count=30, ink=0.4, quality=70, stretch=0.0) -> Seen:
    """A print of 200 x 200 pixels in an image of 300 x 300; the same minutiae whatever the shift."""
    rng = np.random.default_rng(5)
    x, y, angle = rng.uniform(60, 240, count), rng.uniform(60, 240, count), rng.uniform(0, 6, count)
    made = Minutiae.make(
        x + shift[0] + stretch * np.sin(y / 20),
        y + shift[1] + stretch * np.cos(x / 25),
        angle,
        width=300,
        height=300,
        finger_quality=quality,
    )
    mask = np.zeros((300, 300), np.bool_)
    mask[int(50 + shift[1]) : int(250 + shift[1]), int(50 + shift[0]) : int(250 + shift[0])] = True
    return Seen(name, np.zeros((300, 300), np.uint8), made, mask, ink)


def test_a_print_has_everything_in_common_with_itself():
    one = seen()
    found = common(one, one, STILL)
    assert found.area_mm2 == pytest.approx(one.area_mm2, rel=0.05)
    assert one.area_mm2 == pytest.approx((200 * 25.4 / 500) ** 2, rel=0.05)
    assert found.in_common == (30, 30)
    assert found.found_again == 30
    assert found.residual_px == pytest.approx(0.0, abs=1e-4)


def test_a_shifted_print_shares_what_lies_on_both():
    one, other = seen(), seen("1_2", shift=(40.0, 0.0))
    here = common(one, other, Motion(0.0, 40.0, 0.0))
    assert here.found_again == 30
    wrongly = common(one, other, STILL)
    assert wrongly.area_mm2 == pytest.approx(0.8 * one.area_mm2, rel=0.05)
    assert wrongly.found_again < 12


def test_y_goes_up_in_motions_and_down_in_images():
    one, other = seen(), seen("1_2", shift=(0.0, 30.0))
    assert common(one, other, Motion(0.0, 0.0, -30.0)).found_again == 30


def test_skin_that_was_pulled_leaves_a_residual():
    bent = common(seen(), seen("1_2", stretch=9.0), STILL)
    assert bent.found_again >= p.LEAST_RESIDUALS
    assert bent.residual_px > p.DISTORTED_PX


def test_pairs_are_true_where_they_fit_the_motion():
    one, other = seen(), seen("1_2", shift=(40.0, 0.0))
    pairs = np.array([[0, 0], [3, 3], [5, 9]])
    assert true_pairs(one, other, pairs, Motion(0.0, 40.0, 0.0)).tolist() == [True, True, False]


def test_dry_prints_have_less_ink_than_wet_ones():
    rows = np.arange(300)[:, None] % 9
    dry, wet = (np.where(np.repeat(rows < width, 300, axis=1), 40, 220).astype(np.uint8) for width in (2, 6))
    nothing = Minutiae.empty(width=300, height=300)
    assert Seen.make("d", dry, nothing).ink < 0.3
    assert Seen.make("w", wet, nothing).ink > 0.6


# -- diagnosis


def told(*, motion=STILL, area=150.0, in_common=(30, 30), again=25, residual=2.0) -> Common:
    return Common(motion=motion, area_mm2=area, in_common=in_common, found_again=again, residual_px=residual)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (told(area=30.0), "too little in common: 30 mm2"),
        (told(area=95.0, in_common=(8, 12), again=8), "only 8 minutiae of one print"),
        (told(again=10), "minutiae not found again: 10 of about 30"),
        (told(residual=9.0), "heavily distorted: 9 px"),
        (told(motion=Motion(math.radians(50), 0, 0)), "turned by 50 degrees"),
        (told(motion=Motion(math.radians(310), 0, 0)), "turned by 50 degrees"),
        (told(), NO_CAUSE),
        (None, NOT_KNOWN),
    ],
)
def test_each_cause_is_named(found, words):
    causes = diagnose(seen(), seen("1_2"), found, usual_ink=0.4)
    assert len(causes) == 1
    assert causes[0].startswith(words)


def test_the_skin_and_the_quality_are_named_where_minutiae_are_missing():
    dry, wet, poor = seen("1_2", count=7, ink=0.2), seen("1_3", count=7, ink=0.6), seen("1_4", quality=12)
    assert diagnose(seen(), dry, told(), usual_ink=0.4) == ["1_2 dry: few minutiae found (7)"]
    assert diagnose(wet, seen(), told(), usual_ink=0.4) == ["1_3 wet: few minutiae found (7)"]
    (cause,) = diagnose(seen(), poor, told(again=5), usual_ink=0.4)
    assert cause.endswith("(1_4 of quality 12)")


def test_an_alignment_that_is_only_probable_is_said_to_be():
    assert "only probable" in diagnose(seen(), seen(), told(), usual_ink=0.4, chain_score=8.0)[-1]
    assert len(diagnose(seen(), seen(), told(), usual_ink=0.4, chain_score=50.0)) == 1


# -- the command


@pytest.fixture(scope="module")
def prints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prints") / "DB9"
    folder.mkdir()
    for finger in (1, 2):
        for number in (1, 2, 3):
            image = impression(master(20 + finger), number)
            if (finger, number) == (2, 3):  # the tip only
                image[120:] = 235
            Image.fromarray(image).save(folder / f"{finger}_{number}.png")
    return folder


def test_the_worst_pairs_are_told_drawn_and_written(prints, tmp_path):
    out = tmp_path / "worst"
    done = CliRunner().invoke(app, [str(prints), "--count", "3", "--out", str(out)])
    assert done.exit_code == 0, done.output
    study = json.loads((out / FACTS).read_text())
    scores = [pair["score"] for pair in study["pairs"]]
    assert scores == sorted(scores)
    assert len(scores) == 3
    assert study["genuine"] == 6
    assert "2_3" in {study["pairs"][0]["a"], study["pairs"][0]["b"]}
    assert study["folder"] == "DB9"
    assert str(prints) not in json.dumps(study)
    page = (out / INDEX).read_text()
    for pair in study["pairs"]:
        assert pair["why"]
        assert f'src="{pair["picture"]}"' in page
        with Image.open(out / pair["picture"]) as picture:
            assert picture.width > 4 * 320
    assert "script" not in page
    assert "http" not in page
    assert out.stat().st_mode & 0o777 == 0o700
    assert "belong into no repository" in done.stdout
    assert study["pairs"][0]["why"][0].split(":")[0][:20] in done.stdout


def test_a_window_is_laid_as_in_the_accuracy_benchmark(prints, tmp_path):
    out = tmp_path / "worst"
    options = ["--window", "192x192", "--levels", "16", "--count", "1", "--out", str(out)]
    done = CliRunner().invoke(app, [str(prints), *options])
    assert done.exit_code == 0, done.output
    study = json.loads((out / FACTS).read_text())
    assert (study["window"], study["levels"]) == ("192x192", 16)
    assert len(study["pairs"]) == 1


def test_wrong_folders_end_with_one_clear_line(prints, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments in (
        [str(tmp_path / "absent"), "--out", str(tmp_path / "o")],
        [str(prints), "--out", str(tmp_path / "file/x")],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worst_pairs", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "For example" in done.stdout
