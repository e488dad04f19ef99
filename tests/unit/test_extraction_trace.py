"""The trace of an extraction: what it keeps, what it draws, and that nobody pays for it who does not ask."""

from __future__ import annotations

import html.parser
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from edge_service.extraction import Extractor, decode
from edge_service.extraction import parameters as p
from edge_service.extraction.trace import Trace
from edge_service.extraction.trace_canvas import PAPER, Canvas, gradient, pale
from edge_service.extraction.trace_folder import NAMES, OVERVIEW, WARNING, refusal, write
from edge_service.extraction.trace_overview import overview
from edge_service.extraction.trace_pictures import (
    KEPT,
    LEAST_SHOWN_HEAT,
    TOO_COOL,
    TOO_NEAR,
    _fate,
    pictures,
    wheel_colours,
)
from interchange import Minutiae
from models.synthetic import impression, master

FACTS = {"quality": 88, "reason": None, "model_version": "3.0", "model_sha256": "ab" * 32}


@pytest.fixture(scope="module")
def extractor():
    return Extractor.load()


@pytest.fixture(scope="module")
def image():
    return impression(master(7), 1)


def traced(extractor, image, dpi=500.0):
    trace = Trace()
    trace.finish(extractor.extract(image, dpi, trace=trace))
    return trace


@pytest.fixture(scope="module")
def trace(extractor, image):
    return traced(extractor, image)


@pytest.fixture(scope="module")
def folder(trace, tmp_path_factory):
    made = tmp_path_factory.mktemp("traces") / "one"
    write(made, trace, name="<thumb> & co.png", facts=FACTS)
    return made


# -- what is kept


