"""The parts of `make test-arm64` that need neither root nor arm64, and the committed prints on this machine."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deploy.arm64 import parameters as p
from deploy.arm64.emulation import _serves
from deploy.arm64.errors import NotTheSame, StepFailed, StillMounted
from deploy.arm64.minutiae import compare, difference, records_here
from deploy.arm64.mounts import mounted_below, remove_tree
from deploy.arm64.processors import PI_4, PROCESSORS
from deploy.arm64.report import Report
from deploy.arm64.root import RootMaker
from deploy.arm64.samples import SAMPLES, draw
from deploy.arm64.unit_file import parse_unit
from interchange import iso19794

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def here():
    return records_here()


def test_this_machine_makes_the_committed_records(here):
    assert compare(here, here, PI_4) > 250, (
        "python -m deploy.arm64.samples writes them anew for a new network"
    )


def test_one_bit_of_difference_is_found_and_said(here):
    name = SAMPLES[0].name
    record = bytearray(here[name])
    record[28 + 1] ^= 1  # the lowest bit of the first minutia's x
    with pytest.raises(NotTheSame) as found:
        compare({**here, name: bytes(record)}, here, PI_4)
    assert found.value.differences == (
        f"{name} on Raspberry Pi 4 (cortex-a72): {difference(bytes(record), here[name])}",
    )
    assert "x of 1" in str(found.value)


def test_another_number_of_minutiae_is_said(here):
    one, other = here[SAMPLES[0].name], here[SAMPLES[1].name]
    count = len(iso19794.decode(one).minutiae())
    assert difference(one, other).startswith(f"{count} minutiae instead of")


@pytest.mark.parametrize("sample", SAMPLES[:2], ids=lambda s: s.name)
def test_the_committed_pictures_are_the_synthetic_ones(sample):
    same = np.asarray(Image.open(sample.image)) == draw(sample)
    assert same.mean() > 0.99  # another processor may round a grey level the other way


def test_samples_take_every_way_through_the_extractor():
    sizes = {sample.size for sample in SAMPLES}
    assert (256, 288) in sizes
    assert (192, 192) in sizes
    assert any(max(size) > 416 for size in sizes), "none is cut into tiles"
    assert any(sample.dpi != 500 for sample in SAMPLES), "none is resampled"
    assert not list(Path(SAMPLES[0].image).parent.glob("*.npz"))


def table(folder, *points):
    path = folder / "mounts"
    path.write_text("".join(f"tmpfs {point} tmpfs rw 0 0\n" for point in points))
    return path


def test_mounts_below_a_folder_the_last_first(tmp_path):
    root = tmp_path / "a root"
    root.mkdir()
    named = str(root).replace(" ", "\\040")
    points = table(
        tmp_path, "/", named + "/proc", f"{tmp_path}/a\\040rooster", named + "/proc/cpuinfo", named
    )
    assert mounted_below(root, points) == [root, root / "proc/cpuinfo", root / "proc"]


def test_nothing_is_removed_through_a_mount(tmp_path, monkeypatch):
    root = tmp_path / "root"
    (root / "dev/pts").mkdir(parents=True)
    monkeypatch.setattr("deploy.arm64.mounts.mounted_below", lambda folder: [folder / "dev/pts"])
    with pytest.raises(StillMounted, match="umount"):
        remove_tree(root)
    assert (root / "dev/pts").is_dir()
    monkeypatch.undo()
    remove_tree(root)
    assert not root.exists()
    remove_tree(root)  # what is not there is gone already


def test_the_unit_that_ships_can_be_read():
    path = REPOSITORY / "deploy/systemd/whorl-edge.service"
    unit = parse_unit(path.read_text(encoding="utf-8"), path=str(path))
    assert unit.command[-2:] == ("--config", p.SETTINGS_FILE)
    assert unit.user == "whorl"
    assert unit.watchdog_s == 60.0


def test_a_unit_that_starts_nothing():
    with pytest.raises(StepFailed, match="has no ExecStart"):
        parse_unit("[Service]\nUser=whorl\n", path="broken.service")


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: POF\noffset 0\n", True),
        ("disabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: POF\noffset 0\n", False),
        (
            "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OC\noffset 0\n",
            False,
        ),  # not behind a chroot
    ],
)
def test_only_a_registration_that_works_behind_a_chroot_is_used(tmp_path, text, works):
    entry = tmp_path / "qemu-aarch64"
    assert not _serves(entry)
    entry.write_text(text)
    assert _serves(entry) is works


def test_each_board_says_what_it_is():
    for processor in PROCESSORS:
        cores = processor.cpuinfo.strip().split("\n\n")
        assert len(cores) == 4
        assert all(f"CPU part\t: {processor.part:#05x}" in core for core in cores)
    assert len({processor.part for processor in PROCESSORS}) == len(PROCESSORS)


def test_the_archive_is_named_by_its_recipe(tmp_path, monkeypatch):
    maker = RootMaker(tmp_path, mirror="http://one.invalid", tell=lambda _: None)
    name = maker.archive
    assert RootMaker(tmp_path, mirror="http://other.invalid", tell=lambda _: None).archive == name
    monkeypatch.setattr(p, "INCLUDED", (*p.INCLUDED, "vim"))
    assert maker.archive != name


def test_a_report_of_what_was_done(tmp_path):
    report = Report()
    with report.step("first") as tell:
        tell("begun")
        tell("42 of them")
    with pytest.raises(ValueError, match="broken"), report.step("second"):
        raise ValueError("broken")
    report.save(tmp_path / "report.json")
    (step,) = json.loads((tmp_path / "report.json").read_text())["steps"]
    assert (step["step"], step["found"]) == ("first", "42 of them")


def test_without_root_it_says_so():
    program = (
        "import os; os.geteuid = lambda: 1000\n"
        "from deploy.arm64.__main__ import command; import sys; sys.argv = ['arm64']; command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert "Traceback" not in done.stderr
