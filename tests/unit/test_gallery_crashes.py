"""What a gallery makes of half a record, of a disk that fails, and of one that loses its power."""

import errno
import itertools
import random
import shutil

import pytest

from benchmarks.gallery_kill.operations import content_of, operation, options
from matcher_service.galleries import (
    Disk,
    GalleryDamaged,
    GalleryOutdated,
    GalleryStore,
    GalleryWriteFailed,
    Mark,
)
from matcher_service.galleries.journal import replay
from matcher_service.galleries.manifest import read_manifest


class Unsynced(Disk):
    """What these tests ask of the disk, they ask by themselves."""

    def sync(self, file):
        pass

    def sync_folder(self, folder):
        pass


def opened(folder, disk=None):
    return GalleryStore.open(folder, options(disk or Unsynced(), journal_prints=0))


def built(folder):
    GalleryStore.build(folder, options(Unsynced(), journal_prints=0), [], mark=Mark()).close()


def run_story(store, numbers, seed=11):
    """The states after each operation that was acknowledged, by its number; what failed is no state."""
    states = {0: {}}
    content = {}
    for number in numbers:
        step = operation(seed, number)
        try:
            step.run(store)
        except GalleryWriteFailed:
            continue
        content = step.to(content)
        states[number] = content
    return states


# -- torn and flipped journals


@pytest.fixture
def small_journal(tmp_path):
    """A folder with a journal of four records, its bytes, where each record ends, and the state after each."""
    built(tmp_path / "g")
    store = opened(tmp_path / "g")
    (path,) = store.folder.glob("journal-*")
    ends, states = [path.stat().st_size], [{}]
    for number in itertools.count(1):
        step = operation(3, number)
        if step.kind in {"insert", "replace", "delete"} and len(step.prints) < 2:
            step.run(store)
            ends.append(path.stat().st_size)
            states.append(step.to(states[-1]))
        if len(ends) == 5:
            break
    store.close()
    return path, path.read_bytes(), ends, states


def test_a_journal_cut_anywhere_loses_only_the_record_that_was_cut(small_journal):
    path, whole, ends, states = small_journal
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        if size < ends[0]:
            with pytest.raises(GalleryDamaged):
                opened(path.parent)
            continue
        store = opened(path.parent)
        complete = sum(end <= size for end in ends) - 1
        assert content_of(store) == states[complete]
        store.close()
        assert path.stat().st_size == ends[complete]  # and what is written next stands where it is read


def test_a_journal_flipped_anywhere_never_yields_what_was_not_written(small_journal):
    path, whole, ends, states = small_journal
    stamp = read_manifest(path.parent).stamp
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        if at < ends[-2]:
            # Good records behind a bad one: that is no torn end.
            with pytest.raises((GalleryDamaged, GalleryOutdated)):
                replay(path, stamp)
        else:
            store = opened(path.parent)
            assert content_of(store) == states[-2]
            store.close()


def test_garbage_behind_the_end_is_cut(small_journal):
    path, whole, _, states = small_journal
    chance = random.Random(1)
    for tail in (b"\0" * 4096, b"WjR1", whole[64:100], *(chance.randbytes(500) for _ in range(20))):
        path.write_bytes(whole + tail)
        store = opened(path.parent)
        assert content_of(store) == states[-1]
        step = operation(3, 1000)
        step.run(store)
        store.close()
        store = opened(path.parent)
        assert content_of(store) == step.to(states[-1])
        store.close()


# -- a disk that fails


