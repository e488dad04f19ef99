"""Runs the test functions of one file in MicroPython: `micropython runner.py FILE`, from the repository's root.

MicroPython has neither pytest nor unittest; the tests in `core/` therefore use bare `assert` and nothing of pytest.
Prints a line `run NAME` and, after it, `ok NAME`, or the traceback and `failed NAME`, which
`test_in_micropython.py` reads.
"""
# ruff: noqa: T201 - printing is how it tells

import gc
import sys


def run(path):
    """Run every function of the file whose name begins with test_, in the order of their names."""
    space = {"__name__": "core_test"}
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), space)
    for name in sorted(name for name in space if name.startswith("test_")):
        print("run", name)
        gc.collect()
        try:
            space[name]()
        except BaseException as error:  # noqa: BLE001 - also SystemExit and KeyboardInterrupt: a test must not end the run
            sys.print_exception(error, sys.stdout)
            print("failed", name)
        else:
            print("ok", name)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    sys.path.append(__file__.rsplit("/", 1)[0])  # for `helpers`, as conftest.py does it for pytest
    run(sys.argv[1])
