"""Explanations: the geometry of what is said, and a drawing that is sound whatever is drawn."""

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from hardware.bench.made_up import made_up_minutiae
from interchange.minutiae import Minutiae
from matcher_service.explaining import CAUTION, Part, Standing, explain, meaning_of
from matcher_service.explaining.area import area_of, grown, hull_of, overlap, within
from matcher_service.explaining.drawing import draw
from matcher_service.explaining.meaning import how_rare
from matcher_service.explaining.svg import number, shortened, text_of
from matcher_service.search import compare

SVG = "{http://www.w3.org/2000/svg}"
MAX_PICTURE_BYTES = 256 * 1024
SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])


def turned(minutiae, radians, shift=(30, -12)):
    """Counter-clockwise as seen, on a window large enough for it."""
    cos, sin = math.cos(radians), math.sin(radians)
    x = cos * minutiae.x + sin * minutiae.y + shift[0] + 300
    y = -sin * minutiae.x + cos * minutiae.y + shift[1] + 300
    return Minutiae.make(
        x,
        y,
        minutiae.angle + radians,
        type=minutiae.type,
        quality=minutiae.quality,
        width=800,
        height=800,
        finger_quality=minutiae.finger_quality,
    )


def crowd(count, *, seed=5, width=900, height=900):
    random = np.random.default_rng(seed)
    return Minutiae.make(
        random.uniform(5, width - 5, count),
        random.uniform(5, height - 5, count),
        random.uniform(0, 6.28, count),
        type=random.integers(0, 3, count),
        quality=random.uniform(0, 1, count),
        width=width,
        height=height,
    )


STRANGE = {
    "none": Minutiae.empty(width=256, height=288),
    "one": made_up_minutiae(1, count=1),
    "three": made_up_minutiae(1, count=3),
    "255": crowd(255),
    "one point": Minutiae.make([99] * 40, [99] * 40, np.arange(40) / 7, width=256, height=288),
    "one line": Minutiae.make(np.arange(40) * 6, [99] * 40, [0.3] * 40, width=256, height=288),
    "one direction": Minutiae.make(made_up_minutiae(3).x, made_up_minutiae(3).y, [1.0] * 40, width=256, height=288),
    "outside": Minutiae.make([-500, 900, 5000, 60], [-9000, 20, 7, 900], [0, 1, 2, 3], width=256, height=288),
    "another dpi": made_up_minutiae(1).at_dpi(1000),
}  # fmt: skip


