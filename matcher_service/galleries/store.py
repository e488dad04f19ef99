"""The durable gallery of one repository: segments, a journal, a manifest. `docs/gallery.md` says why it is safe.

Order of every change: into the journal, on the disk, into memory, acknowledged. Order of every compaction: the
new file on the disk, then the manifest that names it, then the old files go.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from interchange.logs import facts
from matcher_service.galleries import parameters
from matcher_service.galleries.building import claim, write_anew
from matcher_service.galleries.contents import Contents
from matcher_service.galleries.errors import GalleryDamaged, GalleryError, GalleryOutdated, GalleryWriteFailed
from matcher_service.galleries.folder import (
    damaged_files,
    journal_name,
    next_number,
    remove_leftovers,
    segment_name,
)
from matcher_service.galleries.journal import Change, Journal, Mark, Replay, replay
from matcher_service.galleries.manifest import MANIFEST_NAME, read_manifest, write_manifest
from matcher_service.galleries.merging import write_segment
from matcher_service.galleries.segment import open_segment
from matcher_service.galleries.source import NO_KEYS, PrintSource
from matcher_service.search.shelf import Shelf, join, keys_array

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from matcher_service.galleries.building import StoreOptions
    from matcher_service.galleries.lock import FolderLock

log = logging.getLogger("matcher.galleries")


class GalleryStore(PrintSource):
    """See the module. Made by `open` or `build`, ended by `close`."""

    def __init__(self, folder: Path, options: StoreOptions, lock: FolderLock) -> None:
        """For `open` and `build`."""
        super().__init__(pack=options.pack)
        self.folder = folder
        self._options = options
        self._disk = options.disk
        self._lock = lock
        self._writing = threading.RLock()  # one change after the other
        self._memory = threading.Lock()  # what shelves() reads; never held while the disk works
        self._compacting = threading.Lock()
        self._background: threading.Thread | None = None
        self._cancel = threading.Event()
        self._retry_at = 0.0
        self._erase_wanted = self._erase_done = 0  # how often it was asked for
        self._closed = False
        try:
            self._recover()
        except OSError as error:
            raise GalleryWriteFailed(folder, f"cannot be used: {error.strerror}") from None

    # -- making

    @classmethod
    def open(cls, folder: Path, options: StoreOptions) -> Self:
        """Open what is there. Raises GalleryOutdated, GalleryDamaged, GalleryLocked, GalleryWriteFailed."""
        lock = claim(folder, wait_s=options.lock_wait_s)
        with _released_after_an_error(lock):
            return cls(folder, options, lock)

    @classmethod
    def build(cls, folder: Path, options: StoreOptions, shelves: Iterable[Shelf], *, mark: Mark) -> Self:
        """Make it anew from shelves, each at most a few hundred thousand prints, and open it.

        What was there stays as it is until all is written. Raises GalleryLocked, GalleryWriteFailed.
        """
        lock = claim(folder, wait_s=options.lock_wait_s)
        with _released_after_an_error(lock):
            write_anew(folder, options, shelves, mark=mark)
            return cls(folder, options, lock)

    def _recover(self) -> None:
        self._manifest = found = read_manifest(self.folder)
        if found.stamp.digest != self._options.digest:
            raise GalleryOutdated(self.folder, "was packed by another version")
        if found.repository != self._options.repository:
            path = self.folder / MANIFEST_NAME
            raise GalleryDamaged(path, f"is that of the repository '{found.repository}'")
        self._contents = Contents([open_segment(self.folder / name, found.stamp) for name in found.segments])
        replays = [replay(self.folder / name, found.stamp) for name in found.journals]
        changes = [change for each in replays for change in each.changes]
        self._contents.replay(changes)
        self.mark = changes[-1].mark if changes else replays[0].mark
        self._cut_what_was_torn(replays)
        remove_leftovers(self._disk, self.folder, {*found.segments, *found.journals})
        self._number = next_number(self.folder)
        path = self.folder / found.journals[-1]
        self._journal: Journal | None = Journal.resume(self._disk, path, replays[-1])
        self._dead_since = time.monotonic() if self._contents.dead else None

    def _cut_what_was_torn(self, replays: Sequence[Replay]) -> None:
        """Only what was written last can be torn: a journal with records behind it was complete."""
        paths = [self.folder / name for name in self._manifest.journals]
        for age, (path, each) in enumerate(zip(paths, replays, strict=True)):
            if not each.torn:
                continue
            if any(later.changes or later.torn for later in replays[age + 1 :]):
                raise GalleryDamaged(path, f"has a record that is not what was written (byte {each.size})")
            log.warning(
                "a record that was never finished is cut off the journal",
                extra=facts(file=path, bytes=each.torn),
            )
            Journal.resume(self._disk, path, each).close()

    # -- changing and reading

    def apply(
        self, *, removed: NDArray[np.uint64] = NO_KEYS, added: Shelf | None = None, mark: Mark | None = None
    ) -> int:
        """As `PrintSource` says. On return it is on the disk."""
        with self._writing:
            if self._closed:
                raise ValueError("the gallery is closed")
            change = Change(removed, join([]) if added is None else added, mark or self.mark)
            if not len(removed) and not len(change.added.position) and change.mark == self.mark:
                return 0
            if self._journal is not None:
                self._journal.append(change)
            with self._memory:
                gone = self._contents.take_in(change)
            self.mark = change.mark
            if gone and self._dead_since is None:
                self._dead_since = time.monotonic()
        self.maintain()
        return gone

    def shelves(self) -> tuple[Shelf, ...]:
        """Segments, oldest first, each sorted by position and owner; then newer prints, as they came."""
        with self._memory:
            return self._contents.shelves()

    def __len__(self) -> int:
        with self._memory:
            return len(self._contents)

    def __contains__(self, key: object) -> bool:
        try:
            words = keys_array([str(key)])
        except ValueError:
            return False
        with self._memory:
            return words in self._contents

    @property
    def dead(self) -> int:
        """Prints that were deleted and still take room."""
        with self._memory:
            return self._contents.dead

    def detach(self) -> None:
        """Go on in memory only, because the disk fails. The next start takes up where the files are."""
        self._cancel.set()
        with self._writing:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def close(self) -> None:
        """Stop a compaction that is under way, and let go of the folder."""
        self._cancel.set()
        if self._background is not None:
            self._background.join()
        with self._compacting, self._writing:
            if self._closed:
                return
            self._closed = True
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            self._lock.release()

    # -- compaction

    def maintain(self) -> None:
        """Begin a compaction in the background if one is due."""
        with self._writing:
            running = self._background is not None and self._background.is_alive()
            if running or self._journal is None or self._cancel.is_set() or time.monotonic() < self._retry_at:
                return
            purge = self._purge_is_due()
            if not purge and not self._compaction_is_due(self._journal):
                return
            self._background = threading.Thread(
                target=self._compact_in_background, args=(purge,), name="compaction", daemon=True
            )
            self._background.start()

    def erase(self) -> None:
        """As `PrintSource` says: at once, not only when a compaction is due."""
        self.ask_erase()
        self.maintain()

    def ask_erase(self) -> None:
        """The next `compact(purge=True)` is to rid the files of all that was deleted."""
        with self._writing:
            self._erase_wanted += 1

    @property
    def erased(self) -> bool:
        """As `PrintSource` says."""
        with self._writing:
            return self._erase_done == self._erase_wanted and self._journal is not None

    def compact(self, *, purge: bool = False) -> None:
        """Make the journal a segment and merge small segments; with `purge` without anything deleted.

        Changes and searches go on meanwhile. Raises GalleryWriteFailed: then all is as it was.
        """
        with self._compacting:
            try:
                self._compact(purge=purge)
            except OSError as error:
                raise GalleryWriteFailed(
                    self.folder, f"cannot be compacted: {error.strerror or error}"
                ) from None

    def _compact(self, *, purge: bool) -> None:
        with self._writing:
            if self._journal is None:
                return
            wanted = self._erase_wanted
            # What waits since a compaction that failed comes first; newer prints are in the journal until the next.
            everything = self._contents.frozen is None
            if self._contents.frozen is None:  # it is there still if the last compaction failed
                self._begin_journal()
                with self._memory:
                    self._contents.freeze()
            first = self._contents.first_to_merge(purge=purge)
            shelves, removed = self._contents.to_merge(first)
        began = time.monotonic()
        path = self.folder / self._new_name(segment_name)
        stamp = self._manifest.stamp
        prints = write_segment(
            self._disk, path, shelves, stamp=stamp, removed=removed, cancelled=self._cancel.is_set
        )
        merged = open_segment(path, stamp) if prints or len(removed) else None
        with self._writing:
            if merged is not None:
                self._contents.prepare(merged)
            old = [*self._manifest.segments[first:], *self._manifest.journals[:-1]]
            manifest = replace(
                self._manifest,
                segments=(*self._manifest.segments[:first], *([path.name] if merged is not None else [])),
                journals=self._manifest.journals[-1:],
            )
            write_manifest(self._disk, self.folder, manifest)
            self._manifest = manifest
            with self._memory:
                self._contents.put(first, merged)
            if purge or not self._contents.dead:
                self._dead_since = time.monotonic() if self._contents.dead else None
        # Searches that have them mapped go on; the kernel frees them after the last one.
        unwanted = [self.folder / name for name in [*old, *([path.name] if merged is None else [])]]
        if self._remove(unwanted) and purge and everything:
            self._note_erased(wanted)
        took = {"ms": (time.monotonic() - began) * 1000, "segments": len(manifest.segments)}
        log.info("gallery compacted", extra=facts(repository=manifest.repository, prints=prints, **took))

    def _remove(self, files: Iterable[Path]) -> bool:
        """False if one is still there: it is removed at the next start."""
        done = True
        for file in files:
            try:
                self._disk.remove(file)
            except OSError:
                done = False
        return done

    def _note_erased(self, wanted: int) -> None:
        """All that was deleted before `erase` was asked for the `wanted`th time is out of the files now."""
        if wanted > self._erase_done and self._remove(damaged_files(self.folder)):
            self._disk.sync_folder(self.folder)
            with self._writing:
                self._erase_done = max(self._erase_done, wanted)

    def _begin_journal(self) -> None:
        name = self._new_name(journal_name)
        manifest = replace(self._manifest, journals=(*self._manifest.journals, name))
        journal = Journal.create(self._disk, self.folder / name, manifest.stamp, self.mark)
        try:
            write_manifest(self._disk, self.folder, manifest)
        except OSError:
            journal.close()  # the file stays: the manifest on the disk may name it already
            raise
        assert self._journal is not None
        self._journal.close()
        self._journal, self._manifest = journal, manifest

    def _compact_in_background(self, purge: bool) -> None:  # noqa: FBT001 - a thread's argument
        try:
            self.compact(purge=purge)
        except GalleryError as error:
            if not self._cancel.is_set():
                log.error("gallery not compacted; tried again later", extra=facts(reason=error))  # noqa: TRY400
            self._retry_at = time.monotonic() + parameters.COMPACTION_RETRY_S
        except Exception:
            log.exception("fault in a compaction")
            self._retry_at = time.monotonic() + parameters.COMPACTION_RETRY_S

    def _compaction_is_due(self, journal: Journal) -> bool:
        limit = self._options.journal_prints
        return bool(limit) and (
            len(self._contents.tail) + self._contents.tail.dead >= limit
            or journal.size >= parameters.JOURNAL_BYTES
            or self._contents.dead > max(limit, len(self._contents))
        )

    def _purge_is_due(self) -> bool:
        since = self._dead_since
        if self._erase_done < self._erase_wanted:
            return True
        return since is not None and time.monotonic() - since > parameters.PURGE_AFTER_S

    def _new_name(self, name: Callable[[int], str]) -> str:
        number, self._number = self._number, self._number + 1
        return name(number)


@contextlib.contextmanager
def _released_after_an_error(lock: FolderLock) -> Generator[None]:
    try:
        yield
    except BaseException:
        lock.release()
        raise
