"""What every store upon a sealed file can do: say what it is sealed with, be sealed anew, be closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from edge_service.at_rest.sealed_file import SealedFile
    from edge_service.at_rest.vault import Vault


class SealedStore:
    """A context manager that gives its file back."""

    def __init__(self, file: SealedFile) -> None:
        self.path: Path = file.path
        self._file = file

    @property
    def vault(self) -> Vault:
        """What it is sealed with."""
        return self._file.vault

    def reseal(self) -> int:
        """Seal everything with the key that is now the first of its key file; how many values."""
        return self._file.reseal()

    def close(self) -> None:
        """Give the file back, its log folded in. Nothing else may be called after."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
