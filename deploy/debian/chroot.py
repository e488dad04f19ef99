"""A Debian of its own in a folder, to install packages in: made once by debootstrap, unpacked fresh each time.

Each command gets a mount namespace of its own with /proc, /dev and /run, so nothing stays mounted when one is killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
TIMEOUT_S = 900
TOOLS = ("debootstrap", "unshare", "chroot", "mount", "tar")
ENTER = """
set -e
root=$1; protect=$2; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$root.run" "$root/run"
if [ "$protect" = yes ]; then
    mount --bind "$root/var/lib/whorl" "$root/var/lib/whorl"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -o remount,ro,bind "$root"
fi
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class Chroot:
    """A Debian below `root`."""

    root: Path
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
        }
    )

    def start(self, *words: str, user: str = "", read_only: bool = False) -> subprocess.Popen[str]:
        """Start a command; with `read_only` only /var/lib/whorl, /run and /tmp can be written."""
        before = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "enter"]
        return subprocess.Popen(  # noqa: S603 - our own words
            [*enter, str(self.root), "yes" if read_only else "no", *before, *words],
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, user: str = "", read_only: bool = False) -> tuple[int, str]:
        """Exit code of a command, and all that it said."""
        with self.start(*words, user=user, read_only=read_only) as process:
            said, _ = process.communicate(timeout=TIMEOUT_S)
        return process.returncode, said

    def must(self, *words: str, user: str = "") -> str:
        """What a command said, which has to succeed."""
        code, said = self.run(*words, user=user)
        if code:
            raise BuildError(f"{' '.join(words)}: exit code {code}\n{said}")
        return said


def fresh(
    folder: Path, store: Path, *, release: str, wanted: tuple[str, ...], say: Callable[[str], None]
) -> Chroot:
    """A small Debian in `folder`, of which `store` keeps a packed copy that has the packages `wanted` at hand."""
    if os.geteuid() != 0:
        raise BuildError("a Debian of its own takes root: sudo make test-deb")
    lost = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lost:
        raise BuildError(f"not installed: {', '.join(lost)}. sudo apt install debootstrap util-linux tar")
    kept = store / f"{release}.tar"
    root = folder / "root"
    (folder / "root.run").mkdir(parents=True)
    if not kept.exists():
        store.mkdir(parents=True, exist_ok=True)
        say(f"making a Debian ({release}); kept in {kept}")
        _do("debootstrap", "--variant=minbase", release, str(root), MIRROR)
        new = Chroot(root)
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        new.must("apt-get", "update", "-qq")
        new.must("apt-get", "install", "-y", "-qq", "--no-install-recommends", "--download-only", *wanted)
        _do("tar", "--create", "--file", f"{kept}.part", "--directory", str(root), ".")
        (store / f"{kept.name}.part").rename(kept)
    else:
        say(f"unpacking {kept}")
        root.mkdir()
        _do("tar", "--extract", "--file", str(kept), "--directory", str(root))
    return Chroot(root)


def _do(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise BuildError(f"{words[0]}: {(done.stderr or done.stdout).strip()[-2000:]}")
