"""A package is built, twice, and its program runs from where it was unpacked.

The project that is packed here is small and made up, with a library of its own, so that no package index is asked. The
real packages are installed, run, updated and removed in a Debian of their own by `make test-deb`.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.debian.build import Build
from deploy.debian.bytecode import find_python
from deploy.debian.contents import KIOSK
from deploy.debian.errors import BuildError
from deploy.debian.target import RELEASES, Target

ROOT = Path(__file__).parents[2]
DATE = 1_700_000_000
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed"),
    pytest.mark.skipif(
        f"{sys.version_info[0]}.{sys.version_info[1]}" not in RELEASES, reason="no Debian has this Python"
    ),
]

PROGRAM = """
import sys
from importlib import metadata
import ridge

def app(prog_name):
    print(prog_name, ridge.COUNT, metadata.version("whorl"), metadata.version("ridge"))
    print(ridge.__cached__)
    print(*sys.path, sep="|")
"""


@pytest.fixture(scope="module")
def target():
    return Target(arch="arm64", python=f"{sys.version_info[0]}.{sys.version_info[1]}")


@pytest.fixture
def checkout(tmp_path, monkeypatch, target):
    """A small project, its lock, and the one library that it needs, fetched already."""
    root = tmp_path / "checkout"
    for name in {source for source, _ in KIOSK.files} | {"CHANGELOG.md"}:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place)
    store = root / "build" / "wheels" / f"{target.arch}-{target.python}"
    store.mkdir(parents=True)
    wheel = store / "ridge-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: ridge\nVersion: 1.0\nLicense-Expression: MIT\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ridge-1.0.dist-info/METADATA", about)
        archive.writestr(
            "ridge/__init__.py", "COUNT = 12\nNAMES = {'a', 'b', 'c'} if COUNT in {1, 12, 30} else None\n"
        )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "here")
    monkeypatch.syspath_prepend(str(tmp_path / "here"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "requirements").mkdir()
    (root / "requirements/lock.txt").write_text(f"ridge==1.0 \\\n    --hash=sha256:{digest}\n")
    (root / "pyproject.toml").write_text(
        '[project]\nversion = "0.3.0rc1"\ndependencies = ["ridge>=1"]\noptional-dependencies.edge = []\n'
        '[tool.setuptools.package-data]\n"*" = ["*.json"]\n'
    )
    (root / "small").mkdir()
    (root / "small/__init__.py").write_text("")
    (root / "small/cli.py").write_text(PROGRAM)
    (root / "small/notes.txt").write_text("not shipped")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(DATE))
    return root


@pytest.fixture
def contents():
    return replace(KIOSK, sources=("small",), module="small.cli")


def built(checkout, contents, target, folder="build", **more):
    out = checkout / folder
    if folder != "build":
        shutil.copytree(checkout / "build", out)
    return Build(root=checkout, out=out, target=target, say=lambda _: None, compression="xz", **more).package(
        contents
    )


def members(package):
    shown = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    path = package.with_suffix(".tar")
    path.write_bytes(shown)
    with tarfile.open(path) as archive:
        return archive.getmembers()


def test_the_same_sources_give_the_same_bytes(checkout, contents, target):
    first = built(checkout, contents, target)
    for path in checkout.rglob("*"):
        os.utime(path, (DATE + 5_000, DATE + 5_000))
    mask = os.umask(0o077)
    try:
        second = built(checkout, contents, target, "again")
    finally:
        os.umask(mask)
    assert first.read_bytes() == second.read_bytes()
    assert first.name == "whorl-kiosk_0.3.0~rc1-1_arm64.deb"


def test_what_is_in_it(checkout, contents, target):
    package = built(checkout, contents, target)
    found = members(package)
    files = {member.name.removeprefix("./"): member for member in found if member.isfile()}
    assert {member.uid for member in found} == {member.gid for member in found} == {0}
    assert {member.mtime for member in found} == {DATE}
    assert {member.mode for member in found if member.isdir()} == {0o755}
    executable = {name for name, member in files.items() if member.mode & 0o111}
    assert executable == {"usr/bin/edge-service"}
    assert not [name for name in files if name.endswith("notes.txt")]
    assert {"usr/lib/sysusers.d/whorl-edge.conf", "usr/lib/udev/rules.d/99-whorl.rules"} <= set(files)
    outside = {name.split("/")[0] for name in files}
    assert outside == {"usr", "etc"}


def test_what_dpkg_is_told(checkout, contents, target):
    package = built(checkout, contents, target, version="7.0-2")
    told = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    fields = dict(re.findall(r"^([\w-]+): (.*)$", told, re.MULTILINE))
    major, minor = target.python_pair
    assert f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})" in fields["Depends"]
    assert (fields["Version"], fields["Architecture"]) == ("7.0-2", "arm64")
    control = package.parent / "control"
    subprocess.run(["dpkg-deb", "--control", package, control], check=True)
    files = sorted(member.name for member in members(package) if member.isfile())
    sums = (control / "md5sums").read_text().splitlines()
    named = {f"./{row.split('  ', 1)[1]}" for row in sums}
    conffiles = {f".{row}" for row in (control / "conffiles").read_text().splitlines()}
    assert named | conffiles == set(files)
    assert all((control / name).stat().st_mode & 0o111 for name in ("postinst", "prerm", "postrm"))


def test_the_program_runs_alone(checkout, contents, target, tmp_path):
    """With compiled files that Python uses, and nothing of the caller's around it."""
    package = built(checkout, contents, target)
    place = tmp_path / "machine"
    subprocess.run(["dpkg-deb", "--extract", package, place], check=True)
    text = (place / "usr/bin/edge-service").read_text()
    assert text.startswith("#!/usr/bin/python3 -ISB\n")
    moved = place / "start.py"
    moved.write_text(text.replace('"/usr/lib', f'"{place}/usr/lib'))
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "ridge.py").write_text("COUNT = 'the caller decides'\n")
    done = subprocess.run(
        [find_python(target), "-ISB", moved],
        cwd=hostile,
        env={**os.environ, "PYTHONPATH": str(hostile)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    first, cached, paths = done.stdout.splitlines()
    assert first == "edge-service 12 0.3.0rc1 1.0"
    assert Path(cached).exists()
    assert Path(cached).read_bytes()[4:8] == b"\x01\0\0\0"  # by hash, and not checked: PEP 552
    assert not [path for path in paths.split("|") if "packages" in path]
    notes = (place / "usr/share/doc/whorl-kiosk/copyright").read_text()
    assert "ridge 1.0: MIT" in notes
    assert gzip.decompress((place / "usr/share/doc/whorl-kiosk/changelog.Debian.gz").read_bytes())


def test_what_is_not_in_the_checkout_is_named(checkout, contents, target):
    (checkout / "docs/install.md").unlink()
    with pytest.raises((BuildError, FileNotFoundError), match=r"docs/install\.md"):
        built(checkout, contents, target)
