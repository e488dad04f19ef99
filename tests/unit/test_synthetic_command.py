"""The folder and the page that the commands write."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from interchange import iso19794
from models.synthetic import master, touch
from models.synthetic import parameters as p


def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def test_a_folder_of_prints_is_written_with_its_truth(tmp_path):
    options = ("--fingers", 2, "--impressions", 2, "--seed", 3, "--window", "256x288", "--levels", 16)
    for folder in ("one", "two"):
        done = run("models.synthetic", *options, tmp_path / folder)
        assert done.returncode == 0, done.stderr
    stems = [f"{finger}_{k}" for finger in (1, 2) for k in (1, 2)]
    written = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert written == sorted(f"{stem}{suffix}" for stem in stems for suffix in (".iso", ".npz", ".png"))
    for name in written:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    made = touch(master(4), 2, window=(288, 256), levels=16)
    with Image.open(tmp_path / "one/2_2.png") as image:
        assert np.array_equal(np.asarray(image), made.image)
        assert np.rint(image.info["dpi"]).tolist() == [500, 500]
    record = iso19794.decode((tmp_path / "one/2_2.iso").read_bytes())
    assert (record.width, record.height) == (256, 288)
    view = record.minutiae()
    assert np.abs(view.x - made.minutiae.x).max() <= 0.5
    assert np.abs(view.y - made.minutiae.y).max() <= 0.5
    assert np.array_equal(view.type, made.minutiae.type)
    with np.load(tmp_path / "one/2_2.npz") as truth:
        assert np.array_equal(truth["mask"], made.mask)
        assert np.abs(truth["orientation"] - made.orientation()).max() < 0.01


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--window", "wide"), "--window wide: give width and height in pixels, for example 256x288"),
        (("--sensor", "thermal"), "no look is called 'thermal'"),
        (("--dpi", "50"), "50 dpi; give 200 to 1200"),
    ],
)
def test_what_cannot_be_made_is_said(tmp_path, options, said):
    done = run("models.synthetic", "--fingers", 1, "--impressions", 1, *options, tmp_path)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())


def test_a_page_shows_every_class_and_look_and_what_is_put_beside(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    for k in range(3):
        Image.fromarray(np.full((374, 388), 40 * k, np.uint8)).save(real / f"{k}.tif")
    done = run("models.synthetic.page", tmp_path / "page.png", "--beside", real)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "page.png") as page:
        assert page.width > 256 * len(p.CLASS_SHARES)
        assert page.height > 300 * 5


def test_an_empty_folder_beside_is_said(tmp_path):
    done = run("models.synthetic.page", tmp_path / "page.png", "--beside", tmp_path)
    assert done.returncode == 1
    assert "holds no PNG, TIFF or BMP images" in " ".join(done.stderr.split())
