"""Which libraries a package brings: those that an extra of pyproject.toml needs, as requirements/lock.txt pins them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from deploy.debian.target import Target

HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One library at one version, and the SHA-256 of each file that it may come in."""

    name: str
    version: str
    hashes: frozenset[str]

    @property
    def line(self) -> str:
        """As pip reads it."""
        return " ".join(
            [f"{self.name}=={self.version}", *(f"--hash=sha256:{h}" for h in sorted(self.hashes))]
        )


def read_lock(text: str, target: Target) -> dict[str, Pin]:
    """The pins of a lock file that hold on the target, by name."""
    pins: dict[str, Pin] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text.replace("\\\n", " ")):
        line = entry.partition(" --hash")[0].strip()
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(target.markers):
            name = canonicalize_name(requirement.name)
            version = next(iter(requirement.specifier)).version
            pins[name] = Pin(name=name, version=version, hashes=frozenset(HASH.findall(entry)))
    return pins


def wanted(requirement: Requirement, target: Target, extras: Iterable[str] = ()) -> bool:
    """Whether it is asked for on the target, by somebody who was asked for with `extras`."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate(target.markers | {"extra": name}) for name in ("", *extras))


def closure(project: dict[str, Any], extra: str, pins: dict[str, Pin], target: Target) -> list[Pin]:
    """The pins that the project with `extra` needs on the target, by name.

    What a library asks for is read from the libraries of this environment, which the same lock file filled; what
    the packaged ones ask for is compared afterwards (`wheels.check_complete`).
    """
    roots = [*project["dependencies"], *project["optional-dependencies"][extra]]
    todo = [asked for asked in map(Requirement, roots) if wanted(asked, target)]
    seen: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, Pin] = {}
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        if name not in pins:
            raise BuildError(f"{name} is not in requirements/lock.txt: make lock")
        found[name] = pins[name]
        todo += [deeper for deeper in _requires(name) if wanted(deeper, target, requirement.extras)]
    return [found[name] for name in sorted(found)]


def _requires(name: str) -> Iterator[Requirement]:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise BuildError(f"{name} is locked but not installed here: make setup") from None
    return map(Requirement, distribution.requires or ())


def read_project(path: Path) -> dict[str, Any]:
    """The table `project` of a pyproject.toml."""
    return tomllib.loads(path.read_text("utf-8"))["project"]
