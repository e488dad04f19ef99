"""What only readers, the type checker and CPython need: docstrings, annotations, asserts, other interpreters' code."""

from __future__ import annotations

import ast

from firmware.build.shrink.program import Module, is_viper

_IS_MICROPYTHON = "sys.implementation.name == 'micropython'"
_KNOWN = {"TYPE_CHECKING": False, "ON_MICROPYTHON": True, _IS_MICROPYTHON: True}
_NOTHING_BUT_FACTS = frozenset({"TYPE_CHECKING", "ON_MICROPYTHON", "__all__"})


def strip(module: Module) -> None:
    """Strip one module, in place."""
    _Stripper().visit(module.tree)


class _Stripper(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and not body and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined] - every statement with a block has it
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:  # noqa: ARG002 - as the base has it
        return None

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        truth = _truth(node.test)
        if truth is None:
            return self.generic_visit(node)
        kept: list[ast.stmt] = []
        for statement in node.body if truth else node.orelse:
            new = self.visit(statement)
            kept.extend(new if isinstance(new, list) else [] if new is None else [new])
        return kept

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in _NOTHING_BUT_FACTS:
            return None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        assign = ast.copy_location(ast.Assign([node.target], node.value), node)
        assign.origin = node.origin  # type: ignore[attr-defined]
        return self.generic_visit(assign)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not is_viper(node):
            node.returns = None
            arguments = node.args
            for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                each.annotation = None
            for each in (arguments.vararg, arguments.kwarg):
                if each is not None:
                    each.annotation = None
        return self.generic_visit(node)


def _truth(test: ast.expr) -> bool | None:
    """What a condition about the interpreter comes to; None for any other."""
    if isinstance(test, ast.BoolOp):
        truths = [_truth(each) for each in test.values]
        decisive = isinstance(test.op, ast.Or)
        if decisive in truths:
            return decisive
        return None if None in truths else not decisive
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        truth = _truth(test.operand)
        return None if truth is None else not truth
    return _KNOWN.get(ast.unparse(test))
