"""Makes the firmware small before it is compiled: a board's memory is what it is loaded into.

    strip   docstrings, annotations, asserts, what is for CPython alone
    link    many modules become three: the entry, what is always loaded, what is loaded later
    fold    numbers take the place of their names
    prune   what nobody uses goes
    rename  short names, which MicroPython mostly has already

What the firmware does stays the same. `trace.py` reads a board's tracebacks backwards.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.build.shrink.fold import fold
from firmware.build.shrink.link import link
from firmware.build.shrink.program import Part, Program, origin_of, read
from firmware.build.shrink.prune import prune
from firmware.build.shrink.rename import Names, rename
from firmware.build.shrink.strip import strip

if TYPE_CHECKING:
    from pathlib import Path


_SHORT_HEADERS = ("if ", "elif ", "else:", "while ", "for ", "try:", "except", "finally:", "with ")


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A small firmware.

    Attributes:
        texts: file name -> source text.
        names: what is called differently now. Globals have their module in front: `firmware_core_app__App`.
        lines: file name -> line by line, where it came from: "firmware/core/app.py:17 step"; "" for nowhere.
    """

    texts: dict[str, str]
    names: Names
    lines: dict[str, list[str]]

    def trace_map(self) -> bytes:
        """Names and lines as JSON, for `firmware.build.trace`."""
        told = {"plain": self.names.plain, "attributes": self.names.attributes, "lines": self.lines}
        return json.dumps(told, sort_keys=True, indent=1).encode("ascii") + b"\n"


def shrink(files: dict[str, Path], *, entry: str, others: tuple[str, ...] = ()) -> Shrunk:
    """Shrink the modules in `files` (name that tracebacks show -> path), of which the loader imports `entry`.

    `others` are modules beside it that somebody imports by name. Raises BuildError.
    """
    modules = read(files)
    for module in modules.values():
        strip(module)
    program = link(modules, entry=entry, others=tuple(name for name in others if name in modules))
    fold(program)
    prune(program)
    names = rename(program)
    texts: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    for part in program.parts:
        if part.statements:
            file = part.name.replace(".", "/") + ".py"
            texts[file], lines[file] = _written(part, program)
    return Shrunk(texts, names, lines)


def shrink_scripts(files: dict[str, Path], *, keep: frozenset[str]) -> Shrunk:
    """Shrink modules that a board compiles itself: there even the names of local variables cost memory, for good.

    They stay modules of their own. `keep` are names that somebody else reads.
    """
    modules = read(files)
    program = Program([], {}, set())
    for module in modules.values():
        strip(module)
        program.parts.append(Part(module.file.removesuffix(".py"), module.tree.body))
        stored = (node for node in ast.walk(module.tree) if isinstance(node, ast.Name))
        program.home |= {node.id: "" for node in stored if not isinstance(node.ctx, ast.Load)}
    names = rename(program, keep=keep)
    written = {f"{part.name}.py": _text_and_lines(part.statements) for part in program.parts}
    return Shrunk(
        {file: text for file, (text, _) in written.items()},
        names,
        {file: lines for file, (_, lines) in written.items()},
    )


def _written(part: Part, program: Program) -> tuple[str, list[str]]:
    """The text of a part, and where each of its lines came from."""
    return _text_and_lines([*_imports(part, program), *part.statements])


def _text_and_lines(statements: list[ast.stmt]) -> tuple[str, list[str]]:
    tree = ast.Module(statements, [])
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    lines = [""] * (text.count("\n") + 1)
    # What was written and what is read are the same tree: so they are walked in step.
    for old, new in zip(ast.walk(tree), ast.walk(ast.parse(text)), strict=True):
        origin = origin_of(old)
        if origin is not None and isinstance(new, ast.stmt):
            lines[new.lineno] = "{}:{} {}".format(*origin)
    return _joined(text, lines)


def _joined(text: str, lines: list[str]) -> tuple[str, list[str]]:
    """Plain statements that follow each other share a line, and a block of nothing else goes behind its `if`.

    A board notes, byte by byte, where each line begins. In the list each line stands for the first statement in it.
    """
    written: list[str] = []
    first: list[str] = [""]
    rows = text.splitlines()
    for number, line in enumerate(rows, start=1):
        if not line:
            continue
        before = written[-1] if written else ""
        if _is_plain(line) and _is_plain(before) and _indent(before) == _indent(line):
            written[-1] += "; " + line.lstrip()
        else:
            written.append(line)
            first.append(lines[number])
    return _behind_headers(written, first)


def _behind_headers(rows: list[str], first: list[str]) -> tuple[str, list[str]]:
    written: list[str] = []
    kept: list[str] = [""]
    for at, line in enumerate(rows):
        after = rows[at + 1] if at + 1 < len(rows) else ""
        alone = _is_plain(line) and _indent(after) < _indent(line)
        if (
            alone
            and written
            and written[-1].endswith(":")
            and written[-1].lstrip().startswith(_SHORT_HEADERS)
        ):
            written[-1] += " " + line.lstrip()
        else:
            written.append(line)
            kept.append(first[at + 1])
    return "\n".join(written) + "\n", kept


def _is_plain(line: str) -> bool:
    return bool(line) and not line.endswith(":") and not line.lstrip().startswith("@")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _imports(part: Part, program: Program) -> list[ast.stmt]:
    statements: list[ast.stmt] = []
    whole = sorted(source for source, inner in part.imports.values() if not inner)
    if whole:
        statements.append(ast.Import([ast.alias(name) for name in whole]))
    froms: dict[str, list[str]] = {}
    for name, (source, inner) in sorted(part.imports.items()):
        if inner:
            froms.setdefault(source, []).append(name)
    for name in sorted(_foreign(part, program)):
        froms.setdefault(program.home[name], []).append(name)
    statements += [
        ast.ImportFrom(source, [ast.alias(name) for name in names], 0) for source, names in froms.items()
    ]
    return statements


def _foreign(part: Part, program: Program) -> set[str]:
    """Names of other parts that this one uses and no function of it imports by itself."""
    found: set[str] = set()

    def look(node: ast.AST, imported: frozenset[str]) -> None:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            imported |= {
                alias.name
                for each in ast.walk(node)
                if isinstance(each, ast.ImportFrom)
                for alias in each.names
            }
        if isinstance(node, ast.Name) and program.home.get(node.id, part.name) != part.name:
            found.update({node.id} - imported)
        for child in ast.iter_child_nodes(node):
            look(child, imported)

    for statement in part.statements:
        look(statement, frozenset())
    return found
