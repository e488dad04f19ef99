"""The machine that a package is for: architecture, Python, C library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging import tags

from deploy.debian.errors import BuildError

if TYPE_CHECKING:
    from packaging.tags import Tag

# Debian's name, the kernel's name, and the number in an ELF header (e_machine).
MACHINES = {"arm64": ("aarch64", 183), "amd64": ("x86_64", 62)}
# Debian releases by their only Python, with the C library (glibc 2.x) that each has.
RELEASES = {"3.11": ("bookworm", 36), "3.13": ("trixie", 41)}
OLDEST_GLIBC = 17  # manylinux2014


@dataclass(frozen=True)
class Target:
    """An architecture of Debian and a Python."""

    arch: str
    python: str

    def __post_init__(self) -> None:
        if self.arch not in MACHINES:
            raise BuildError(f"ARCH={self.arch}: choose one of {', '.join(MACHINES)}")
        if self.python not in RELEASES:
            raise BuildError(
                f"PYTHON_DEB={self.python}: choose one of {', '.join(f'{k} ({v[0]})' for k, v in RELEASES.items())}"
            )

    def __str__(self) -> str:
        return f"{self.arch}, Python {self.python}"

    @property
    def machine(self) -> str:
        """As the kernel and the wheels call it."""
        return MACHINES[self.arch][0]

    @property
    def elf_machine(self) -> int:
        """As machine code calls it."""
        return MACHINES[self.arch][1]

    @property
    def glibc(self) -> int:
        """The minor version of the C library there."""
        return RELEASES[self.python][1]

    @property
    def python_pair(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def platforms(self) -> list[str]:
        """Platform tags of wheels that run there, the best first."""
        named = [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc, OLDEST_GLIBC - 1, -1)]
        return [*named, f"manylinux2014_{self.machine}"]

    @property
    def wheel_tags(self) -> list[Tag]:
        """All tags of wheels that run there, the best first."""
        interpreter = f"cp{self.python.replace('.', '')}"
        return [
            *tags.cpython_tags(self.python_pair, abis=[interpreter], platforms=self.platforms),
            *tags.compatible_tags(self.python_pair, interpreter=interpreter, platforms=self.platforms),
        ]

    @property
    def markers(self) -> dict[str, str]:
        """The values that requirements are asked for there (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }
