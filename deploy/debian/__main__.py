"""`python -m deploy.debian`: the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy.debian.build import Build
from deploy.debian.contents import PACKAGES, Contents
from deploy.debian.errors import BuildError
from deploy.debian.target import RELEASES, Target

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "deb"


def host_arch() -> str:
    """What this machine is, in Debian's words."""
    if shutil.which("dpkg") is None or shutil.which("dpkg-deb") is None:
        raise BuildError("dpkg-deb is not installed: sudo apt install dpkg")
    return subprocess.run(
        ["dpkg", "--print-architecture"],  # noqa: S607 - found above
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def find(name: str) -> Contents:
    """The package of that name."""
    if name not in PACKAGES:
        raise BuildError(f"no package {name}: choose of {', '.join(PACKAGES)}")
    return PACKAGES[name]


def build(
    *,
    arch: Annotated[str, typer.Option(help="arm64 or amd64; this machine's if not given.")] = "",
    python: Annotated[str, typer.Option(help="The target's Python: 3.11 is bookworm, 3.13 trixie.")] = next(
        iter(RELEASES)
    ),
    package: Annotated[
        list[str] | None, typer.Option(help="Only this one: whorl-kiosk, whorl-centre.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where packages and fetched wheels go.")] = OUT,
    version: Annotated[str, typer.Option(help="The package's version, instead of pyproject.toml's.")] = "",
    compression: Annotated[str, typer.Option(help="xz, zstd, gzip or none.")] = "xz",
) -> None:
    """Build the Debian packages. Needs pip, dpkg-deb and a Python of the target's version; no compiler, no root.

    Examples:
      python -m deploy.debian

      python -m deploy.debian --arch arm64 --package whorl-kiosk
    """
    begun = time.monotonic()

    def say(words: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r\033[K{words}", err=True, nl=False)
        elif "unpacking" not in words:
            typer.echo(words, err=True)

    try:
        chosen = [find(name) for name in package or PACKAGES]
        target = Target(arch=arch or host_arch(), python=python)
        out.mkdir(parents=True, exist_ok=True)
        builder = Build(root=ROOT, out=out, target=target, say=say, version=version, compression=compression)
        for contents in chosen:
            made = builder.package(contents)
            if sys.stderr.isatty():
                typer.echo("\r\033[K", err=True, nl=False)
            typer.echo(f"{made}  {made.stat().st_size / 1e6:.1f} MB")
    except BuildError as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None
    typer.echo(f"{time.monotonic() - begun:.0f} s", err=True)


if __name__ == "__main__":
    typer.run(build)
