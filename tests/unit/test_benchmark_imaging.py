"""What the benchmark does to a picture before any system sees it."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy.errors import BenchmarkError, ImageError
from benchmarks.accuracy.imaging import (
    Conditions,
    background_grey,
    crop_window,
    load_grey,
    parse_window,
    print_mask,
    quantise,
    resample,
)


def ridges(height, width, *, background=230, box=None):
    """A grey page with a patch of ridges, nine pixels a period, in ``box`` (top, bottom, left, right)."""
    page = np.full((height, width), background, np.uint8)
    top, bottom, left, right = box or (0, height, 0, width)
    x = np.arange(width)
    wave = (128 + 100 * np.sin(2 * np.pi * x / 9)).astype(np.uint8)
    page[top:bottom, left:right] = wave[left:right]
    return page


def test_sixteen_levels_are_the_top_four_bits():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(quantise(ramp, 16), (ramp >> 4) * 17)


@pytest.mark.parametrize("levels", [2, 4, 8, 16, 32, 64, 128, 256])
def test_any_number_of_levels_spans_black_to_white(levels):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = quantise(ramp, levels)
    assert len(np.unique(found)) == levels
    assert (found.min(), found.max()) == (0, 255)
    assert found.dtype == np.uint8
    assert np.array_equal(quantise(found, levels), found)


@pytest.mark.parametrize("levels", [0, 1, 3, 15, 257, -16])
def test_levels_that_no_sensor_has_are_refused(levels):
    with pytest.raises(BenchmarkError, match="--levels"):
        Conditions(levels=levels)


def test_window_is_parsed_as_width_by_height():
    assert parse_window("256x288") == (256, 288)
    assert parse_window(" 192X192 ") == (192, 192)
    for wrong in ("256", "256x", "x288", "256*288", "-256x288", "256x288x1", ""):
        with pytest.raises(BenchmarkError, match="256x288"):
            parse_window(wrong)
    with pytest.raises(BenchmarkError, match="16 to 4096"):
        Conditions(window=(256, 2))


def test_window_is_centred_on_the_print():
    page = ridges(600, 500, box=(250, 450, 280, 430))  # centre (350, 355)
    crop = crop_window(page, 256, 288)
    assert crop.shape == (288, 256)
    top, left = 350 - 144, 355 - 128
    best = min(
        (np.abs(crop.astype(int) - page[y : y + 288, x : x + 256]).sum(), abs(y - top), abs(x - left))
        for y in range(top - 6, top + 7)
        for x in range(left - 6, left + 7)
    )
    assert best[0] == 0
    assert max(best[1:]) <= 3


def test_window_stays_inside_a_large_image():
    page = ridges(600, 500, box=(0, 150, 0, 120))  # a print in the corner
    assert np.array_equal(crop_window(page, 256, 288), page[:288, :256])


def test_a_small_image_is_centred_on_its_background():
    page = ridges(101, 90, background=201, box=(20, 80, 20, 70))
    crop = crop_window(page, 256, 288)
    assert crop.shape == (288, 256)
    assert np.array_equal(crop[93:194, 83:173], page)
    outside = crop.copy()
    outside[93:194, 83:173] = 201
    assert (outside == 201).all()


def test_one_side_smaller_and_one_larger():
    page = ridges(400, 100, background=190, box=(200, 380, 10, 90))
    crop = crop_window(page, 256, 288)
    assert crop.shape == (288, 256)
    assert (crop[:, :78] == 190).all()
    assert (crop[:, 178:] == 190).all()
    assert np.array_equal(crop[:, 78:178], page[112:400])


def test_a_window_of_the_images_size_changes_nothing():
    page = ridges(288, 256)
    assert np.array_equal(crop_window(page, 256, 288), page)


def test_blank_pages_have_no_print_and_are_cropped_in_the_middle():
    blank = np.full((400, 400), 77, np.uint8)
    blank[200, 200] = 78
    assert not print_mask(blank).any()
    crop = crop_window(blank, 101, 101)
    assert crop.shape == (101, 101)
    assert 78 in crop
    assert background_grey(np.zeros((20, 20), np.uint8), np.ones((20, 20), bool)) == 0


def test_a_frame_line_at_the_edge_does_not_pull_the_window():
    page = ridges(374, 388, box=(60, 300, 20, 180))
    framed = page.copy()
    framed[:, -1] = 0
    assert np.abs(_left_edge(framed) - _left_edge(page)) <= 6


def _left_edge(page):
    marked = page.copy()
    crop = crop_window(marked, 200, 200)
    return min(
        range(page.shape[1] - 199),
        key=lambda x: min(
            np.abs(crop.astype(int) - page[y : y + 200, x : x + 200]).sum() for y in range(60, 115, 3)
        ),
    )


def test_resampling_brings_a_ridge_period_to_500_dpi():
    page = ridges(300, 569)
    seen = resample(page, 569.0)
    assert seen.shape == (round(300 * 500 / 569), 500)
    spectrum = np.abs(np.fft.rfft(seen[100].astype(float) - seen[100].mean()))
    assert np.argmax(spectrum) == pytest.approx(500 / (9 * 500 / 569), abs=1.0)
    assert resample(page, 500.0) is page
    assert resample(page, 250.0).shape == (600, 1138)


def test_conditions_are_applied_in_the_sensors_order():
    page = ridges(700, 650, box=(100, 600, 100, 550))
    seen = Conditions((256, 288), 16).apply(page, 569.0)
    assert seen.shape == (288, 256)
    assert set(np.unique(seen)) <= {17 * k for k in range(16)}
    assert np.array_equal(seen, quantise(crop_window(resample(page, 569.0), 256, 288), 16))
    assert str(Conditions((256, 288), 16)) == "256x288, 16 grey levels"
    assert np.array_equal(Conditions().apply(page, 500.0), page)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_grey_files_are_read_pixel_for_pixel(tmp_path, suffix):
    page = np.random.default_rng(1).integers(0, 256, (40, 30), np.uint8)
    path = tmp_path / f"1_1.{suffix}"
    Image.fromarray(page).save(path)
    assert np.array_equal(load_grey(path), page)


def test_wsq_files_are_read(tmp_path):
    pytest.importorskip("wsq")
    page = ridges(256, 256)
    path = tmp_path / "1_1.wsq"
    Image.fromarray(page).save(path)
    found = load_grey(path)
    assert found.shape == page.shape
    assert np.abs(found.astype(int) - page).mean() < 12


def test_grey_stored_as_colour_or_palette_is_taken(tmp_path):
    page = np.random.default_rng(2).integers(0, 256, (40, 30), np.uint8)
    grey = Image.fromarray(page)
    for mode in ("RGB", "RGBA", "P"):
        path = tmp_path / f"{mode}_1.png"
        grey.convert(mode).save(path)
        assert np.array_equal(load_grey(path), page)


def test_what_is_no_grey_picture_is_refused_by_name(tmp_path):
    rng = np.random.default_rng(3)
    files = {
        "colour_1.png": Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)),
        "deep_1.png": Image.fromarray(rng.integers(0, 65536, (20, 20)).astype(np.uint16)),
        "float_1.tif": Image.fromarray(rng.random((20, 20)).astype(np.float32)),
        "black_1.png": Image.fromarray(np.eye(20, dtype=bool)),
        "clear_1.png": Image.fromarray(
            np.dstack([np.full((9, 9, 3), 7, np.uint8), np.eye(9, dtype=np.uint8)])
        ),
    }
    for name, image in files.items():
        image.save(tmp_path / name)
        with pytest.raises(ImageError) as caught:
            load_grey(tmp_path / name)
        assert caught.value.path.name == name
    whole = (tmp_path / "ok_1.png", ridges(200, 200))
    Image.fromarray(whole[1]).save(whole[0])
    (tmp_path / "short_1.png").write_bytes(whole[0].read_bytes()[:200])
    (tmp_path / "text_1.png").write_text("no picture")
    (tmp_path / "empty_1.bmp").write_bytes(b"")
    for name in ("short_1.png", "text_1.png", "empty_1.bmp"):
        with pytest.raises(ImageError, match=name):
            load_grey(tmp_path / name)
