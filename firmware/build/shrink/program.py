"""A firmware as the shrinker sees it: the modules' trees, and the few modules that they become."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from firmware.build.errors import CompileError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "firmware"
KERNEL_TYPES = frozenset({"ptr8", "ptr32", "uint"})
"""viper's compiler knows these by name."""
ENTRY_KEEPS = frozenset({"build", "main"})
"""What others call in the entry module: the loader, and `python -m`."""
CONTRACT = frozenset({"build", "main", "run", "root", "slot", "fell_back"})
"""What the loader says to the firmware, which is not renamed (docs/firmware-update.md)."""


@dataclass(slots=True)
class Module:
    """One module: its dotted name, the file that tracebacks name, and its tree."""

    name: str
    file: str
    tree: ast.Module


@dataclass(slots=True)
class Part:
    """A module that is written: several modules' statements, in the order in which they were loaded.

    Attributes:
        name: dotted.
        statements: all but the imports of the top level.
        imports: `import x` and `from x import y` of MicroPython's own modules: local name -> (module, name or "").
    """

    name: str
    statements: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Program:
    """The parts, and in which of them each global name is. Names are unique over all parts."""

    parts: list[Part]
    home: dict[str, str]
    kept: set[str]


def read(files: dict[str, Path]) -> dict[str, Module]:
    """The modules in `files` (the name that tracebacks show -> where it lies). Raises CompileError."""
    modules: dict[str, Module] = {}
    for shown, path in sorted(files.items()):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise CompileError(str(error), module=shown) from None
        _note_origins(tree, shown, "<module>")
        name = shown.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        modules[name] = Module(name, shown, tree)
    return modules


def _note_origins(node: ast.AST, file: str, function: str) -> None:
    if isinstance(node, ast.stmt):
        node.origin = (file, node.lineno, function)  # type: ignore[attr-defined] - carried through every step
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = node.name
    for child in ast.iter_child_nodes(node):
        _note_origins(child, file, function)


def origin_of(node: ast.AST) -> tuple[str, int, str] | None:
    """The source file, the line and the function of a statement, if it came from one."""
    return getattr(node, "origin", None)


def is_viper(node: ast.FunctionDef) -> bool:
    """Whether a function becomes machine code."""
    return any(ast.unparse(each) == "micropython.viper" for each in node.decorator_list)