def test_hull_overlap_and_area():
    inside = np.array([[0.5, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert {tuple(p) for p in hull_of(np.concatenate([SQUARE, inside]))} == {tuple(p) for p in SQUARE}
    assert area_of(overlap(SQUARE, SQUARE + 1.0)) == pytest.approx(1.0)
    assert area_of(overlap(SQUARE + 1.0, SQUARE)) == pytest.approx(1.0)
    assert len(overlap(SQUARE, SQUARE + 3.0)) == 0
    assert area_of(overlap(SQUARE, 0.5 * SQUARE + 0.5)) == pytest.approx(1.0)
    assert within(SQUARE, np.array([[1.0, 1.0], [2.1, 1.0], [2.0, 2.0]])).tolist() == [True, False, True]
    round_corners = grown(SQUARE, 1.0, corners=64)
    assert area_of(round_corners) == pytest.approx(4 + 8 + math.pi, rel=0.01)


def test_hulls_of_points_without_an_area():
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert area_of(hull_of(line)) == 0
    assert area_of(grown(hull_of(line[:1]), 1.0, corners=64)) == pytest.approx(math.pi, rel=0.01)
    assert len(grown(hull_of(line[:0]), 1.0, corners=8)) == 0


@pytest.mark.parametrize("degrees", [0, 25, -90, 170])
def test_the_alignment_is_the_one_that_was_applied(degrees):
    candidate = made_up_minutiae(1)
    found = explain(turned(candidate, math.radians(-degrees)), candidate)
    assert len(found.pairs) == 40
    assert math.degrees(found.turn) == pytest.approx(degrees, abs=0.5)
    assert np.allclose(
        found.probe.places[found.pairs[:, 0]], found.candidate.places[found.pairs[:, 1]], atol=0.5
    )
    assert found.apart_mm().max() < 0.05
    assert found.apart_degrees().max() < 0.5
    assert set(found.probe.standing) == {Standing.PAIRED}


def test_it_is_the_comparison_itself_that_is_explained():
    probe, candidate = made_up_minutiae(1), made_up_minutiae(2)
    assert explain(probe, candidate).score == pytest.approx(compare(probe, candidate))


def test_what_is_alone_in_the_common_area_and_what_lies_outside_of_it():
    whole = made_up_minutiae(4, count=60)
    left = whole.take(whole.x < 170)
    missing = np.argsort(np.hypot(whole.x - 85, whole.y - 140))[:2]  # amid of what is common
    found = explain(left, whole.take(np.setdiff1d(np.arange(60), missing)))
    assert found.probe.count(Standing.UNPAIRED) == 2
    assert found.probe.count(Standing.OUTSIDE) == 0
    assert found.candidate.count(Standing.OUTSIDE) > 5
    assert (found.candidate.minutiae.x[found.candidate.standing == Standing.OUTSIDE] > 150).all()


def test_pairs_run_from_the_top_downwards():
    found = explain(made_up_minutiae(1), made_up_minutiae(1))
    rows = found.candidate.minutiae.y[found.pairs[:, 1]]
    assert (np.diff(rows) >= 0).all()


@pytest.mark.parametrize("probe", STRANGE)
@pytest.mark.parametrize("candidate", ["none", "one point", "255", "another dpi"])
def test_strange_prints_are_explained_and_drawn(probe, candidate):
    found = explain(STRANGE[probe], STRANGE[candidate])
    assert math.isfinite(found.score)
    assert found.score >= 0
    drawn = draw(found)
    assert "nan" not in drawn
    assert "inf" not in drawn.replace("information", "")
    assert len(drawn.encode()) < MAX_PICTURE_BYTES
    ET.fromstring(drawn)
    tree = found.as_json()
    assert tree["probe"]["minutiae"] == len(STRANGE[probe])
    if min(len(STRANGE[probe]), len(STRANGE[candidate])) < 3:
        assert found.score == 0
        assert tree["alignment"] is None
        assert "to lay one print over the other" in drawn


def test_the_largest_picture_is_bounded():
    found = explain(STRANGE["255"], STRANGE["255"])
    assert len(found.probe.minutiae) + len(found.probe.aside) == 255
    assert len(draw(found).encode()) < MAX_PICTURE_BYTES


def test_a_picture_is_one_document_without_script_or_reference():
    root = ET.fromstring(draw(explain(made_up_minutiae(1), made_up_minutiae(1))))
    assert root.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "g", "rect", "path", "circle", "polygon", "text"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert "href" not in name
            assert not name.startswith("on")
            assert "url(" not in value
    text = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert CAUTION in text
    assert "mm" in text


def test_every_minutia_is_drawn_where_it_lies():
    root = ET.fromstring(draw(explain(made_up_minutiae(1), made_up_minutiae(1).take(range(30)))))
    numbers = [e.text for e in root.iter(f"{SVG}text") if (e.text or "").isdigit()]
    assert numbers.count("1") >= 2  # in both prints
    width = float(root.get("width"))
    height = float(root.get("height"))
    for element in root.iter(f"{SVG}rect"):
        if element.get("width") != "100%":
            assert float(element.get("width")) <= width
            assert float(element.get("height")) <= height


def test_names_are_escaped_and_cut():
    hostile = '<script>alert("1")</script>&\x00\x1b\ud800' + "x" * 500
    found = explain(made_up_minutiae(1), made_up_minutiae(1), names=(hostile, hostile))
    drawn = draw(found)
    ET.fromstring(drawn.encode())
    assert "<script" not in drawn
    assert "x" * 60 not in drawn


def test_svg_text():
    assert text_of("a<b & 'c'\n\x07") == "a&lt;b &amp; &#x27;c&#x27;??"
    assert number(-0.001) == "0"
    assert number(10.0) == "10"
    assert number(1.256) == "1.26"
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abcde", 5) == "abcde"


def test_types_qualities_and_standings_have_marks_of_their_own():
    from matcher_service.explaining.marks import mark
    from matcher_service.explaining.svg import Paper

    def path(**given):
        paper = Paper(10, 10, title="", description="")
        mark(paper, 5, 5, 0.0, **{"kind": 1, "standing": Standing.PAIRED, "quality": 0.0} | given)
        return paper.finish()

    looks = [path(kind=k, standing=s, quality=q) for k in range(3) for s in Standing for q in (0.1, 0.9)]
    assert len(set(looks)) == len(looks)
    assert "opacity" not in path()  # quality not reported


def test_parts_that_are_not_known_yet_are_shown_by_their_name():
    from matcher_service.explaining.parts import parts_of
    from matcher_service.search import Comparison

    made = Comparison(
        1.0, np.zeros((0, 2), np.int64), 0.0, (0.0, 0.0), {"something new": 0.25}, {"something new": -1.0}
    )
    (part,) = parts_of(made)
    assert (part.label, part.shown, part.contribution) == ("something new", "0.25", -1.0)


@pytest.mark.parametrize(
    ("log10", "words"),
    [
        (-0.3, "says nothing"),
        (-1.3, "one in 20 pairs of different fingers"),
        (-4.0, "one in 10,000 pairs"),
        (-6.7, "one in 5 million pairs"),
        (-9.0, "one in 1 billion pairs"),
        (-99.0, "one in 1,000 trillion pairs"),
    ],
)
def test_a_rate_in_words(log10, words):
    assert words in how_rare(log10, (log10, log10))
    assert "95 %: one in 3,000 to one in 30,000" in how_rare(-4.0, (-4.5, -3.5))
    assert how_rare(-7.0, (-7.0, -7.0), rarest=-7.0).startswith("At most")


def test_several_fingers_mean_more_than_one_and_strangers_nothing():
    mate = explain(made_up_minutiae(1), made_up_minutiae(1)).finger
    stranger = explain(made_up_minutiae(1), made_up_minutiae(2))
    assert meaning_of([mate]).headline == "highly alike"
    assert meaning_of([mate, mate]).log10_fmr < meaning_of([mate]).log10_fmr
    assert stranger.meaning.headline.startswith(("nothing in common", "no more alike"))
    assert meaning_of([]).headline == "nothing in common"


def test_contributions_are_drawn_as_bars_with_their_sign():
    found = explain(made_up_minutiae(1), made_up_minutiae(1))
    values = [2.5, -1.25, 0.0]
    parts = tuple(
        Part(f"part {n}", f"part {n}", 1.0, "1", "It says something.", v) for n, v in enumerate(values)
    )
    root = ET.fromstring(draw(replace(found, parts=parts)))
    text = [element.text for element in root.iter(f"{SVG}text")]
    assert {"+2.5", "-1.2", "for", "against"} <= set(text)
    assert "part 2" not in text  # it moved nothing
    assert (
        not {"for", "against"} & set(ET.fromstring(draw(found)).itertext())
        or found.parts[0].contribution is not None
    )


def test_a_calibration_that_cannot_be_read_leaves_the_score_unexplained_and_not_unsaid(monkeypatch, tmp_path):
    from matcher_service.search.calibration import Calibration

    def broken(_fingers):
        return Calibration.load(tmp_path / "none.json")

    monkeypatch.setattr("matcher_service.explaining.meaning.fuse", broken)
    found = explain(made_up_minutiae(1), made_up_minutiae(1))
    assert found.score > 0
    assert found.meaning.headline == "not calibrated"
    assert found.meaning.log10_fmr is None
