"""The centre's own keys, by which its word is known and to which kiosks seal: a generation of two in each folder.

    centre/0001/signing.key  sealing.key  made

A running matcher looks at the folder again when it changes, so that a new generation counts at once. A kiosk learns
of it in a message signed by the generation that it knows. The older ones are accepted for `CENTRE_GRACE_DAYS`.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from interchange.envelope_keys import PrivateKey
from interchange.errors import EnvelopeError
from interchange.provisioning import CentreKeys
from interchange.whole_file import make_private_folder, sync_folder, write_whole
from matcher_service.authority import parameters
from matcher_service.authority.errors import AuthorityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "centre"


@dataclass(frozen=True, slots=True)
class Generation:
    """One pair of keys, and when it was made."""

    number: int
    signing: PrivateKey
    sealing: PrivateKey
    made_at: datetime

    @property
    def public(self) -> CentreKeys:
        """What kiosks are told of it."""
        return CentreKeys(
            generation=self.number,
            signing=self.signing.public.pem.decode("ascii"),
            sealing=self.sealing.public.pem.decode("ascii"),
        )


class CentreKeyring:
    """The generations in an authority's folder. Safe from several threads. Raises AuthorityError."""

    def __init__(self, authority: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = authority / FOLDER
        self._now = now
        self._lock = threading.Lock()
        self._seen = -1
        self._generations: list[Generation] = []

    @property
    def generations(self) -> list[Generation]:
        """Those that are accepted, the newest first."""
        with self._lock:
            try:
                changed = self.folder.stat().st_mtime_ns if self.folder.is_dir() else 0
                if changed != self._seen:
                    self._generations = [_load(p) for p in sorted(self.folder.glob("[0-9]*"), reverse=True)]
                    self._seen = changed
            except (OSError, ValueError, EnvelopeError) as error:
                raise AuthorityError(
                    self.folder, f"the centre's keys cannot be read: {error}; restore them from a backup"
                ) from None
            if not self._generations:
                raise AuthorityError(
                    self.folder, "holds no keys; make them with: matcher-service authority rotate"
                )
            return list(self._generations)

    @property
    def newest(self) -> Generation:
        """The one that kiosks are to use."""
        return self.generations[0]

    def known_to(self, generation: int) -> Generation:
        """The generation that a device knows, or the newest if that is gone."""
        found = self.generations
        return next((one for one in found if one.number == generation), found[0])

    def rotate(self, *, drop_older: bool = False) -> Generation:
        """Make a new generation. Those that it replaced too long ago are erased, or all older ones at once."""
        make_private_folder(self.folder)
        numbers = sorted(int(path.name) for path in self.folder.glob("[0-9]*"))
        number = numbers[-1] + 1 if numbers else 1
        half = self.folder / f".{number:04d}.new"
        shutil.rmtree(half, ignore_errors=True)
        make_private_folder(half)
        for name in ("signing.key", "sealing.key"):
            write_whole(half / name, PrivateKey.generate().pem)
        write_whole(half / "made", self._now().isoformat().encode("ascii"))
        half.rename(self.folder / f"{number:04d}")
        sync_folder(self.folder)
        for older, successor in zip(numbers, [*numbers[1:], number], strict=False):
            replaced_at = _load(self.folder / f"{successor:04d}").made_at
            if drop_older or self._now() - replaced_at > timedelta(days=parameters.CENTRE_GRACE_DAYS):
                shutil.rmtree(self.folder / f"{older:04d}")
        sync_folder(self.folder)
        return self.newest


def _load(folder: Path) -> Generation:
    return Generation(
        number=int(folder.name),
        signing=PrivateKey.read((folder / "signing.key").read_bytes()),
        sealing=PrivateKey.read((folder / "sealing.key").read_bytes()),
        made_at=datetime.fromisoformat((folder / "made").read_text(encoding="ascii")),
    )
