"""The manifest of a bundle: which board it is for, and what each file has to be."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from edge_service.firmware_update import parameters

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]{1,64}$")]


class ManifestError(ValueError):
    """Not a manifest; the message says which field and why."""


class Part(BaseModel):
    """Base of the manifest's parts: strict, frozen, no unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class ManifestFile(Part):
    """One file, as it has to be in the bundle and on the board."""

    path: Annotated[str, StringConstraints(max_length=parameters.MAX_PATH_CHARACTERS, pattern="^firmware/")]
    size: Annotated[int, Field(ge=0, le=parameters.MAX_FIRMWARE_BYTES)]
    sha256: Sha256


class Manifest(Part):
    """What was signed.

    Attributes:
        format: of the manifest; 1.
        version: of the firmware.
        board: which kind of board; "rp2040", "rp2350" or "unix".
        link_protocol: the protocol that this firmware speaks with the Pi.
        mpy: version of the .mpy files, which the board's MicroPython has to share.
        arch: machine code in them.
        entry: module that the loader starts.
        files: sorted by path.
    """

    format: Literal[1]
    version: Version
    board: Word
    link_protocol: Annotated[int, Field(ge=1, le=255)]
    mpy: Word
    arch: Word
    entry: Word
    files: Annotated[tuple[ManifestFile, ...], Field(min_length=1, max_length=parameters.MAX_FILES)]

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Read it. Raises ManifestError; only the canonical form is a manifest."""
        if len(data) > parameters.MAX_MANIFEST_BYTES:
            raise ManifestError(f"it is too long ({len(data)} bytes)")
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ManifestError(f"{where}: {first['msg']}" if where else first["msg"]) from None
        if manifest.encode() != data:
            raise ManifestError("it is not in its canonical form")
        paths = [file.path for file in manifest.files]
        if paths != sorted(set(paths)):
            raise ManifestError("its files are not sorted, or one is in it twice")
        return manifest

    def encode(self) -> bytes:
        """The canonical form: JSON with sorted keys and no spaces, in ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode("ascii")

    @property
    def total_bytes(self) -> int:
        """Of all files together."""
        return sum(file.size for file in self.files)


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; an unreadable one is older than any."""
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        return ()
