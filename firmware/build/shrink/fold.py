"""Numbers that have a name are put in place of it, over all modules, as MicroPython's `const` does within one."""

from __future__ import annotations

import ast
import copy
import operator
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from firmware.build.shrink.program import Program

_OPERATORS: dict[type[ast.AST], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}


def fold(program: Program) -> None:
    """Put numbers, and texts and tuples that are used once, in place of their names."""
    for part in program.parts:
        part.statements = [_Const().visit(statement) for statement in part.statements]
    values = _values(program)
    replace = _Replace(values)
    for part in program.parts:
        part.statements = [replace.visit(statement) for statement in part.statements]
    _inline(program)


def _values(program: Program) -> dict[str, ast.expr]:
    """Name -> its number, or a constant text or tuple, of every global that is bound once."""
    bound = Counter(name for part in program.parts for name in _bound(part.statements))
    values: dict[str, ast.expr] = {}
    changed = True
    while changed:
        changed = False
        for part in program.parts:
            for statement in part.statements:
                for name, value in _assigned(statement, values):
                    if name not in values and bound[name] == 1 and name not in program.kept:
                        values[name] = value
                        changed = True
    return values


def _assigned(statement: ast.stmt, values: dict[str, ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        number = _number(value, values)
        if number is not None:
            yield target.id, _literal(number)
        elif _is_constant(value):
            yield target.id, value
    elif isinstance(target, ast.Tuple) and all(isinstance(each, ast.Name) for each in target.elts):
        names = [each.id for each in target.elts if isinstance(each, ast.Name)]
        if isinstance(value, ast.Tuple):
            numbers = [_number(each, values) for each in value.elts]
        elif isinstance(value, ast.Call) and ast.unparse(value.func) == "range" and len(value.args) == 1:
            count = _number(value.args[0], values)
            numbers = list(range(count or 0))
        else:
            return
        for name, number in zip(names, numbers, strict=False):
            if number is not None:
                yield name, _literal(number)


def _number(node: ast.expr, values: dict[str, ast.expr]) -> int | None:  # noqa: PLR0911 - one for each kind
    """The whole number that an expression comes to, if it comes to one."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name) and node.id in values:
        return _number(values[node.id], values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand, values)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _number(node.left, values), _number(node.right, values)
        return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and isinstance(node.args[0], ast.Name):
        counted = values.get(node.args[0].id)
        if isinstance(counted, ast.Tuple):
            return len(counted.elts)
        if isinstance(counted, ast.Constant) and isinstance(counted.value, str | bytes):
            return len(counted.value)
    return None


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(_is_constant(each) for each in node.elts)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_constant(node.operand)
    return isinstance(node, ast.Constant)


def _literal(number: int) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-number)) if number < 0 else ast.Constant(number)


def _bound(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, ast.Global):
                yield from node.names


class _Const(ast.NodeTransformer):
    """`const(5)` is 5."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        is_const = isinstance(node.func, ast.Name) and node.func.id == "const" and len(node.args) == 1
        return node.args[0] if is_const else node


class _Replace(ast.NodeTransformer):
    """Names of numbers by the numbers, and lengths of what is constant."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            return node
        number = _number(node, self._values)
        return node if number is None else ast.copy_location(_literal(number), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        number = _number(node, self._values)
        return self.generic_visit(node) if number is None else ast.copy_location(_literal(number), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        number = _number(node, self._values)
        return self.generic_visit(node) if number is None else ast.copy_location(_literal(number), node)


def _inline(program: Program) -> None:
    """A text, or a tuple of constants, that is used in one place goes there."""
    values = {name: value for name, value in _values(program).items() if _number(value, {}) is None}
    used = Counter(
        node.id
        for part in program.parts
        for statement in part.statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    once = {name: value for name, value in values.items() if used[name] == 1}

    class Inline(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            if isinstance(node.ctx, ast.Load) and node.id in once:
                return ast.copy_location(copy.deepcopy(once[node.id]), node)
            return node

    for part in program.parts:
        part.statements = [Inline().visit(statement) for statement in part.statements]
