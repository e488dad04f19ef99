"""`edge-service extract`, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge_service.cli import app
from edge_service.extraction import Extractor
from edge_service.extraction.extractor import DEFAULT_MODEL
from interchange import iso19794
from models.synthetic import impression, master

RUN = CliRunner()


@pytest.fixture(scope="module")
def prints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prints")
    image = impression(master(7), 1)
    Image.fromarray(image).save(folder / "thumb.png")
    Image.fromarray(image).resize((640, 768), Image.Resampling.BICUBIC).save(folder / "large.tif")
    Image.fromarray(np.full((300, 300), 255, np.uint8)).save(folder / "blank.bmp")
    Image.fromarray(image[:90, :90]).save(folder / "small.png")
    (folder / "words.png").write_text("no picture")
    return folder


def extract(*arguments: object):
    return RUN.invoke(app, ["extract", *map(str, arguments)])


def facts(*arguments: object) -> dict:
    done = extract(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_it_tells_what_it_found(prints):
    done = extract(prints / "thumb.png")
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert set(lines) == {"minutiae", "quality", "time", "model"}
    assert 25 <= int(lines["minutiae"]) <= 90
    assert lines["quality"].endswith(" of 100")
    assert lines["time"].endswith(" ms")
    version, short = lines["model"].split(", ")
    assert Extractor.load().model_version == version
    assert len(short) == 12


def test_json_says_the_same_and_more(prints):
    found = facts(prints / "thumb.png")
    assert (found["width"], found["height"], found["dpi"]) == (320, 384, 500)
    assert 25 <= found["minutiae"] <= 90
    assert found["quality"] > 60
    assert found["time_ms"] > 0
    assert len(found["model_sha256"]) == 64
    assert found["model_version"] == Extractor.load().model_version


def test_the_record_and_the_picture_are_written(prints, tmp_path):
    record, picture = tmp_path / "thumb.iso", tmp_path / "drawn"
    done = extract(prints / "thumb.png", "--out", record, "--picture", picture)
    assert done.exit_code == 0
    assert str(record) in done.stdout
    assert str(picture) in done.stdout
    minutiae = iso19794.decode(record.read_bytes()).minutiae()
    assert len(minutiae) == facts(prints / "thumb.png")["minutiae"]
    assert (minutiae.width, minutiae.height) == (320, 384)
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 2 * 320
        assert drawn.height > 2 * 384
        rgb = np.asarray(drawn.convert("RGB")).astype(int)
    marks = (rgb[..., 0] - rgb[..., 2] > 100).sum()
    assert marks > 100 * len(minutiae) / 4


def test_the_resolution_counts(prints):
    small, large = facts(prints / "thumb.png"), facts(prints / "large.tif", "--dpi", 1000)
    assert large["dpi"] == 1000
    assert abs(large["minutiae"] - small["minutiae"]) <= 3


def test_no_print_is_no_error_but_is_said(prints, tmp_path):
    done = extract(prints / "blank.bmp", "--out", tmp_path / "blank.iso")
    assert done.exit_code == 0
    assert "No print was found" in done.stdout
    assert len(iso19794.decode((tmp_path / "blank.iso").read_bytes()).minutiae()) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}/absent.png"], ["absent.png", "no such file"]),
        (["{}"], ["folder"]),
        (["{}/words.png"], ["words.png", "PNG, TIFF, BMP or WSQ"]),
        (["{}/small.png"], ["small.png", "90 x 90", "96 to 1000"]),
        (["{}/thumb.png", "--dpi", "200"], ["thumb.png", "200", "300 to 1100"]),
        (["{}/thumb.png", "--dpi", "nan"], ["thumb.png", "nan"]),
        (["{}/thumb.png", "--out", "{}/none/a.iso"], ["none/a.iso", "cannot be written"]),
        (["{}/thumb.png", "--picture", "{}"], ["cannot be written"]),
        (["{}/thumb.png", "--out", "{}/thumb.png"], ["overwrite"]),
        (["{}/thumb.png", "--picture", "{}/../{name}/thumb.png"], ["overwrite"]),
        (["{}/thumb.png", "--out", "{}/new", "--picture", "{}/new"], ["overwrite"]),
        (["{}/thumb.png", "--trace", "{}"], ["another file of this command"]),
        (
            ["{}/thumb.png", "--trace", "{}/new", "--out", "{}/new/thumb.iso"],
            ["another file of this command"],
        ),
        (["{}/thumb.png", "--trace", "{}/.."], ["holds other things"]),
        (["{}/thumb.png", "--trace", "{}/thumb.png"], ["this is a file"]),
        (["{}/thumb.png", "--trace", "{}/none/new"], ["cannot be written"]),
        (["{}/thumb.png", "--model", "{}/absent.tflite"], ["absent.tflite", "no such file"]),
        (["{}/thumb.png", "--model", "{}/thumb.png"], ["no TensorFlow Lite model"]),
    ],
)
def test_errors_are_one_line_and_exit_code_1(prints, arguments, words):
    before = (prints / "thumb.png").read_bytes()
    done = extract(*(a.format(prints, name=prints.name) for a in arguments))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert (prints / "thumb.png").read_bytes() == before
    assert not (prints / "new").exists()


def test_a_trace_is_written_and_what_it_is_is_said(prints, tmp_path):
    folder = tmp_path / "looked-at"
    done = extract(prints / "thumb.png", "--trace", folder)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "These pictures show the print: keep or delete them as you would the print."
    assert f"written   {folder / 'index.html'}" in lines
    numbers = json.loads((folder / "trace.json").read_text())
    assert numbers["image"] == "thumb.png"
    assert numbers["minutiae"] == len(numbers["minutiae_in_the_image"])
    assert numbers["model_sha256"] == Extractor.load().model_sha256


def test_with_json_and_a_trace_standard_output_is_json_alone(prints, tmp_path):
    done = extract(prints / "thumb.png", "--trace", tmp_path / "t", "--json")
    assert json.loads(done.stdout)["minutiae"] > 20
    assert done.stderr.splitlines() == [
        "These pictures show the print: keep or delete them as you would the print."
    ]


def test_another_model_without_a_card_is_used_with_a_warning(prints, tmp_path):
    other = tmp_path / "candidate.tflite"
    other.write_bytes(DEFAULT_MODEL.read_bytes())
    done = extract(prints / "thumb.png", "--model", other)
    assert done.exit_code == 0
    assert "no card" in done.stderr
    assert "model     without a card, " in done.stdout


def test_another_model_that_its_card_contradicts_is_refused(prints, tmp_path):
    other = tmp_path / "minutiae.tflite"
    other.write_bytes(DEFAULT_MODEL.read_bytes() + b"x")
    other.with_suffix(".json").write_bytes(DEFAULT_MODEL.with_suffix(".json").read_bytes())
    done = extract(prints / "thumb.png", "--model", other)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "SHA-256" in done.stderr
    assert "make model" in done.stderr


def test_without_a_runtime_the_line_says_what_to_install(prints, monkeypatch):
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, name, None)
    done = extract(prints / "thumb.png")
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "pip install ai-edge-litert" in done.stderr


def test_help_has_examples():
    done = RUN.invoke(app, ["extract", "--help"])
    assert done.exit_code == 0
    assert "edge-service extract thumb.png" in done.stdout
    assert "--dpi 1000" in done.stdout


def test_errors_are_red_on_a_terminal(prints):
    done = RUN.invoke(app, ["extract", str(prints / "words.png")], color=True)
    assert done.stderr.startswith("\x1b[31m")


def test_in_its_own_process_nothing_native_is_on_stderr(prints):
    command = [sys.executable, "-m", "edge_service", "extract"]
    done = subprocess.run(
        [*command, prints / "thumb.png"], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
