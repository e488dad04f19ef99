"""The shrinker: the same behaviour from fewer bytes, names that map one to one, tracebacks that can be read."""

import ast
import subprocess
from pathlib import Path

import pytest

from firmware.build import contents
from firmware.build.__main__ import SOURCE, loader
from firmware.build.errors import BuildError
from firmware.build.mpy import MpyCross
from firmware.build.shrink import shrink
from firmware.build.shrink.rename import foreign_names, free_names
from firmware.build.targets import TARGETS
from firmware.build.trace import LogReader
from hardware.bench.firmware_process import find_micropython

UNIX = next(target for target in TARGETS if target.name == "unix")


def shrunk(target=UNIX):
    files = {
        f"firmware/{path.relative_to(SOURCE).as_posix()}": path
        for path in contents.modules_of(target, SOURCE)
    }
    return shrink(files, entry=target.entry, others=target.programs)


def small(folder, **modules):
    """A made-up firmware of these modules, whose entry is `main`, shrunk."""
    files = {}
    for name, text in modules.items():
        path = folder / f"{name}.py"
        path.write_text(text)
        files[f"firmware/{name}.py"] = path
    return shrink(files, entry="firmware.main")


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_names_map_one_to_one_and_leave_the_loaders_contract_alone(target):
    found = shrunk(target)
    for names in (found.names.plain, found.names.attributes):
        assert len(names) > 200
        assert len(set(names.values())) == len(names)
        assert not names.keys() & {"build", "run", "root", "slot", "fell_back", "self", "ptr8", "uint"}
        assert not set(names.values()) & {"build", "run", "root", "slot", "fell_back", "self", "ptr8", "uint"}
    entry = ast.parse(found.texts[target.entry.replace(".", "/") + ".py"])
    (build,) = [node for node in entry.body if isinstance(node, ast.FunctionDef) and node.name == "build"]
    assert [each.arg for each in build.args.args] == ["root", "slot", "fell_back"]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_of_micropythons_is_renamed(target):
    found = shrunk(target)
    assert not found.names.attributes.keys() & foreign_names()
    used = {"read_into", "feed", "write", "ipoll", "readinto"} & found.names.attributes.keys()
    assert used == {"read_into"}, "of these only the first is nobody's but ours"


def test_the_free_names_are_what_the_interpreter_has():
    interpreter = find_micropython()
    if interpreter is None:
        pytest.skip("no MicroPython for this machine")
    told = "import micropython\nmicropython.qstr_info()\n"
    use = "".join(f"o.{name}\n" for name in free_names())
    program = f"{told}compile({use!r}, 'x', 'exec')\n{told}"
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=True)
    before, after = (line.split("n_qstr=")[1].split(",")[0] for line in done.stdout.splitlines())
    assert int(after) - int(before) <= 3, "the text itself and the names around it, no more"


def test_every_line_is_traced_to_its_source():
    found = shrunk()
    for file, text in found.texts.items():
        rows = text.splitlines()
        assert len(found.lines[file]) == len(rows) + 1
        for row, place in zip(rows, found.lines[file][1:], strict=True):
            if place:
                path, _, line = place.partition(" ")[0].rpartition(":")
                source = (SOURCE.parent / path).read_text("utf-8").splitlines()[int(line) - 1]
                word = row.split()[0].rstrip(":;")
                if word in {"def", "class", "return", "while", "for", "raise", "yield", "try"}:
                    assert word in source, (row, source)


def test_a_traceback_can_be_read():
    found = shrunk()
    reader = LogReader(
        {"plain": found.names.plain, "attributes": found.names.attributes, "lines": found.lines}
    )
    number = next(n for n, place in enumerate(found.lines["firmware/always.py"]) if place.endswith(" poll"))
    short = found.names.attributes["request_length"]
    read = reader.readable(f'  File "firmware/always.py", line {number}, in {short}\n')
    assert 'File "firmware/core/' in read
    assert ", in poll" in read
    assert reader.readable(f"AttributeError: 'X' object has no attribute '{short}'") == (
        "AttributeError: 'X' object has no attribute 'request_length'"
    )


def test_numbers_take_the_place_of_names_across_modules(tmp_path):
    found = small(
        tmp_path,
        numbers="from micropython import const\nA = const(5)\nB = A << 2\nUNUSED = 9\nNAMES = ('x', 'y')\n",
        main="from firmware import numbers\nfrom firmware.numbers import NAMES\n\n"
        "def build(root, slot, fell_back):\n    A = 1\n    return numbers.B + A + len(NAMES)\n",
    )
    assert list(found.texts) == ["firmware/main.py"]
    space = {}
    exec(found.texts["firmware/main.py"], space)
    assert space["build"]("", 0, False) == 23
    assert "20 + A + 2" in found.texts["firmware/main.py"]


def test_what_nobody_uses_goes_and_what_is_loaded_later_is_apart(tmp_path):
    found = small(
        tmp_path,
        part="class Thing:\n    def used(self):\n        from firmware.late import help_me\n        return help_me()\n"
        "    def unused(self):\n        return 1\n\ndef nobody():\n    return Thing\n",
        late="def help_me():\n    return 'late'\n",
        main="def build(root, slot, fell_back):\n    from firmware.part import Thing\n    return Thing().used()\n",
    )
    assert set(found.texts) == {"firmware/main.py", "firmware/always.py", "firmware/later.py"}
    assert len(ast.parse(found.texts["firmware/always.py"]).body) == 1
    assert "1" not in found.texts["firmware/always.py"]
    assert "late" in found.texts["firmware/later.py"]


def test_names_looked_up_by_text_are_refused(tmp_path):
    with pytest.raises(BuildError, match="globals"):
        small(tmp_path, main="def build(root, slot, fell_back):\n    return globals()\n")


def test_a_local_name_hides_a_global(tmp_path):
    found = small(
        tmp_path,
        other="count = [7]\n\ndef twice(count):\n    return [count for count in (count, count)]\n",
        main="from firmware import other\n\n"
        "def build(root, slot, fell_back):\n    return other.twice(3) + other.count\n",
    )
    spaces = {}
    text = found.texts["firmware/always.py"] + "\n" + found.texts["firmware/main.py"].split("\n", 1)[1]
    exec(text, spaces)
    assert spaces["build"]("", 0, False) == [3, 3, 7]


def test_the_loader_is_small_source_that_python_reads():
    found = loader(SOURCE)
    assert set(found.texts) == {"main.py", "loader.py", "boot_state.py"}
    for name, text in found.texts.items():
        ast.parse(text)
        assert len(text) < len((SOURCE / "boot" / name).read_text("utf-8"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_it_compiles_for_every_board(target):
    slot = contents.compiled(target, SOURCE, MpyCross.find())
    entry = Path(target.entry.replace(".", "/") + ".mpy").as_posix()
    assert {entry, "firmware/always.mpy", "firmware/later.mpy", "firmware/__init__.mpy"} <= slot.files.keys()
