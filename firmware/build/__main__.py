"""`python -m firmware.build`: what `make firmware` runs."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firmware.build import bundle, contents
from firmware.build.errors import BuildError
from firmware.build.mpy import MpyCross
from firmware.build.shrink import shrink_scripts
from firmware.build.signing import developers_key, load_key
from firmware.build.targets import LOADER, TARGETS, Target

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from firmware.build.shrink import Shrunk

SOURCE = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
TRACE_MAP = ".map.json"


def main(
    *,
    key: Annotated[
        Path | None,
        typer.Option(help="Ed25519 private key (PEM) to sign with. Without one, a developer's key is made."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the bundles.")] = Path("build/firmware"),
    board: Annotated[
        list[str] | None, typer.Option(help="Only this board: rp2040, rp2350 or unix. Can be repeated.")
    ] = None,
    folder: Annotated[
        bool,
        typer.Option(
            "--folder", help="Also lay out each board's flash as a folder, for a first installation."
        ),
    ] = False,
    source: Annotated[Path, typer.Option(help="Folder of the firmware's sources.")] = SOURCE,
    small: Annotated[
        bool,
        typer.Option(
            "--small/--plain",
            help="Make it small, or compile the modules as they are, which needs more memory.",
        ),
    ] = True,
) -> None:
    """Build the firmware: a signed bundle for each board, the same bytes from the same sources.

    Examples:
      python -m firmware.build --key firmware-key.pem --out release

      python -m firmware.build --board rp2040 --folder
    """
    try:
        targets = _chosen(board)
        signer, public = _signer(key, out)
        build(targets, source=source.resolve(), out=out, signer=signer, folders=folder, small=small)
    except BuildError as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None
    if public is not None:
        typer.secho(
            "Signed with the developer's key of this checkout; no edge service trusts it by itself. For a board on"
            f" your desk: edge-service firmware update FILE --trust {public}",
            fg=typer.colors.YELLOW,
        )


def build(
    targets: tuple[Target, ...],
    *,
    source: Path,
    out: Path,
    signer: Ed25519PrivateKey,
    folders: bool = False,
    small: bool = True,
) -> list[Path]:
    """Build bundles of `targets` from `source` into `out`; their paths. Raises BuildError.

    Beside each lies the map by which `firmware.build.trace` reads a board's tracebacks. `small=False` compiles the
    modules as they are.
    """
    compiler = MpyCross.find()
    version = contents.version_of(source)
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for target in targets:
        slot = contents.compiled(target, source, compiler, small=small)
        files = slot.files
        manifest = contents.manifest_of(target, files, version=version, mpy_version=compiler.mpy_version)
        path = out / bundle.file_name(version=version, board=target.name)
        path.write_bytes(bundle.pack(manifest, signer.sign(manifest), files))
        path.with_name(path.stem + TRACE_MAP).write_bytes(slot.trace_map)
        written.append(path)
        typer.echo(f"{path}  {len(files)} files, {path.stat().st_size} bytes")
        if folders:
            flash = path.with_suffix("")
            lay_out(flash, source=source, manifest=manifest, files=files)
            typer.echo(f"{flash}/  the flash of a new board")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in written]
    (out / SUMS).write_text("".join(sums), encoding="ascii")
    return written


def lay_out(flash: Path, *, source: Path, manifest: bytes, files: dict[str, bytes]) -> None:
    """Write a board's flash as a folder: the loader, and the application in slot 0."""
    if flash.exists():
        shutil.rmtree(flash)
    slot = flash / "slot0"
    for path, data in {**files, "manifest.json": manifest}.items():
        target = slot / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for name, text in loader(source).texts.items():
        (flash / name).write_text(text, encoding="ascii")


def loader(source: Path) -> Shrunk:
    """The loader's files: sources still, but small ones. Their names stay in a board's memory after they are gone."""
    return shrink_scripts({name: source / "boot" / name for name in LOADER}, keep=frozenset({"NoSlotStarts"}))


def _chosen(names: list[str] | None) -> tuple[Target, ...]:
    if not names:
        return TARGETS
    known = {target.name: target for target in TARGETS}
    for name in names:
        if name not in known:
            raise BuildError(f"--board {name}: expected one of {', '.join(known)}")
    return tuple(known[name] for name in names)


def _signer(key: Path | None, out: Path) -> tuple[Ed25519PrivateKey, Path | None]:
    """The signing key, and the public file of it if it is the developer's."""
    if key is None:
        return developers_key(out)
    try:
        return load_key(key), None
    except TypeError:
        passphrase = str(typer.prompt(f"Passphrase of {key}", hide_input=True))
    return load_key(key, passphrase=passphrase), None


if __name__ == "__main__":
    typer.run(main)