def test_it_keeps_what_each_stage_saw(extractor, image, trace):
    assert np.array_equal(trace.image, image)
    assert (trace.dpi, trace.resampled.shape) == (500.0, image.shape)
    assert trace.tile in extractor._network.shapes
    rows, columns = (-(-side // p.STRIDE_PX) for side in image.shape)
    assert trace.output.shape == (rows, columns, p.OUTPUT_CHANNELS)
    assert list(trace.timings_ms) == ["check", "resample", "network", "decode", "quality"]
    assert min(trace.timings_ms.values()) >= 0
    assert len(trace.minutiae) == len(trace.decoded) > 20


def test_with_a_trace_the_answer_is_the_same(extractor, image, trace):
    plain = extractor.extract(image, 500)
    for name in ("x", "y", "angle", "type", "quality"):
        assert np.array_equal(getattr(plain, name), getattr(trace.minutiae, name))
    assert plain.finger_quality == trace.minutiae.finger_quality


def test_what_an_extraction_does_not_come_to_stays_open(extractor):
    flat = traced(extractor, np.full((200, 200), 90, np.uint8))
    assert flat.resampled is None
    assert [q.name for q in pictures(flat)] == ["01-image.png"]
    noise = traced(extractor, np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8))
    assert noise.output is not None
    assert len(noise.minutiae) == 0
    assert len(list(pictures(noise))) == 7


def test_nothing_of_it_is_imported_without_a_trace():
    code = (
        "import sys\nimport numpy as np\nfrom edge_service.extraction import Extractor\n"
        "Extractor.load().extract(np.random.default_rng(1).integers(0, 256, (192, 192), np.uint8))\n"
        "print([m for m in sys.modules if 'trace_' in m or m.endswith('extraction.trace') or m == 'PIL'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout == "[]\n"


# -- the pictures


def test_one_picture_a_stage_in_the_order_of_the_way(trace):
    drawn = list(pictures(trace))
    assert [q.name for q in drawn] == sorted(NAMES - {OVERVIEW, "trace.json", "index.html"})
    assert all(q.says.endswith(".") for q in drawn)
    sheet = overview(drawn)
    assert sheet.width == 4 * 480 + 5 * 24


def test_the_first_picture_is_the_image_untouched(trace):
    assert np.array_equal(np.asarray(next(iter(pictures(trace))).image.convert("L")), trace.image)


def test_an_image_of_several_tiles_shows_them(extractor, image):
    large = np.full((600, 700), 235, np.uint8)
    large[100:484, 200:520] = image
    several = traced(extractor, large)
    assert len(several.corners) > 1
    titles = [q.title for q in pictures(several)]
    assert f"{len(several.corners)} tiles of 416 x 416" in titles[1]


def test_other_resolutions_are_drawn_at_500_dpi(extractor, image):
    doubled = np.asarray(Image.fromarray(image).resize((640, 768), Image.Resampling.BICUBIC))
    fine = traced(extractor, doubled, dpi=1000.0)
    assert fine.resampled.shape == image.shape
    assert next(q.image.size for q in pictures(fine)) == (640, 768)
    assert len(list(pictures(fine))) == 7


def test_the_peaks_that_are_drawn_as_kept_are_the_minutiae(trace):
    heat = 1.0 / (1.0 + np.exp(-trace.output[..., 0]))
    rows, _ = np.nonzero(decode.peaks(heat, least=LEAST_SHOWN_HEAT))
    title = next(q.title for q in pictures(trace) if q.name.startswith("06"))
    assert f": {len(trace.decoded)} of {len(rows)} kept" in title


def test_what_became_of_a_peak():
    kept = Minutiae.make([10], [20], [0], quality=[0.8], width=96, height=96)
    certainty = float(kept.quality[0])
    assert _fate(10.0, 20.0, certainty, kept) == KEPT
    assert _fate(12.0, 20.0, 0.5, kept) == TOO_NEAR
    assert _fate(12.0, 20.0, p.LEAST_HEAT / 2, kept) == TOO_COOL


def test_marks_are_where_the_minutiae_are():
    canvas = Canvas(np.full((100, 100, 3), 255, np.float32))
    canvas.minutia((30.0, 60.0), np.pi / 2, size=4.0, colour=(200, 0, 0), square=False)
    red = np.asarray(canvas.image).astype(int)
    rows, columns = np.nonzero(red[..., 0] - red[..., 1] > 60)
    # the tick goes up from a ring round the place, two pixels of the picture for one of the print
    assert abs(np.median(columns) / 2 - 30.5) < 1.5
    assert rows.max() / 2 - 60.5 < 6
    assert 60.5 - rows.min() / 2 > 10
    assert red[121, 61].tolist() == list(PAPER)


def test_colours_go_from_stop_to_stop_and_round_the_wheel():
    stops = ((0, 0, 0), (100, 50, 20))
    assert gradient(np.array([0.0, 0.5, 1.0]), stops).tolist() == [[0, 0, 0], [50, 25, 10], [100, 50, 20]]
    colours = list(wheel_colours())
    assert len(set(colours)) == len(colours)


def test_a_dark_print_is_shown_at_full_contrast():
    dark = np.tile(np.array([[30, 90]], np.uint8), (50, 50))
    shown = pale(dark, 0.0)
    assert (shown.min(), shown.max()) == (0.0, 255.0)


# -- the folder


def test_only_the_owner_can_read_it(folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {f.name for f in folder.iterdir()} == NAMES
    assert {f.stat().st_mode & 0o777 for f in folder.iterdir()} == {0o600}


def test_the_numbers(folder, trace):
    numbers = json.loads((folder / "trace.json").read_text())
    assert numbers["image_px"] == [320, 384]
    assert numbers["output_rows_columns_planes"] == [96, 80, 7]
    assert numbers["model_sha256"] == FACTS["model_sha256"]
    assert numbers["quality"] == 88
    assert sum(numbers["timings_ms"].values()) > 0
    listed = numbers["minutiae_in_the_image"]
    assert len(listed) == len(trace.minutiae)
    assert listed[0]["x"] == pytest.approx(float(trace.minutiae.x[0]), abs=0.01)
    assert {m["type"] for m in listed} <= {"ending", "bifurcation"}


class Links(html.parser.HTMLParser):
    """Everything that a page refers to, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in {"src", "href"}]


def test_the_page_needs_nothing_but_the_pictures_beside_it(folder):
    text = (folder / "index.html").read_text()
    page = Links()
    page.feed(text)
    assert "script" not in page.tags
    assert "http" not in text
    assert set(page.links) == {n for n in NAMES if n.endswith(".png")} - {OVERVIEW}
    assert page.tags.count("figure") == 7
    assert WARNING in text
    assert "&lt;thumb&gt; &amp; co.png" in text
    assert "<thumb>" not in text


def test_an_earlier_trace_gives_way_also_where_it_was_longer(extractor, trace, tmp_path):
    target = tmp_path / "again"
    write(target, trace, name="a", facts=FACTS)
    assert refusal(target) is None
    write(target, traced(extractor, np.zeros((200, 200), np.uint8)), name="b", facts=FACTS)
    assert {f.name for f in target.iterdir()} == {OVERVIEW, "01-image.png", "trace.json", "index.html"}
    assert "no print that can be compared" in (target / "index.html").read_text()


def test_an_empty_folder_is_taken_and_closed_to_others(trace, tmp_path):
    target = tmp_path / "empty"
    target.mkdir(mode=0o755)
    assert refusal(target) is None
    write(target, trace, name="a", facts=FACTS)
    assert target.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    assert "letter.txt" in refusal(tmp_path)
    assert "file" in refusal(tmp_path / "letter.txt")
    assert refusal(tmp_path / "new") is None
    assert "cannot be looked into" in refusal(tmp_path / ("long" * 100))


def test_a_link_laid_in_the_folder_is_not_followed(trace, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("mine")
    target = tmp_path / "laid"
    target.mkdir()
    (target / "trace.json").symlink_to(elsewhere)
    write(target, trace, name="a", facts=FACTS)
    assert elsewhere.read_text() == "mine"
    assert not (target / "trace.json").is_symlink()
