"""What can go wrong in a build. Each message says what the developer does next."""

from __future__ import annotations


class BuildError(Exception):
    """Base of what the build raises on purpose."""


class CompileError(BuildError):
    """mpy-cross is missing, or refuses a module.

    Attributes:
        module: the module's file, as the compiler was told; empty when there is no compiler.
    """

    def __init__(self, problem: str, *, module: str = "") -> None:
        self.module = module
        super().__init__(f"{module}: {problem}" if module else problem)


class KeyFileError(BuildError):
    """A signing key that cannot be used.

    Attributes:
        path: the key's file.
    """

    def __init__(self, path: object, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")
