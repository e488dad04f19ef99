"""What nobody uses goes: globals, methods, attributes that are set and never read, imports.

Methods and attributes go by their name: one is used if any attribute of that name is read anywhere. That is sound as
long as nobody looks names up by text, which `check` makes sure of.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

from firmware.build.errors import BuildError
from firmware.build.shrink.program import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware.build.shrink.program import Part, Program

_BY_TEXT = frozenset({"globals", "locals", "vars", "setattr", "delattr", "eval", "exec"})
_HARMLESS_CALLS = frozenset({"bytes", "bytearray", "tuple", "range", "len"})


def prune(program: Program) -> None:
    """Drop it, until nothing more can go."""
    while _prune_once(program):
        pass
    for part in program.parts:
        used = set(_loads(part.statements))
        part.imports = {name: source for name, source in part.imports.items() if name in used}
        _drop_imports_within(part, used)
    check(program)


def check(program: Program) -> None:
    """Raise BuildError for what looks names up by text, which may have gone or be called something else."""
    for node in _nodes(program):
        if isinstance(node, ast.Name) and node.id in _BY_TEXT:
            raise BuildError(f"the firmware must not use {node.id}: its names are shortened")


def _prune_once(program: Program) -> bool:
    loads = Counter(name for part in program.parts for name in _loads(part.statements))
    attributes = {
        node.attr
        for node in _nodes(program)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    for node in _nodes(program):
        if isinstance(node, ast.ClassDef):
            attributes |= set(_loads([each for each in node.body if isinstance(each, ast.Assign)]))
    dropper = _Dropper(attributes)
    changed = False
    for part in program.parts:
        kept = [each for each in part.statements if _is_needed(each, loads, program)]
        changed = changed or len(kept) < len(part.statements)
        part.statements = [dropper.visit(statement) for statement in kept]
    return _blank_unread_arguments(program) or changed or dropper.changed


def _is_needed(statement: ast.stmt, loads: Counter[str], program: Program) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        # What a function says of itself is no use of it; classes may name themselves only in annotations, gone by now.
        own = sum(name == statement.name for name in _loads([statement]))
        return statement.name in program.kept or loads[statement.name] > own
    if isinstance(statement, ast.Assign) and _is_harmless(statement.value, program):
        names = [
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        plain = all(isinstance(each, ast.Name | ast.Tuple) for each in statement.targets)
        return not plain or any(loads[name] or name in program.kept for name in names)
    return True


def _is_harmless(value: ast.expr, program: Program) -> bool:
    """Whether leaving it out changes nothing: no calls but of what only makes an object."""
    return all(
        isinstance(node.func, ast.Name) and (node.func.id in _HARMLESS_CALLS or node.func.id in program.home)
        for node in ast.walk(value)
        if isinstance(node, ast.Call)
    )


class _Dropper(ast.NodeTransformer):
    """Unused methods, and attributes of `self` that nobody reads."""

    def __init__(self, used: set[str]) -> None:
        self._used = used
        self.changed = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        kept: list[ast.stmt] = []
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and not self._is_used(statement.name):
                self.changed = True
            else:
                kept.append(self.visit(statement))
        node.body = kept or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        targets = [each for each in node.targets if not self._is_unread(each)]
        if len(targets) < len(node.targets) and (targets or isinstance(node.value, ast.Name | ast.Constant)):
            self.changed = True
            node.targets = targets
            return node if targets else None
        return node

    def _is_unread(self, target: ast.expr) -> bool:
        return isinstance(target, ast.Attribute) and not self._is_used(target.attr)

    def _is_used(self, name: str) -> bool:
        return name in self._used or name in CONTRACT or name.startswith("__")


def _blank_unread_arguments(program: Program) -> bool:
    """A text that is handed to a class whose `__init__` does not look at it need not be there: None is."""
    unread: dict[str, set[int]] = {}
    for part in program.parts:
        for statement in part.statements:
            if isinstance(statement, ast.ClassDef):
                unread[statement.name] = _unread(statement)
    changed = False
    for node in _nodes(program):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for at in unread.get(node.func.id, ()):
                if at < len(node.args):
                    value = node.args[at]
                    if isinstance(value, ast.Constant) and value.value is not None:
                        node.args[at] = ast.Constant(None)
                        changed = True
    return changed


def _unread(of: ast.ClassDef) -> set[int]:
    for method in of.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__" and method.args.vararg is None:
            loads = set(_loads(method.body))
            return {at for at, each in enumerate(method.args.args[1:]) if each.arg not in loads}
    return set()


def _drop_imports_within(part: Part, used: set[str]) -> None:
    class Imports(ast.NodeTransformer):
        def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
            return node if node.names else None

    part.statements = [Imports().visit(statement) for statement in part.statements]


def _nodes(program: Program) -> Iterator[ast.AST]:
    for part in program.parts:
        for statement in part.statements:
            yield from ast.walk(statement)


def _loads(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id
