"""From modules to parts: every global gets a name of its own, imports among ourselves go, statements are put together.

Three parts: the entry, which the loader imports and which may be forgotten once it has built the application; what
the entry needs (at its top, or in its functions), loaded at once; and what is imported within other functions, loaded
later or never.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from firmware.build.errors import BuildError
from firmware.build.shrink.program import ENTRY_KEEPS, KERNEL_TYPES, PACKAGE, Module, Part, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

ALWAYS = f"{PACKAGE}.always"
LATER = f"{PACKAGE}.later"

_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def link(modules: dict[str, Module], *, entry: str, others: tuple[str, ...] = ()) -> Program:
    """Put the modules that `entry` reaches together; `others` stay modules of their own, as the entry does."""
    linker = _Linker(modules, entry)
    apart = (entry, *others)
    always, later = linker.reached_from(apart)
    groups = {ALWAYS: always, LATER: later} | {name: [name] for name in apart}
    for part, names in groups.items():
        for name in names:
            linker.part_of[name] = part
    program = Program([], linker.home, linker.kept)
    for part, names in groups.items():
        made = Part(part)
        for name in names:
            linker.add(modules[name], made)
        program.parts.append(made)
    return program


class _Linker:
    def __init__(self, modules: dict[str, Module], entry: str) -> None:
        self.modules = modules
        self.entry = entry
        self.part_of: dict[str, str] = {}
        self.home: dict[str, str] = {}
        self.kept: set[str] = set()
        self._bound = {name: _bindings(module.tree) for name, module in modules.items()}

    def reached_from(self, apart: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The modules that are always loaded and those that are loaded later, each after those it imports."""
        always: list[str] = []
        later: list[str] = []

        def go(name: str, into: list[str]) -> None:
            if name in always or name in into or name in apart:
                return
            for each in self._imported(self.modules[name].tree, within=False):
                go(each, into)
            into.append(name)

        for root in apart:
            for name in self._imported(self.modules[root].tree, within=True):
                go(name, always)
        waiting = list(always)
        while waiting:
            before = len(later)
            for name in self._imported(self.modules[waiting.pop()].tree, within=True):
                go(name, later)
            waiting += later[before:]
        return always, later

    def _imported(self, tree: ast.AST, *, within: bool) -> list[str]:
        """Modules of ours that a tree imports, at its top or anywhere."""
        nodes = ast.walk(tree) if within else getattr(tree, "body", [])
        found: list[str] = []
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and _is_ours(node.module):
                for alias in node.names:
                    below = f"{node.module}.{alias.name}"
                    found.append(below if below in self.modules else self._existing(node))
        return list(dict.fromkeys(found))

    def _existing(self, node: ast.ImportFrom) -> str:
        if node.module not in self.modules:
            raise BuildError(f"line {node.lineno}: there is no module {node.module}")
        return str(node.module)

    def add(self, module: Module, part: Part) -> None:
        """Append a module's statements to a part."""
        rename = _Globals(self, module.name, part)
        for statement in module.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue  # noted by those who use the names
            if _is_kernel_type(statement):
                continue
            new = rename.visit(statement)
            if new is not None:
                part.statements.append(new)

    def symbol(self, module: str, name: str) -> tuple[str, ...] | None:
        """What a global of a module is: ("ours", unique name), ("module", name), ("theirs", module, name)."""
        found = self._bound[module].get(name)
        if found is None:
            return None
        kind, source, inner = found
        if kind == "here":
            if module == "firmware.core.compat" and name in KERNEL_TYPES:
                return None
            unique = (
                name
                if module == self.entry and name in ENTRY_KEEPS
                else f"{module.replace('.', '_')}__{name}"
            )
            if unique == name:
                self.kept.add(name)
            self.home[unique] = self.part_of[module]
            return ("ours", unique)
        return self.target(source, inner)

    def target(self, source: str, inner: str) -> tuple[str, ...] | None:
        """What `from source import inner` (or `import source`, with "") brings."""
        if not _is_ours(source):
            return ("theirs", source, inner)
        if f"{source}.{inner}" in self.modules:
            return ("module", f"{source}.{inner}")
        found = self.symbol(source, inner)
        if found is None and inner not in KERNEL_TYPES:
            raise BuildError(f"{source} has no {inner}")
        return found


