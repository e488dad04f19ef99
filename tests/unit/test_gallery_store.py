"""One repository's durable gallery: what goes in is there, also after a compaction and a start; what is out is out."""

import threading
from collections import Counter

import numpy as np
import pytest

from benchmarks.gallery_kill.operations import content_of, operation, options
from hardware.bench.made_up import made_up_minutiae
from matcher_service.galleries import (
    Disk,
    GalleryDamaged,
    GalleryLocked,
    GalleryOutdated,
    GalleryStore,
    Mark,
    MemoryStore,
    StoreOptions,
    inspect_gallery,
)
from matcher_service.galleries.segment import lay_out
from matcher_service.search.packed import SKETCH_WORDS, pack_print
from matcher_service.search.shelf import GrowingShelf, Shelf, join, key_of, key_words, keys_array

KEYS = [f"{k:02x}" * 16 for k in range(200)]


class Unsynced(Disk):
    """The operating system's cache is durable enough for a test of something else."""

    def sync(self, file):
        pass

    def sync_folder(self, folder):
        pass


def fresh(folder, shelves=(), **more):
    return GalleryStore.build(folder, options(Unsynced(), journal_prints=0), shelves, mark=Mark(**more))


def reopened(store):
    store.close()
    return GalleryStore.open(store.folder, options(Unsynced(), journal_prints=0))


def some_prints(*numbers, position=2):
    return [(KEYS[n], position, made_up_minutiae(n, finger_quality=n % 100)) for n in numbers]


def owners(source):
    return Counter(key_of(shelf.owner[k]) for shelf in source.shelves() for k in np.flatnonzero(shelf.alive))


@pytest.fixture(params=["folder", "memory"])
def source(request, tmp_path):
    made = fresh(tmp_path / "g") if request.param == "folder" else MemoryStore()
    yield made
    made.close()


# -- shelves in memory


def test_a_snapshot_stays_as_it_was():
    shelf = GrowingShelf(prints=2)
    snapshots = []
    for n in range(50):
        shelf.add(KEYS[n], 1, n, pack_print(made_up_minutiae(n, count=n)))
        snapshots.append(shelf.snapshot())
    assert shelf.remove(KEYS[7]) == 1
    assert shelf.remove(KEYS[7]) == 0
    assert shelf.remove_all(keys_array(KEYS[5:9])) == 3
    for n, snapshot in enumerate(snapshots):
        assert len(snapshot.position) == n + 1
        assert snapshot.alive.all()
        packed = pack_print(made_up_minutiae(n, count=n))
        assert np.array_equal(snapshot.x[snapshot.start[n] : snapshot.start[n + 1]], packed.x)
        assert np.array_equal(snapshot.sketch[snapshot.start[n] :], packed.sketch)
    now = shelf.snapshot()
    assert list(np.flatnonzero(now.alive == 0)) == [5, 6, 7, 8]
    assert (len(shelf), shelf.dead) == (46, 4)
    assert shelf.snapshot() is now


def test_every_shelf_has_the_types_that_kernels_were_compiled_for(tmp_path):
    store = fresh(tmp_path / "g", [join([(KEYS[0], 3, 50, pack_print(made_up_minutiae(0)))])])
    store.add_many(some_prints(1))
    for shelf in (*store.shelves(), join([]), GrowingShelf().snapshot()):
        for name, like in zip(Shelf._fields, join([]), strict=True):
            column = getattr(shelf, name)
            assert type(column) is np.ndarray, name
            assert (column.dtype, column.shape[1:]) == (like.dtype, like.shape[1:]), name
            assert column.flags.c_contiguous, name
            assert column.flags.writeable, name
    store.close()


@pytest.mark.parametrize("key", ["", "p5", "zz" * 16, "ab" * 15])
def test_a_key_that_is_none(key):
    with pytest.raises(ValueError, match="hexadecimal"):
        key_words(key)
    assert key not in MemoryStore()


# -- what every source does


def test_what_is_added_is_there_and_what_is_removed_is_not(source):
    source.add_many([*some_prints(1, 2, 3), *some_prints(1, position=7)])
    assert owners(source) == {KEYS[1]: 2, KEYS[2]: 1, KEYS[3]: 1}
    assert source.remove(KEYS[1]) == 2
    assert source.remove(KEYS[1]) == 0
    assert owners(source) == {KEYS[2]: 1, KEYS[3]: 1}
    assert len(source) == 2
    assert KEYS[2] in source
    assert KEYS[1] not in source
    keys = source.keys()
    assert [key_of(words) for words in keys] == [KEYS[2], KEYS[3]]
    assert source.identities == 2
    source.add_many(some_prints(3, position=9))
    assert source.identities == 2
    source.add_many(some_prints(4))
    assert source.identities == 3


def test_replacing(source):
    source.add_many(some_prints(1, 2))
    new = made_up_minutiae(9)
    assert source.replace(KEYS[1], [(5, new), (6, new)]) == 1
    assert owners(source) == {KEYS[1]: 2, KEYS[2]: 1}
    assert source.replace(KEYS[3], [(5, new)]) == 0
    assert KEYS[3] in source


def test_a_search_under_way_sees_neither_what_comes_nor_what_goes(source):
    source.add_many(some_prints(1, 2))
    before = source.shelves()
    source.replace(KEYS[1], [(5, made_up_minutiae(9))])
    assert sum(int(shelf.alive.sum()) for shelf in before) == 2
    assert {key_of(words) for shelf in before for words in shelf.owner} == {KEYS[1], KEYS[2]}


def test_a_wrong_key_adds_nothing_of_its_batch(source):
    with pytest.raises(ValueError, match="hexadecimal"):
        source.add_many([*some_prints(1), ("nobody", 1, made_up_minutiae(1))])
    assert len(source) == 0


def test_nothing_at_all(source):
    source.add_many([])
    assert len(source) == 0
    assert source.keys().shape == (0, 2)
    assert owners(source) == {}


def test_memory_lets_go_of_what_is_dead():
    source = MemoryStore()
    for n in range(30):
        source.replace(KEYS[1], [(1, made_up_minutiae(n))])
    (shelf,) = source.shelves()
    assert len(shelf.position) <= 3
    assert owners(source) == {KEYS[1]: 1}


# -- the folder


def test_it_is_there_again_after_a_start(tmp_path):
    store = fresh(tmp_path / "g", seq=4, key="ab" * 16)
    store.add_many(some_prints(1, 2, 3))
    store.remove(KEYS[2])
    store.apply(mark=Mark(9, "cd" * 16))
    before = content_of(store)
    store = reopened(store)
    assert content_of(store) == before
    assert store.mark == Mark(9, "cd" * 16)
    assert store.dead == 1
    store.close()


