"""A new spool key, so that everything stays readable at any moment.

First the new key is put in front of the old one in the key file; then each file is sealed anew, in a transaction of
its own; then the old key leaves the key file. Whoever opens a file in between has both keys, and finishes that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge_service.at_rest.keys import CREDENTIAL, MAX_KEYS, new_key
from edge_service.errors import SpoolKeyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_service.at_rest.keys import KeyFile
    from edge_service.at_rest.vault import Vault


class Resealed(Protocol):
    """An open file that can be sealed anew."""

    @property
    def vault(self) -> Vault:
        """What it is sealed with."""
        ...

    def reseal(self) -> int:
        """Seal everything with the first key; how many values."""
        ...


def rekey(keys: KeyFile, files: Sequence[Resealed]) -> int:
    """Make a new key and seal `files` with it; how many values that were. Nothing else may have them open.

    Raises SpoolKeyError, SpoolError, SpoolFull: then every file can be read, with the keys that the key file has.
    """
    if not keys.ours:
        raise SpoolKeyError(
            keys.spool,
            key_path=keys.path,
            problem=f"is the service's credential {CREDENTIAL}: make a new one, a new key in its first line and the"
            " old one below, and start the service again (docs/operations.md, The key)",
        )
    # Opening has brought every file under the first of them; the rest are left from a change that was cut off.
    old = keys.load()[: MAX_KEYS - 1]
    new = new_key()
    keys.replace([new, *old])
    count = 0
    for file in files:
        file.vault.reload()
        count += file.reseal()
    keys.replace([new])
    for file in files:
        file.vault.reload()
    return count
