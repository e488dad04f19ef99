"""Settings files of older versions: found, backed up whole, then brought up to date one step at a time.

A program registers a step for each version that it has left behind: `STEPS[1]` makes of a file of version 1 one of
version 2. There are no steps yet, because there is only version 1.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from interchange.settings import SettingsError, SettingsModel, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Tree = dict[str, Any]
Steps = dict[int, "Callable[[Tree], Tree]"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done.

    Attributes:
        found: version of the file before.
        now: version of the file after; the same where nothing had to be done.
        backup: where the file is as it was, comments and all; None where nothing had to be done.
    """

    found: int
    now: int
    backup: Path | None = None


def version_of(model: type[SettingsModel]) -> int:
    """The version that a program speaks."""
    return int(model.model_fields["version"].default)


def file_version(path: Path) -> int:
    """The version that a file says it has. Raises SettingsError."""
    version = _read(path).get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SettingsError(str(path), "version", "expected a number from 1, as in 'version = 1'")
    return version


def migrate(
    path: Path, *, model: type[SettingsModel], steps: Mapping[int, Callable[[Tree], Tree]]
) -> Migrated:
    """Bring the file at `path` to the version of `model`.

    The file as it was stays beside it as ``{name}.v{version}.bak``, and a backup that is there already is never written
    over. The new file is checked before it takes the old one's place, so that a step that goes wrong changes nothing.
    Raises SettingsError.
    """
    found, wanted = file_version(path), version_of(model)
    if found == wanted:
        return Migrated(found, wanted)
    if found > wanted:
        raise SettingsError(
            str(path), "version", f"{found} is of a newer program; this one speaks {wanted}: update it"
        )
    tree = _read(path)
    for version in range(found, wanted):
        if version not in steps:
            raise SettingsError(
                str(path), "version", f"nobody knows how to get from {version} to {version + 1}"
            )
        tree = {**steps[version](tree), "version": version + 1}
    text = _as_toml(tree)
    half = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        _write_like(half, text.encode(), like=path)
        try:
            load_settings(model, half)
        except SettingsError as error:
            raise SettingsError(
                str(path), error.key, f"would be wrong after the migration: {error.reason}"
            ) from None
        backup = _back_up(path, found)
        half.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise SettingsError(str(path), "", f"cannot be migrated: {error.strerror}; it is as it was") from None
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
    return Migrated(found, wanted, backup)


def _back_up(path: Path, version: int) -> Path:
    backup = path.with_name(f"{path.name}.v{version}.bak")
    content = path.read_bytes()
    if backup.exists():
        if backup.read_bytes() == content:
            return backup
        raise SettingsError(
            str(path), "", f"{backup.name} is there already and is another file: put it away first"
        )
    _write_like(backup, content, like=path)
    return backup


def _write_like(path: Path, content: bytes, *, like: Path) -> None:
    """A new file, on the disk when this returns, with the owner and the rights of `like`."""
    state = like.stat()
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(content)
        with contextlib.suppress(PermissionError):
            os.fchown(file, state.st_uid, state.st_gid)
        os.fchmod(file, state.st_mode & 0o777)
        out.flush()
        os.fsync(file)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _read(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(str(path), "", f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), "", f"is not TOML: {error}") from None


def _as_toml(tree: Tree, above: str = "") -> str:
    """The kinds of values that our settings have: numbers, texts, truths, lists of them, and tables."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in tree.items() if not isinstance(v, dict)]
    for key, table in tree.items():
        if isinstance(table, dict):
            name = f"{above}{_key(key)}"
            lines += ["", f"[{name}]", _as_toml(cast("Tree", table), f"{name}.").strip("\n")]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in cast('list[object]', value))}]"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for the one character that JSON lets stand.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int | float):
        return str(value).lower()
    raise SettingsError("migration", "", f"no way to write a {type(value).__name__}")