def test_only_its_owner_can_read_it(tmp_path):
    store = fresh(tmp_path / "g", [join([(KEYS[0], 1, 1, pack_print(made_up_minutiae(0)))])])
    for path in (store.folder, *store.folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    store.close()


def test_a_long_story_with_compactions_and_starts(tmp_path):
    """The same operations as under `kill -9`, in peace: every state is what the operations say."""
    store = fresh(tmp_path / "g")
    content = {}
    for number in range(1, 250):
        step = operation(5, number)
        step.run(store)
        content = step.to(content)
        assert content_of(store) == content, step.kind
        if number % 20 == 0:
            store = reopened(store)
            assert content_of(store) == content
            assert len(store) == sum(map(len, content.values()))
    store.close()


def test_a_segment_is_sorted_by_position_and_owner(tmp_path):
    store = fresh(tmp_path / "g")
    for position in (7, 2, 7, 0):
        store.add_many(some_prints(*range(20, 0, -1), position=position))
    store.compact()
    (shelf,) = store.shelves()
    rows = list(zip(shelf.position, map(key_of, shelf.owner), strict=True))
    assert rows == sorted(rows)
    assert len(rows) == 80
    k = 30
    packed = pack_print(made_up_minutiae(KEYS.index(rows[k][1])))
    assert np.array_equal(shelf.angle[shelf.start[k] : shelf.start[k + 1]], packed.angle)
    store.close()


def test_small_segments_are_merged_and_large_ones_left_alone(tmp_path):
    store = fresh(tmp_path / "g")
    sizes = []
    for n in range(16):
        store.add_many(some_prints(*range(10 * n, 10 * n + 10)))
        store.compact()
        sizes.append([len(shelf.position) for shelf in store.shelves()])
    assert sizes[0] == [10]
    assert sizes[6] == [40, 20, 10]
    assert sizes[15] == [160]
    files = {path.name for path in store.folder.iterdir()}
    assert len([name for name in files if name.startswith("segment")]) == 1
    assert len([name for name in files if name.startswith("journal")]) == 1
    store.close()


def test_what_is_deleted_leaves_the_files_with_a_purge(tmp_path):
    store = fresh(tmp_path / "g")
    store.add_many(some_prints(*range(40)))
    store.compact()
    store.add_many(some_prints(50))
    gone = pack_print(made_up_minutiae(3)).x.tobytes()
    store.remove(KEYS[3])
    store.compact()

    def is_in_a_file():
        return any(gone in path.read_bytes() for path in store.folder.iterdir())

    assert is_in_a_file()
    assert KEYS[3] not in store
    store = reopened(store)
    assert KEYS[3] not in store
    assert store.dead == 1
    store.compact(purge=True)
    assert store.dead == 0
    assert not is_in_a_file()
    assert owners(store) == {KEYS[n]: 1 for n in (*range(40), 50) if n != 3}
    store.close()


def test_a_gallery_whose_last_print_is_deleted_is_empty(tmp_path):
    store = fresh(tmp_path / "g")
    store.add_many(some_prints(1))
    store.compact()
    store.remove(KEYS[1])
    store.compact(purge=True)
    assert store.shelves() == ()
    store = reopened(store)
    assert len(store) == 0
    store.close()


def test_compaction_in_the_background_while_others_add_remove_and_search(tmp_path):
    store = GalleryStore.build(tmp_path / "g", options(Unsynced(), journal_prints=40), [], mark=Mark())
    stop = threading.Event()
    faults = []

    def search():
        while not stop.is_set():
            seen = owners(store)
            if any(count != 2 for count in seen.values()):
                faults.append(seen)

    def work(mine):
        for k in range(150):
            key = KEYS[mine + k % 20]
            store.replace(key, [(1, made_up_minutiae(k, count=8)), (2, made_up_minutiae(k, count=3))])
            if k % 7 == 0:
                store.remove(key)

    threads = [threading.Thread(target=search), *(threading.Thread(target=work, args=(n,)) for n in (0, 50))]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    stop.set()
    threads[0].join()
    assert not faults
    before = content_of(store)
    assert any(path.name.startswith("segment") for path in store.folder.iterdir())
    store = reopened(store)
    assert content_of(store) == before
    store.close()


def test_shelves_that_were_given_out_outlive_their_files(tmp_path):
    store = fresh(tmp_path / "g")
    store.add_many(some_prints(*range(10)))
    store.compact()
    (shelf,) = store.shelves()
    x = shelf.x.copy()
    store.add_many(some_prints(*range(10, 30)))
    store.compact()
    store.close()
    assert np.array_equal(shelf.x, x)


def test_a_changed_shelf_does_not_change_the_file(tmp_path):
    store = fresh(tmp_path / "g", [join([(KEYS[0], 1, 1, pack_print(made_up_minutiae(0)))])])
    store.shelves()[0].x[:] = 0
    store = reopened(store)
    assert store.shelves()[0].x.any()
    inspect_gallery(store.folder, verify=True)
    store.close()


# -- one process, one format


def test_one_process_for_a_folder(tmp_path):
    store = fresh(tmp_path / "g")
    with pytest.raises(GalleryLocked, match=r'process \d+.*instance = "matcher-2"'):
        GalleryStore.open(store.folder, StoreOptions(repository="trial", digest="ab" * 32, lock_wait_s=0.0))
    store = reopened(store)
    store.close()


def test_a_closed_one_takes_nothing_more(tmp_path):
    store = fresh(tmp_path / "g")
    store.close()
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.add_many(some_prints(1))


def test_another_way_of_packing_another_repository_or_none(tmp_path):
    with pytest.raises(GalleryOutdated, match="built here yet"):
        GalleryStore.open(tmp_path / "new", options(Disk()))
    store = fresh(tmp_path / "g", [join([(KEYS[0], 1, 1, pack_print(made_up_minutiae(0)))])])
    store.close()
    with pytest.raises(GalleryOutdated, match="another version"):
        GalleryStore.open(store.folder, StoreOptions(repository="trial", digest="cd" * 32))
    with pytest.raises(GalleryDamaged, match="repository 'trial'"):
        GalleryStore.open(store.folder, StoreOptions(repository="other", digest="ab" * 32))
    GalleryStore.open(store.folder, options(Disk())).close()  # and nothing was changed by all that


def test_a_flip_anywhere_in_a_segment_is_found_by_verifying_and_in_the_vital_parts_at_the_start(tmp_path):
    store = fresh(tmp_path / "g")
    store.add_many(some_prints(1, 2, 3))
    store.compact()
    store.close()
    (path,) = store.folder.glob("segment-*")
    whole = path.read_bytes()
    columns = lay_out(3, 120, 0, SKETCH_WORDS)
    meant = {at for column in columns for at in range(column.offset, column.offset + column.bytes)}
    at_start = 0
    for at in {*range(0, len(whole), 97), *range(40)}:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            GalleryStore.open(store.folder, options(Unsynced())).close()
        except (GalleryDamaged, GalleryOutdated):
            at_start += 1
        if at < 4096 or at in meant:
            with pytest.raises((GalleryDamaged, GalleryOutdated)) as caught:
                inspect_gallery(store.folder, verify=True)
            assert caught.value.path == path
    assert at_start > 50
    for size in (0, 5, 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(GalleryDamaged):
            GalleryStore.open(store.folder, options(Unsynced()))
    path.write_bytes(whole)
    facts = inspect_gallery(store.folder, verify=True)
    assert (facts.prints, facts.segments, facts.dead, facts.repository) == (3, 1, 0, "trial")
