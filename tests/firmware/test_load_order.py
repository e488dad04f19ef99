"""The list in firmware/core/load_order.py against what the modules really import."""

import ast
from pathlib import Path

from firmware.core.load_order import NAMES

CORE = Path(__file__).parents[2] / "firmware" / "core"


def imported(name):
    """Modules of firmware.core that `name` imports when it is loaded, not those for the type checker alone."""
    found = set()

    def walk(nodes):
        for node in nodes:
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.If | ast.Try):
                walk(node.body)
            elif isinstance(node, ast.ImportFrom) and node.module == "firmware.core":
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("firmware.core."):
                found.add(node.module.split(".")[2])

    walk(ast.parse((CORE / f"{name}.py").read_text(encoding="utf-8")).body)
    return found


def test_each_comes_after_what_it_imports():
    for at, name in enumerate(NAMES):
        assert imported(name) <= set(NAMES[:at]), f"{name} imports {imported(name) - set(NAMES[:at])}, loaded later"


def test_it_is_all_that_the_app_needs():
    needed, todo = set(), ["app"]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo.extend(imported(name))
    assert set(NAMES) == needed