class FailingDisk(Unsynced):
    """Fails at the n-th step, with half a write written; then for ever, or works again."""

    def __init__(self, first, *, lasting):
        self.steps = 0
        self.first = first
        self.lasting = lasting

    def step(self):
        self.steps += 1
        if self.steps == self.first or (self.lasting and self.steps > self.first):
            raise OSError(errno.ENOSPC, "No space left on device")

    def create(self, path):
        self.step()
        return super().create(path)

    def write_at(self, file, offset, data):
        try:
            self.step()
        except OSError:
            super().write_at(file, offset, data[: len(data) // 2])
            raise
        super().write_at(file, offset, data)

    def truncate(self, file, size):
        self.step()
        super().truncate(file, size)

    def sync(self, file):
        self.step()

    def rename(self, old, new):
        self.step()
        super().rename(old, new)

    def remove(self, path):
        self.step()
        super().remove(path)

    def sync_folder(self, folder):
        self.step()


@pytest.mark.parametrize("lasting", [False, True])
def test_a_write_error_at_any_step_fails_one_operation_and_loses_nothing(tmp_path, lasting):
    numbers = range(1, 16)
    for first in itertools.count(1):
        folder = tmp_path / str(first)
        built(folder)
        disk = FailingDisk(first, lasting=lasting)
        try:
            store = opened(folder, disk)
        except GalleryWriteFailed:
            continue
        states = run_story(store, numbers)
        expected = states[max(states)]
        assert content_of(store) == expected
        store.close()
        store = opened(folder)
        failed = next((n for n in numbers if n not in states), None)
        allowed = [expected]
        if lasting and failed is not None and operation(11, failed).kind not in {"compact", "purge"}:
            # What could neither be written nor be undone may be there after all: it was not acknowledged.
            allowed.append(operation(11, failed).to(expected))
        assert content_of(store) in allowed
        store.close()
        shutil.rmtree(folder)
        if disk.steps < first:
            assert first > 50  # every step of the story had its turn
            break


def test_after_an_error_that_cannot_be_undone_nothing_more_is_written(tmp_path):
    built(tmp_path / "g")
    disk = FailingDisk(10**9, lasting=True)
    store = opened(tmp_path / "g", disk)
    disk.first = disk.steps + 1
    with pytest.raises(GalleryWriteFailed, match="No space left on device; make room"):
        operation(11, 1).run(store)
    disk.first = 10**9
    with pytest.raises(GalleryWriteFailed, match="restart"):
        operation(11, 2).run(store)
    store.detach()
    step = operation(11, 1)
    step.run(store)
    assert content_of(store) == step.to({})
    store.close()
    store = opened(tmp_path / "g")
    assert content_of(store) == {}
    store.close()


def test_a_build_that_fails_leaves_what_was_there(tmp_path):
    built(tmp_path / "g")
    store = opened(tmp_path / "g")
    states = run_story(store, range(1, 10))
    shelves = store.shelves()
    store.close()
    before = {path.name for path in store.folder.iterdir()}
    for first in range(1, 12):
        disk = FailingDisk(first, lasting=True)
        with pytest.raises(GalleryWriteFailed):
            GalleryStore.build(store.folder, options(disk, journal_prints=0), shelves, mark=Mark())
        store = opened(store.folder)
        assert content_of(store) == states[max(states)]
        store.close()
        assert {path.name for path in store.folder.iterdir()} == before


# -- a disk that loses power


class RecordingDisk(Disk):
    """Does it all, and remembers it: what a loss of power may leave of it is worked out later."""

    forgets = ""  # a kind of sync that this disk only pretends to do

    def __init__(self):
        self.events = []

    def create(self, path):
        self.events.append(("create", path.name))
        return super().create(path)

    def write_at(self, file, offset, data):
        self.events.append(("write", file.path.name, offset, data))
        super().write_at(file, offset, data)

    def truncate(self, file, size):
        self.events.append(("truncate", file.path.name, size))
        super().truncate(file, size)

    def sync(self, file):
        if not (self.forgets and file.path.name.startswith(self.forgets)):
            self.events.append(("sync", file.path.name))

    def rename(self, old, new):
        self.events.append(("rename", old.name, new.name))
        super().rename(old, new)

    def remove(self, path):
        self.events.append(("remove", path.name))
        super().remove(path)

    def sync_folder(self, folder):
        if self.forgets != "folder":
            self.events.append(("sync_folder",))


class Platter:
    """What is on a disk for certain, and what the operating system only means to put there.

    A file's content is certain since its last sync, the names of a folder since the folder's.
    """

    def __init__(self, files):
        self.files = [bytearray(content) for content in files.values()]
        self.certain = [bytes(content) for content in self.files]
        self.names = {name: k for k, name in enumerate(files)}
        self.certain_names = dict(self.names)
        self.name_history = [dict(self.names)]

    def take(self, event):
        kind, *more = event
        if kind == "create":
            self.names[more[0]] = len(self.files)
            self.files.append(bytearray())
            self.certain.append(b"")
        elif kind == "write":
            name, offset, data = more
            content = self.files[self.names[name]]
            content.extend(b"\0" * (offset - len(content)))
            content[offset : offset + len(data)] = data
        elif kind == "truncate":
            content = self.files[self.names[more[0]]]
            del content[more[1] :]
            content.extend(b"\0" * (more[1] - len(content)))
        elif kind == "sync":
            file = self.names[more[0]]
            self.certain[file] = bytes(self.files[file])
        elif kind == "rename":
            self.names[more[1]] = self.names.pop(more[0])
        elif kind == "remove":
            self.names.pop(more[0], None)
        elif kind == "sync_folder":
            self.certain_names = dict(self.names)
            self.name_history = []
        self.name_history.append(dict(self.names))

    def left(self, chance):
        """Folders that a loss of power now may leave: names and contents certain, or new, or some of each."""
        names = [self.certain_names, self.names, chance.choice(self.name_history)]
        for which, how in itertools.product(names, ("certain", "new", "torn")):
            yield {name: self._content(file, how, chance) for name, file in which.items()}

    def _content(self, file, how, chance):
        if how == "certain":
            return self.certain[file]
        new = bytes(self.files[file])
        if how == "new" or new == self.certain[file]:
            return new
        # Sectors come to the disk in any order; what did not come is as it was, or zeros.
        torn = bytearray(new)
        for at in range(0, len(new), 512):
            if chance.random() < 0.5:
                old = self.certain[file][at : at + 512]
                torn[at : at + 512] = old.ljust(len(new[at : at + 512]), b"\0")[: len(new[at : at + 512])]
        return bytes(torn)


def lose_power_everywhere(folder, disk, operations):
    """Run a story, then look at what a loss of power would have left at each of its steps."""
    built(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    store = opened(folder, disk)
    content, states = {}, {0: {}}
    for number in range(1, operations + 1):
        step = operation(7, number)
        disk.events.append(("begin", number))
        step.run(store)
        content = states[number] = step.to(content)
        disk.events.append(("acknowledged", number))
    store.close()
    chance = random.Random(1)
    platter = Platter(before)
    acknowledged, begun = 0, 0
    seen = set()
    for event in disk.events:
        if event[0] == "begin":
            begun = event[1]
        elif event[0] == "acknowledged":
            acknowledged = event[1]
        else:
            platter.take(event)
        for left in platter.left(chance):
            look = (acknowledged, begun, *sorted(left.items()))
            if hash(look) in seen:
                continue
            seen.add(hash(look))
            there = folder.parent / "after"
            shutil.rmtree(there, ignore_errors=True)
            there.mkdir()
            for name, data in left.items():
                (there / name).write_bytes(data)
            store = opened(there)
            found = content_of(store)
            store.close()
            assert found in (states[acknowledged], states[begun]), event
    return len(seen)


def test_a_loss_of_power_at_any_step_loses_nothing_acknowledged(tmp_path):
    assert lose_power_everywhere(tmp_path / "g", RecordingDisk(), 40) > 300


@pytest.mark.parametrize("forgets", ["journal", "segment", "manifest", "folder"])
def test_and_this_test_would_notice_a_sync_that_is_missing(tmp_path, forgets):
    disk = RecordingDisk()
    disk.forgets = forgets
    with pytest.raises((AssertionError, GalleryDamaged, GalleryOutdated, KeyError)):
        lose_power_everywhere(tmp_path / "g", disk, 40)
