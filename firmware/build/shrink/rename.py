"""Short names for ours, the same all over the program.

A name costs a board memory once, wherever it is used, unless MicroPython holds it already in its read-only memory: a
method of ours that is called `append` is free. So ours get names that MicroPython has and the program does not use,
and short ones when those are used up.

There are two maps, each one to one: attributes, and all other names. An attribute and a global may come to be called
alike, because nothing ever looks for the one where the other is. Otherwise what was called alike is called alike
afterwards, and what was called differently, differently. So nothing can be mixed up that was not before.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import json
import keyword
import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.build.shrink.program import CONTRACT, KERNEL_TYPES, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from firmware.build.shrink.program import Program

_SCOPES = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
_SHARED = "argument_"
_SPECIAL = frozenset({"const", "micropython", "viper", "native", "args", "value", "errno", "self"})


@cache
def _known() -> dict[str, list[str]]:
    """names.json: "free" were asked of the interpreters (test_firmware_shrink.py), "foreign" stand in their stubs."""
    known: dict[str, list[str]] = json.loads(
        Path(__file__).with_name("names.json").read_text(encoding="ascii")
    )
    return known


def free_names() -> list[str]:
    """Names that MicroPython holds in read-only memory."""
    return _known()["free"]


@cache
def foreign_names() -> frozenset[str]:
    """Names of MicroPython's own functions, attributes and arguments, which may be meant where one of them stands."""
    return frozenset([*_known()["foreign"], *free_names(), *dir(builtins), *keyword.kwlist])


@dataclass(frozen=True, slots=True)
class Names:
    """The maps: name in the sources -> name on the board."""

    plain: dict[str, str]
    attributes: dict[str, str]

    def apply(self, statement: ast.stmt) -> ast.stmt:
        """Rename, in place, what a statement says."""
        renamed: ast.stmt = _Renamer(self).visit(statement)
        return renamed


def rename(program: Program, *, keep: AbstractSet[str] = frozenset()) -> Names:
    """Rename in place all but `keep`."""
    share_arguments(program)
    names = choose(program, keep=keep)
    for part in program.parts:
        part.statements = [names.apply(statement) for statement in part.statements]
    program.home = {names.plain.get(name, name): part for name, part in program.home.items()}
    return names


def share_arguments(program: Program) -> None:
    """Arguments that nobody names in a call are the function's own affair: the first of each is called alike."""
    nodes = [node for part in program.parts for statement in part.statements for node in ast.walk(statement)]
    named = {node.arg for node in nodes if isinstance(node, ast.keyword)} | CONTRACT | _SPECIAL
    for node in nodes:
        if (
            isinstance(node, ast.FunctionDef)
            and sum(isinstance(each, _SCOPES) for each in ast.walk(node)) == 1
        ):
            own = {
                each.arg: f"{_SHARED}{at}" for at, each in enumerate(node.args.args) if each.arg not in named
            }
            for each in ast.walk(node):
                if isinstance(each, ast.Name):
                    each.id = own.get(each.id, each.id)
                elif isinstance(each, ast.arg):
                    each.arg = own.get(each.arg, each.arg)


def choose(program: Program, *, keep: AbstractSet[str] = frozenset()) -> Names:
    """Find names for all that may be renamed, and is not in `keep`."""
    finder = _Finder(program)
    for part in program.parts:
        finder.plain_in_use |= part.imports.keys()
        for statement in part.statements:
            finder.visit(statement)
    never = keep | CONTRACT | KERNEL_TYPES | _SPECIAL | set(free_names())
    foreign = foreign_names()
    plain = _may_be_renamed(finder.plain, never | set(dir(builtins)) | (foreign & finder.foreign_keywords))
    attributes = _may_be_renamed(finder.attributes, never | foreign)
    return Names(
        dict(zip(plain, _supply((finder.plain_in_use | set(dir(builtins))) - set(plain)), strict=False)),
        dict(zip(attributes, _supply(finder.attributes_in_use - set(attributes)), strict=False)),
    )


def _may_be_renamed(names: list[str], never: AbstractSet[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in never and not _is_dunder(name)]


def _supply(taken: set[str]) -> Iterator[str]:
    """Free names, then the shortest there are, without those in use."""
    letters = string.ascii_letters
    short = ("".join(each) for size in (1, 2, 3) for each in itertools.product(letters, repeat=size))
    known = set(free_names())
    taken = taken | {PACKAGE, *_SPECIAL, *CONTRACT, *KERNEL_TYPES, *keyword.kwlist}
    for name in itertools.chain(free_names(), (name for name in short if name not in known)):
        if name not in taken:
            yield name


class _Finder(ast.NodeVisitor):
    """Names that end in the compiled modules because we define them (not those of local variables), and all in use."""

    def __init__(self, program: Program) -> None:
        self._home = program.home
        self.plain: list[str] = []
        self.attributes: list[str] = []
        self.plain_in_use: set[str] = set()
        self.attributes_in_use: set[str] = set()
        self.foreign_keywords: set[str] = set()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.plain.append(node.name)
        own = names_of_class(node)
        self.attributes += own
        self.attributes_in_use.update(own)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes_in_use.add(node.attr)
        if not isinstance(node.ctx, ast.Load):
            self.attributes.append(node.attr)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if not (isinstance(node.func, ast.Name) and node.func.id in self._home):
            self.foreign_keywords |= {each.arg for each in node.keywords if each.arg}
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        self.plain_in_use |= {value for _, value in ast.iter_fields(node) if isinstance(value, str)}
        if isinstance(node, ast.FunctionDef):
            self.plain.append(node.name)
        elif isinstance(node, ast.arg):
            self.plain.append(node.arg)
        elif isinstance(node, ast.Name) and node.id in self._home:
            self.plain.append(node.id)
        super().generic_visit(node)


def names_of_class(node: ast.ClassDef) -> list[str]:
    """Methods and attributes that stand in the class itself."""
    found: list[str] = []
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            found.append(statement.name)
        elif isinstance(statement, ast.Assign):
            found += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return found


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class _Renamer(ast.NodeTransformer):
    """Replaces identifiers, wherever they stand; texts stay."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._names.attributes.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._names.plain.get(node.name, node.name)
        node.bases = [self.visit(each) for each in node.bases]
        rename = self._names.attributes
        names = set(names_of_class(node))
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                # What is named directly in a class is the class's own: methods in a table, say.
                own = [
                    (each, each.id)
                    for each in ast.walk(statement)
                    if isinstance(each, ast.Name) and each.id in names
                ]
                self.visit(statement)
                for each, name in own:
                    each.id = rename.get(name, name)
            elif isinstance(statement, ast.FunctionDef):
                name = statement.name
                self.visit(statement)
                statement.name = rename.get(name, name)
            else:
                self.visit(statement)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        for alias in node.names:
            self.visit(alias)
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.Attribute):
            for name, value in ast.iter_fields(node):
                if isinstance(value, str):
                    setattr(node, name, self._names.plain.get(value, value))
        return super().generic_visit(node)
