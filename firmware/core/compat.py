"""What MicroPython has and CPython has not, so that one source runs on both.

On MicroPython the real `micropython` and `const` are passed through. On CPython the decorators do nothing and the
heap cannot be locked. `ptr8`, `ptr32` and `uint` are viper's types: its compiler knows them by name and never
looks here; on CPython they are only the annotations of `kernels.py`, and `uint(x)` is `int(x)`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., object])
    ptr8 = Any  # whatever has bytes: bytes, bytearray, memoryview
    ptr32 = array[int]  # pyright: ignore[reportIndexIssue] - never run
else:
    ptr8 = ptr32 = object

uint = int

ON_MICROPYTHON = sys.implementation.name == "micropython"

if TYPE_CHECKING or not ON_MICROPYTHON:

    def const(value: int) -> int:
        """A number that MicroPython's compiler puts in place of its name."""
        return value

    class micropython:  # noqa: N801 - stands in for the module of this name
        """The little of MicroPython's module that the firmware uses."""

        @staticmethod
        def viper(function: "F") -> "F":
            """Machine code with machine integers, on the board; here the function itself."""
            return function

        @staticmethod
        def native(function: "F") -> "F":
            """Machine code, on the board; here the function itself."""
            return function

        @staticmethod
        def heap_lock() -> None:
            """From here on an allocation raises MemoryError, on the board."""

        @staticmethod
        def heap_unlock() -> None:
            """The end of `heap_lock`."""

else:
    import micropython
    from micropython import const

    __all__ = ("const", "micropython")
