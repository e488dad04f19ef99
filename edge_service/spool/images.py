"""Images of prints, kept beside the spool until the matcher has taken those that it may, or will not have them.

A file of its own, sealed with the spool's key. It is never in the way of a booking: where there is no room, or the disk
fails, a submission goes without its images. What is in it belongs to a submission of the spool; see `image_offers`.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.at_rest import Format, SealedColumn, SealedFile, SealedStore, Unreadable
from edge_service.errors import SpoolError
from interchange.logs import facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_service.at_rest import Vault

log = logging.getLogger("edge.images")

FILE = "images.db"
IMAGE = SealedColumn("image", "picture", "name")
FORMAT = Format(
    name="images",
    version=1,
    schema="""
CREATE TABLE image (name TEXT PRIMARY KEY, tcn TEXT NOT NULL, number INTEGER NOT NULL, picture BLOB NOT NULL);
CREATE INDEX image_by_tcn ON image (tcn, number);
CREATE TABLE offer (tcn TEXT PRIMARY KEY, made INTEGER NOT NULL);
""",
    tables=frozenset({"image", "offer"}),
    sealed=(IMAGE,),
)


def images_path(spool: Path) -> Path:
    """Where the images of a spool are."""
    return spool.with_name(FILE)


def remove_images(path: Path) -> None:
    """Away with all that is kept, where images are not sent any more. What is left on the disk is sealed."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


class ImageStore(SealedStore):
    """See the module. Safe to use from several threads; raises SpoolError for anything the disk does."""

    def __init__(
        self,
        path: Path,
        *,
        vault: Vault,
        max_bytes: int = parameters.MAX_IMAGES_BYTES,
        disk_reserve_bytes: int = parameters.DISK_RESERVE_BYTES,
    ) -> None:
        """Open it, or make it; one that is damaged, or of a lost key, is set aside and a new one begun."""
        super().__init__(SealedFile(path, FORMAT, vault=vault, start_empty=True))
        self._max_bytes = max_bytes
        self._reserve = disk_reserve_bytes

    def keep(self, tcn: str, pictures: Mapping[int, bytes]) -> bool:
        """Keep the images of a submission that is about to be saved, by place. False, and none, if it cannot be."""
        if not pictures:
            return False
        size = sum(len(one) for one in pictures.values())
        try:
            held = self._file.read("SELECT COALESCE(SUM(LENGTH(picture)), 0) FROM image")[0][0]
            free = shutil.disk_usage(self.path.parent).free
            if held + size > self._max_bytes or free < self._reserve + size:
                log.warning("no room for images; the booking goes without", extra=facts(tcn=tcn, held=held))
                return False
            with self._file.transaction() as connection:
                for number, picture in pictures.items():
                    name = f"{tcn}/{number}"
                    connection.execute(
                        "INSERT INTO image (name, tcn, number, picture) VALUES (?, ?, ?, ?)",
                        (name, tcn, number, self._file.seal(picture, IMAGE, name)),
                    )
                connection.execute("INSERT INTO offer (tcn, made) VALUES (?, 0)", (tcn,))
        except (SpoolError, OSError) as error:
            log.warning("images not kept; the booking goes without", extra=facts(tcn=tcn, reason=error))
            return False
        return True

    def waiting(self) -> dict[str, int]:
        """Submissions with images, and how often they were offered."""
        return dict(self._file.read("SELECT tcn, made FROM offer ORDER BY rowid"))

    def count_offer(self, tcn: str) -> None:
        """It is offered once more."""
        self._file.write("UPDATE offer SET made = made + 1 WHERE tcn = ?", (tcn,))

    def image(self, tcn: str, number: int) -> bytes | None:
        """One image; None if it is not here, or damaged."""
        name = f"{tcn}/{number}"
        found = self._file.read("SELECT picture FROM image WHERE name = ?", (name,))
        try:
            return self._file.unseal(found[0][0], IMAGE, name) if found else None
        except Unreadable as error:
            log.error("a kept image is damaged", extra=facts(tcn=tcn, number=number, reason=error))  # noqa: TRY400
            return None

    def erase(self, tcn: str) -> bool:
        """Forget all images of a submission. False if there were none."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM image WHERE tcn = ?", (tcn,))
            return connection.execute("DELETE FROM offer WHERE tcn = ?", (tcn,)).rowcount > 0