class _Globals(ast.NodeTransformer):
    """Replaces names of globals by their unique names, as far as no local name hides them."""

    def __init__(self, linker: _Linker, module: str, part: Part) -> None:
        self._linker = linker
        self._module = module
        self._part = part
        self._hidden: list[set[str]] = []
        self._borrowed: list[dict[str, tuple[str, ...] | None]] = []
        """Names that imports within the functions around bring."""

    def _meaning(self, name: str) -> tuple[str, ...] | None:
        for hidden, borrowed in zip(reversed(self._hidden), reversed(self._borrowed), strict=True):
            if name in borrowed:
                return borrowed[name]
            if name in hidden:
                return None
        return self._linker.symbol(self._module, name)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        meaning = self._meaning(node.id)
        if meaning is None:
            return node
        if meaning[0] == "ours":
            node.id = meaning[1]
        elif meaning[0] == "theirs":
            node.id = self._theirs(meaning[1], meaning[2])
        else:
            raise BuildError(
                f"{self._module}, line {node.lineno}: the module {meaning[1]} is used as a value"
            )
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            meaning = self._meaning(node.value.id)
            if meaning is not None and meaning[0] == "module":
                found = self._linker.target(meaning[1], node.attr)
                if found is not None and found[0] == "ours":
                    return ast.copy_location(ast.Name(found[1], node.ctx), node)
                raise BuildError(
                    f"{self._module}, line {node.lineno}: {ast.unparse(node)} is nothing of ours"
                )
        return self.generic_visit(node)

    def _theirs(self, source: str, inner: str) -> str:
        name = inner or source
        if self._part.imports.setdefault(name, (source, inner)) != (source, inner):
            raise BuildError(f"{self._module}: {name} is imported from two places")
        return name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        if not self._hidden:
            node.name = self._defined(node.name)
        self._enter(node)
        body: list[ast.stmt] = []
        for statement in node.body:
            new = self.visit(statement)
            if new is not None:
                body.append(new)
        node.body = body or [ast.Pass()]
        self._leave()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        self._enter(node)
        node.body = self.visit(node.body)
        self._leave()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.bases = [self.visit(each) for each in node.bases]
        if not self._hidden:
            node.name = self._defined(node.name)
        # A class's names are hidden from its methods: they reach them by `self`.
        body: list[ast.stmt] = []
        for statement in node.body:
            own = set() if isinstance(statement, ast.FunctionDef) else set(_stored(node))
            self._hidden.append(own)
            self._borrowed.append({})
            body.append(self.visit(statement))
            self._leave()
        node.body = body
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if not _is_ours(node.module):
            return node
        names: list[str] = []
        for alias in node.names:
            meaning = self._linker.target(str(node.module), alias.name)
            self._borrowed[-1][alias.asname or alias.name] = meaning
            if (
                meaning is not None
                and meaning[0] == "ours"
                and self._linker.home[meaning[1]] != self._part.name
            ):
                names.append(meaning[1])
        if not names:
            return None
        homes = {self._linker.home[name] for name in names}
        if len(homes) > 1:
            raise BuildError(f"{self._module}, line {node.lineno}: import from one part at a time")
        node.module = homes.pop()
        node.names = [ast.alias(name) for name in names]
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: ast.expr) -> ast.AST:
        self._enter(node)
        self.generic_visit(node)
        self._leave()
        return node

    def _enter(self, node: ast.AST) -> None:
        self._hidden.append(set(_stored(node)))
        self._borrowed.append({})

    def _leave(self) -> None:
        self._hidden.pop()
        self._borrowed.pop()

    def _defined(self, name: str) -> str:
        found = self._linker.symbol(self._module, name)
        return found[1] if found is not None else name


def _is_kernel_type(statement: ast.stmt) -> bool:
    """What stands in for viper's types on CPython."""
    if not isinstance(statement, ast.Assign):
        return False
    return all(isinstance(each, ast.Name) and each.id in KERNEL_TYPES for each in statement.targets)


def _is_ours(module: str | None) -> bool:
    return module is not None and (module == PACKAGE or module.startswith(PACKAGE + "."))


def _bindings(tree: ast.Module) -> dict[str, tuple[str, str, str]]:
    """Global name -> ("here", "", "") or ("import", module, name in it)."""
    bound: dict[str, tuple[str, str, str]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                bound[alias.asname or alias.name] = ("import", str(statement.module), alias.name)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                bound[alias.asname or alias.name] = ("import", alias.name, "")
    bound |= dict.fromkeys(_stored(tree), ("here", "", ""))
    return bound


def _stored(scope: ast.AST) -> Iterator[str]:
    """Names that a scope binds itself: not those within the functions, classes and comprehensions in it.

    Imports within a function that bring something of ours are no locals: they are looked through.
    """
    if isinstance(scope, _FUNCTIONS):
        arguments = scope.args
        for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            yield each.arg
        for each in (arguments.vararg, arguments.kwarg):
            if each is not None:
                yield each.arg
    declared = {
        name for node in _within(scope) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
    }
    for node in _within(scope):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load) and node.id not in declared:
                yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            yield node.name or ""
        elif not isinstance(scope, ast.Module):
            yield from _imported_names(node)


def _imported_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not _is_ours(node.module)):
        yield from (alias.asname or alias.name for alias in node.names)


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    if isinstance(scope, ast.Lambda):
        waiting: list[ast.AST] = [scope.body]
    elif isinstance(scope, ast.FunctionDef | ast.ClassDef):
        waiting = list(scope.body)
    else:
        waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
            continue
        waiting.extend(ast.iter_child_nodes(node))
