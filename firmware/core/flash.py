"""The board's file system, as little of it as an update needs.

Paths are texts that begin with a slash, below `root`: empty on a board, a folder for the unix port and in tests.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Flash:
    """Files below `root`. `limit_bytes` (0: none) makes a large disk as small as a board's flash.

    Methods raise OSError when the flash refuses.
    """

    def __init__(self, *, root: str, limit_bytes: int = 0):
        self.root = root
        self._limit_bytes = limit_bytes

    def block_bytes(self) -> int:
        """The smallest piece of flash that a file takes."""
        return os.statvfs(self.root or "/")[0]

    def free_bytes(self) -> int:
        """Room for more files."""
        facts = os.statvfs(self.root or "/")
        free = facts[1] * facts[4]
        if self._limit_bytes:
            free = min(free, self._limit_bytes - self._used("/"))
        return free

    def open(self, path: str, mode: str):
        """The file at `path`, "rb" or "wb"."""
        return open(self.root + path, mode)

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name, at which nothing is."""
        os.rename(self.root + old, self.root + new)

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        try:
            os.remove(self.root + path)
        except OSError as error:
            if error.args[0] != 2:  # ENOENT
                raise

    def make_folder(self, path: str) -> None:
        """Make a folder, unless it is there; the one above it has to be."""
        try:
            os.mkdir(self.root + path)
        except OSError as error:
            if error.args[0] != 17:  # EEXIST
                raise

    def remove_tree(self, path: str, *, progress: "Callable[[], None]") -> None:
        """Remove a folder with all in it, if it is there; `progress()` is called for every file."""
        try:
            names = os.listdir(self.root + path)
        except OSError:
            return
        for name in names:
            below = path + "/" + name
            if self._is_folder(below):
                self.remove_tree(below, progress=progress)
            else:
                self.remove(below)
            progress()
        os.rmdir(self.root + path)

    def _is_folder(self, path: str) -> bool:
        return bool(os.stat(self.root + path)[0] & 0x4000)

    def _used(self, path: str) -> int:
        used = 0
        for name in os.listdir(self.root + path):
            below = path.rstrip("/") + "/" + name
            used += self._used(below) if self._is_folder(below) else os.stat(self.root + below)[6]
        return used
