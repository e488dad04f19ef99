"""From the lock file to a .deb, step by step."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.debian import control, lock, wheels
from deploy.debian.bytecode import find_python
from deploy.debian.errors import BuildError
from deploy.debian.tree import lay_out, set_modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.debian.contents import Contents
    from deploy.debian.target import Target

DPKG_TIMEOUT_S = 3600  # xz on a busy small machine


@dataclass(frozen=True)
class Build:
    """What all packages of one run share."""

    root: Path
    out: Path
    target: Target
    say: Callable[[str], None]
    # Where fetched wheels are kept, if not beside the packages.
    store: Path | None = None
    # Of the package; without, the project's.
    version: str = ""
    # xz as Debian does it takes a minute; a test takes "none".
    compression: str = "xz"

    def package(self, contents: Contents) -> Path:
        """Build one package; its path."""
        find_python(self.target)  # before anything is fetched
        project = lock.read_project(self.root / "pyproject.toml")
        version = self.version or control.debian_version(project["version"])
        pins = lock.closure(
            project,
            contents.extra,
            lock.read_lock((self.root / "requirements/lock.txt").read_text("utf-8"), self.target),
            self.target,
        )
        store = (self.store or self.out / "wheels") / f"{self.target.arch}-{self.target.python}"
        fetched = wheels.gather(pins, self.target, store, self.say)
        epoch = source_date(self.root)
        with tempfile.TemporaryDirectory(prefix="whorl-deb-") as folder:
            tree = Path(folder) / "tree"
            tree.mkdir()
            libraries, said = lay_out(
                contents,
                root=self.root,
                tree=tree,
                pins=pins,
                fetched=fetched,
                version=project["version"],
                target=self.target,
                say=self.say,
            )
            control.write_papers(contents, tree=tree, root=self.root, version=version, epoch=epoch, said=said)
            control.write_control(
                contents, tree=tree, version=version, target=self.target, libraries=libraries
            )
            set_modes(tree)
            wheels.touch_all(tree, epoch)
            made = self.out / f"{contents.name}_{version}_{self.target.arch}.deb"
            self.say(f"{contents.name}: packing ({self.compression})")
            self._pack(tree, made, epoch)
        return made

    def _pack(self, tree: Path, made: Path, epoch: int) -> None:
        """With its name only once it is whole."""
        part = tree.with_name(made.name)
        done = subprocess.run(  # noqa: S603 - our own words
            [  # noqa: S607 - whichever dpkg-deb this machine has
                # One thread: with more, xz cuts the data otherwise.
                "dpkg-deb",
                "--root-owner-group",
                f"-Z{self.compression}",
                "--threads-max=1",
                "--build",
                str(tree),
                str(part),
            ],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=DPKG_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise BuildError(f"dpkg-deb: {done.stderr.strip()}")
        near = made.with_name(f".{made.name}.{os.getpid()}")
        shutil.move(part, near)
        near.replace(made)


def source_date(root: Path) -> int:
    """The date that all files get: SOURCE_DATE_EPOCH, else the last commit's, else the changelog's."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return int(given)
    git = shutil.which("git")
    if git is not None and (root / ".git").exists():
        done = subprocess.run(  # noqa: S603 - our own words
            [git, "-C", str(root), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
        )
        if done.stdout.strip().isdigit():
            return int(done.stdout)
    return int((root / "CHANGELOG.md").stat().st_mtime)
