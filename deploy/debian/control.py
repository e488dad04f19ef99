"""The control files: name, needs, checksums and scripts of a package, and its papers in /usr/share/doc."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.debian.tree import write_gzip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.metadata import Metadata

    from deploy.debian.contents import Contents
    from deploy.debian.target import Target

HERE = Path(__file__).parent
MAINTAINER = "Whorl maintainers <maintainers@users.noreply.whorl.example>"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
PRERELEASE = re.compile(r"(?<=\d)(a|b|rc|\.dev)(\d+)$")


def debian_version(version: str) -> str:
    """Python's version as Debian orders it: 0.2.0rc1 is before 0.2.0, so 0.2.0~rc1; then the package's own number."""
    return PRERELEASE.sub(lambda found: f"~{found[1].lstrip('.')}{found[2]}", version) + "-1"


def write_papers(
    contents: Contents, *, tree: Path, root: Path, version: str, epoch: int, said: dict[str, Metadata]
) -> None:
    """Changelogs, licences, and what lintian may overlook."""
    folder = tree / "usr/share/doc" / contents.name
    folder.mkdir(parents=True, exist_ok=True)
    date = format_datetime(datetime.fromtimestamp(epoch, UTC))
    entry = f"{contents.name} ({version}) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- {MAINTAINER}  {date}\n"
    write_gzip(folder / "changelog.Debian.gz", entry.encode())
    write_gzip(folder / "changelog.gz", (root / "CHANGELOG.md").read_bytes())
    _write(folder / "copyright", _copyright(contents, said))
    overrides = HERE / contents.name / "lintian-overrides"
    _write(tree / "usr/share/lintian/overrides" / contents.name, overrides.read_text("utf-8"))


def _copyright(contents: Contents, said: dict[str, Metadata]) -> str:
    lines = [
        "Whorl, open fingerprint identification for small county jails.",
        "Copyright 2026 the Whorl maintainers. Licence: Apache License 2.0,",
        "see /usr/share/common-licenses/Apache-2.0.",
        "",
        f"Brought along in /{contents.home}/lib, unchanged but for what no running program",
        "opens (types, headers, tests), each under its own licence and its authors' copyright;",
        "the texts are in NAME-VERSION.dist-info there:",
        "",
        *(f"  {name} {about.version}: {licence(about)}" for name, about in sorted(said.items())),
    ]
    return "\n".join(lines) + "\n"


def licence(about: Metadata) -> str:
    """The licence's name, from whichever field it stands in."""
    if about.license_expression:
        return about.license_expression
    named = [text.rpartition(":: ")[2] for text in about.classifiers or () if text.startswith("License ::")]
    if named:
        return ", ".join(named)
    first = (about.license or "").strip().splitlines()
    return first[0] if first else "see its text"


def write_control(
    contents: Contents, *, tree: Path, version: str, target: Target, libraries: Iterable[str]
) -> None:
    """The folder DEBIAN. Must come last: it has the checksums of everything else."""
    major, minor = target.python_pair
    python = [f"python3 (>= {target.python})", f"python3 (<< {major}.{minor + 1})"]
    fields = {
        "Package": contents.name,
        "Version": version,
        "Architecture": target.arch,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(_kibibytes(tree)),
        "Depends": ", ".join([*python, *libraries, *contents.depends]),
        "Recommends": ", ".join(contents.recommends),
        "Suggests": ", ".join(contents.suggests),
        "Section": "misc",
        "Priority": "optional",
        "Description": f"{contents.summary}\n{contents.description.rstrip()}",
    }
    folder = tree / "DEBIAN"
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
        for path in sorted(tree.rglob("*"))
        if path.is_file() and f"/{path.relative_to(tree)}" not in contents.conffiles
    ]
    folder.mkdir()
    _write(folder / "md5sums", "".join(sums))
    _write(folder / "control", "".join(f"{key}: {value}\n" for key, value in fields.items() if value))
    if contents.conffiles:
        _write(folder / "conffiles", "".join(f"{path}\n" for path in contents.conffiles))
    for name in SCRIPTS:
        script = HERE / contents.name / name
        if script.exists():
            shutil.copyfile(script, folder / name)
            (folder / name).chmod(0o755)


def _kibibytes(tree: Path) -> int:
    return sum(-(-path.stat().st_size // 1024) if path.is_file() else 1 for path in tree.rglob("*"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o644)
