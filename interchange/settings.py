"""Settings files: TOML, one typed and bounded schema per program, versioned.

A key that the schema does not know is an error that names the nearest one it knows, because a misspelt
setting that is silently ignored is found out at the worst moment.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class SettingsError(Exception):
    """A settings file that cannot be used.

    Attributes:
        source: the file, or "command line".
        key: dotted path of the key that is wrong; empty if the file as a whole is.
        reason: what is wrong with it.
    """

    def __init__(self, source: str, key: str, reason: str) -> None:
        self.source = source
        self.key = key
        self.reason = reason
        super().__init__(f"{source}: {key}: {reason}" if key else f"{source}: {reason}")


class SettingsModel(BaseModel):
    """Base of all tables of settings: strict, frozen, no unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def completed(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """The file's tree with what the machine itself knows. Raises ValueError, "key: what is wrong"."""
        return tree


class TlsSettings(SettingsModel):
    """Files of a client of the broker, in PEM: the authority's root, our certificate, and its key."""

    ca: Path
    certificate: Path
    key: Path


class BrokerSettings(SettingsModel):
    """Where the broker is, and how patiently to speak to it. Without `tls`, only on a loopback."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    tls: TlsSettings | None = None
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 30
    connect_timeout_s: Annotated[float, Field(ge=0.2, le=60)] = 5.0
    # How long the broker keeps our subscriptions and what waits for us while we are away.
    session_expiry_s: Annotated[int, Field(ge=0, le=30 * 24 * 3600)] = 24 * 3600
    # First and longest pause between two attempts to connect; each is shortened at random.
    backoff_min_s: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    backoff_max_s: Annotated[float, Field(ge=0.05, le=3600)] = 30.0

    @model_validator(mode="after")
    def _not_in_the_clear(self) -> Self:
        if self.tls is None and not _is_loopback(self.host):
            raise ValueError(
                "tls: prints do not cross a network in the clear; give the files in [broker.tls]"
            )
        return self


S = TypeVar("S", bound=SettingsModel)


def load_settings(model: type[S], path: Path | None, assignments: Iterable[str] = ()) -> S:
    """Settings from the TOML file at `path`, if any, with `assignments` on top.

    An assignment is a dotted key and a value, as on the command line: ``broker.port=1884``. The value is read
    as TOML, and as plain text if it is none. Raises SettingsError, which names the key and, for an unknown
    one, the nearest that exists.
    """
    source = "command line" if path is None else str(path)
    tree = {"version": model.model_fields["version"].default} if path is None else _read(path)
    if "version" not in tree:
        raise SettingsError(source, "version", "is missing: write 'version = 1' at the top")
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError("command line", assignment, "expected KEY=VALUE")
        _put(tree, key.strip(), _value(value.strip()))
    _refuse_unknown(model, tree, source)
    try:
        tree = model.completed(tree)
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        raise SettingsError(source, key, reason) from None
    try:
        # Through JSON, so that strictness still takes a text for a path and a list for a tuple.
        return model.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(source, key, first["msg"].removeprefix("Value error, ")) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(str(path), "", f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), "", f"is not TOML: {error}") from None


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(tree: dict[str, Any], dotted: str, value: object) -> None:
    *tables, last = dotted.split(".")
    for table in tables:
        below = tree.setdefault(table, {})
        if not isinstance(below, dict):
            return  # the schema will say that this is no table
        tree = cast("dict[str, Any]", below)
    tree[last] = value


def _refuse_unknown(model: type[BaseModel], tree: Mapping[str, Any], source: str, above: str = "") -> None:
    for key, value in tree.items():
        field = model.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.0)
            raise SettingsError(source, above + key, f"is not a setting; did you mean '{above}{near[0]}'?")
        if not isinstance(value, dict):
            continue
        for kind in (field.annotation, *get_args(field.annotation)):  # a table, or one that may be missing
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                _refuse_unknown(kind, cast("dict[str, Any]", value), source, f"{above}{key}.")
