"""The interpreter class of a runtime's package, imported when it is needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def interpreter_of(package: str) -> Callable[..., Any]:
    """`Interpreter` of `package.interpreter`.

    Raises ModuleNotFoundError, with the package's name, where it is not installed; ImportError where it is and
    cannot be loaded: a library of the system is missing, or the wheel is for another processor or another numpy.
    """
    try:
        return importlib.import_module(f"{package}.interpreter").Interpreter
    except ModuleNotFoundError as error:
        if error.name in {package, f"{package}.interpreter"}:
            raise
        raise ImportError(f"its module {error.name} is missing") from error
    except ImportError:
        raise
    except (OSError, AttributeError, SystemError, ValueError) as error:  # native modules fail in many ways
        raise ImportError(f"{type(error).__name__}: {error}") from error
