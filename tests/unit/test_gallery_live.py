"""The galleries beside the database: they follow it, and whatever is wrong with a folder, nobody is missing from it.

One long file on purpose: every fault is told by the same site, a database with a few people and a matcher beside it.
"""

import errno
import logging
import shutil

import numpy as np
import pytest
from sqlalchemy import text

from hardware.bench.made_up import made_up_minutiae
from matcher_service.galleries import (
    Disk,
    GalleryLocked,
    GalleryStore,
    GalleryWriteFailed,
    LiveGalleries,
    MemoryStore,
    parameters,
)
from matcher_service.galleries import live as live_module
from matcher_service.repositories import Database, NewPrint, Repositories, read_single
from matcher_service.search.packed import pack_print
from matcher_service.search.shelf import key_of

SAMPLES = 12  # prints packed for the digest, at every start


class Peek:
    """A gallery that searches nothing, and shows whom it would search."""

    def __init__(self, source):
        self.source = source

    def __len__(self):
        return len(self.source)

    def search(self, prints, *, limit):
        return []

    def warm_up(self):
        pass

    def holds(self):
        """Each print: whose, which finger, its columns."""
        return sorted(
            (
                key_of(shelf.owner[k]),
                int(shelf.position[k]),
                shelf.x[shelf.start[k] : shelf.start[k + 1]].tobytes(),
            )
            for shelf in self.source.shelves()
            for k in np.flatnonzero(shelf.alive)
        )


class Site:
    """A database with a few people in two repositories, and a matcher that starts and stops."""

    def __init__(self, folder):
        self.folder = folder
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.repositories = Repositories(self.database)
        self.repositories.create("criminal")
        self.repositories.create("immigration")
        self.people = [self.enroll("criminal", seed) for seed in range(5)]
        self.others = [self.enroll("immigration", seed) for seed in range(100, 103)]
        self.packed = 0
        self.live = None

    def enroll(self, repository, seed, identity=None):
        prints = [NewPrint.of(p, made_up_minutiae(10 * seed + p)) for p in (2, 7)]
        return self.repositories.enroll(repository, prints, identity=identity).identity

    def pack(self, minutiae):
        self.packed += 1
        return pack_print(minutiae)

    def start(self, pack=None):
        """Start anew; how many prints had to be decoded and packed for it."""
        self.stop()
        self.packed = 0
        self.live = LiveGalleries(
            repositories=self.repositories,
            make_gallery=Peek,
            pack=pack or self.pack,
            folder=self.folder / "galleries",
            threads=2,
        )
        self.live.load()
        return self.packed - SAMPLES

    def stop(self):
        if self.live is not None:
            self.live.close()
            self.live = None

    def check(self):
        """Each gallery holds what its repository has, and nothing else."""
        self.live.refresh()
        galleries = dict(self.live)
        assert sorted(galleries) == self.repositories.names()
        for name, gallery in galleries.items():
            expected = sorted(
                (one.identity, one.position, pack_print(read(one)).x.tobytes())
                for one in self.repositories.prints(name)
            )
            assert gallery.holds() == expected, name
            assert len(gallery) == len(expected)

    def files(self, pattern, repository="criminal"):
        return sorted((self.folder / "galleries" / repository).glob(pattern))


def read(stored):

    return read_single(stored.record)[1]


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.stop()
    made.database.close()


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, logger="matcher.galleries")
    return lambda words: [r for r in caplog.records if words in r.getMessage()]


def test_a_second_start_decodes_nothing(site, said):
    assert site.start() == 16
    site.check()
    assert site.start() == 0
    site.check()
    assert len(said("gallery opened")) == 2


def test_what_happened_while_it_was_away_and_while_it_was_there(site):
    site.start()
    site.enroll("criminal", 50)
    site.check()
    site.stop()
    site.repositories.remove("criminal", site.people[0])
    site.enroll("criminal", 51)
    site.enroll("criminal", 52, identity=site.people[1])
    assert site.start() == 2 + 4
    site.check()
    site.packed = 0
    site.repositories.remove("immigration", site.others[0])
    site.enroll("criminal", 53, identity=site.people[1])
    site.check()
    assert site.packed == 6  # that identity's, and nobody else's
    assert site.start() == 0
    site.check()


def test_a_repository_that_is_made_later(site):
    site.start()
    site.repositories.create("warrants")
    site.enroll("warrants", 7)
    site.check()
    assert site.start() == 0
    site.check()


def test_many_changes_at_once(site, monkeypatch):
    monkeypatch.setattr(parameters, "CHANGES", 3)
    site.start()
    for seed in range(60, 70):
        site.enroll("criminal", seed)
    for identity in site.people:
        site.repositories.remove("criminal", identity)
    site.check()
    site.start()
    site.check()


def test_built_in_several_segments_with_several_threads(site, monkeypatch, said):
    monkeypatch.setattr(parameters, "READ_PRINTS", 150)
    monkeypatch.setattr(parameters, "BUILD_PRINTS", 200)
    monkeypatch.setattr(parameters, "PROGRESS_S", 0.0)
    people = [[NewPrint.of(1, made_up_minutiae(1000 + k, count=5))] for k in range(500)]
    site.repositories.enroll_many("criminal", people)
    site.start()
    site.check()
    assert len(site.files("segment-*")) == 2
    (*_, last) = said("gallery is being built")
    assert last.facts["of"] in {510, 6}
    assert site.start() == 0
    site.check()


@pytest.mark.sqlite
def test_a_database_restored_from_a_copy(site, said, tmp_path):
    site.start()
    site.stop()
    site.database.close()
    shutil.copy(tmp_path / "m.db", tmp_path / "copy.db")
    site.database = Database(f"sqlite:///{tmp_path}/m.db")
    site.repositories = Repositories(site.database)
    lost = site.enroll("criminal", 20)
    site.start()
    assert lost in {key for key, _, _ in dict(site.live)["criminal"].holds()}
    site.stop()
    site.database.close()
    shutil.copy(tmp_path / "copy.db", tmp_path / "m.db")
    for leftover in tmp_path.glob("m.db-*"):
        leftover.unlink()
    site.database = Database(f"sqlite:///{tmp_path}/m.db")
    site.repositories = Repositories(site.database)
    site.start()
    site.check()
    assert [r.facts["repository"] for r in said("restored from a copy")] == ["criminal"]
    # The same again, with as many changes since: the number is there, but it was somebody else's.
    site.stop()
    site.database.close()
    shutil.copy(tmp_path / "copy.db", tmp_path / "m.db")
    site.database = Database(f"sqlite:///{tmp_path}/m.db")
    site.repositories = Repositories(site.database)
    site.enroll("immigration", 21)
    site.enroll("criminal", 22)
    site.start()
    site.check()


def test_another_way_of_packing(site, said):
    site.start()

    def other(minutiae):
        packed = pack_print(minutiae)
        return packed._replace(sketch=np.full_like(packed.sketch, 7))

    site.start(pack=other)
    assert [r.facts["repository"] for r in said("gallery has to be built")][-2:] == [
        "criminal",
        "immigration",
    ]
    assert "another version" in str(said("gallery has to be built")[-1].facts["reason"])
    for gallery in dict(site.live).values():
        assert all((shelf.sketch == 7).all() for shelf in gallery.source.shelves())
    site.check()


def flip(at):
    def damage(path):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    return damage


DAMAGE = {
    "segment header": ("segment-*", flip(100)),
    "segment magic": ("segment-*", flip(0)),
    "segment owners": ("segment-*", flip(4096 + 70)),
    "segment gone": ("segment-*", lambda path: path.unlink()),
    "segment short": ("segment-*", lambda path: path.write_bytes(path.read_bytes()[:-1])),
    "segment empty": ("segment-*", lambda path: path.write_bytes(b"")),
    "segment a folder": ("segment-*", lambda path: (path.unlink(), path.mkdir())),
    "journal magic": ("journal-*", flip(0)),
    "journal header": ("journal-*", flip(50)),
    "journal record": ("journal-*", flip(150)),
    "journal gone": ("journal-*", lambda path: path.unlink()),
    "manifest flipped": ("manifest", flip(60)),
    "manifest empty": ("manifest", lambda path: path.write_bytes(b"")),
    "manifest no text": ("manifest", lambda path: path.write_bytes(b"\xff\0\n\xff")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_set_aside_and_mended(site, said, damage):
    site.start()
    site.enroll("criminal", 30)
    site.check()
    site.enroll("criminal", 31)
    site.check()
    site.stop()
    pattern, do = DAMAGE[damage]
    (path,) = site.files(pattern)
    do(path)
    was_there = path.exists()
    site.start()
    site.check()
    (record,) = said("gallery is damaged")
    assert record.levelno == logging.ERROR
    assert str(path) in str(record.facts["reason"])
    assert len(site.files("*.damaged-*")) == was_there
    assert site.start() == 0
    site.check()


def test_formats_of_another_version_and_a_missing_manifest_are_no_damage(site, said):
    for pattern, do in (
        ("segment-*", flip(8)),
        ("journal-*", flip(8)),
        ("manifest", lambda p: p.write_bytes(p.read_bytes().replace(b"gallery 1", b"gallery 2"))),
        ("manifest", lambda p: p.unlink()),
    ):
        site.start()
        site.stop()
        do(site.files(pattern)[0])
        site.start()
        site.check()
    assert not said("damaged")
    assert len(said("gallery has to be built")) == 2 + 4


def test_only_a_few_damaged_files_are_kept(site):
    for _ in range(4):
        site.start()
        site.stop()
        flip(100)(site.files("segment-????????")[0])
    site.start()
    site.check()
    assert len(site.files("*.damaged-*")) == parameters.DAMAGED_KEPT


def test_repositories_are_never_mixed(site, said):
    site.start()
    site.stop()
    # Somebody copies a file, then a whole folder, to where it does not belong.
    shutil.copy(site.files("segment-*", "immigration")[0], site.files("segment-*")[0])
    site.start()
    assert "another gallery" in str(said("gallery is damaged")[0].facts["reason"])
    site.check()
    site.stop()
    shutil.rmtree(site.folder / "galleries" / "criminal")
    shutil.copytree(site.folder / "galleries" / "immigration", site.folder / "galleries" / "criminal")
    site.start()
    assert "repository 'immigration'" in str(said("gallery is damaged")[1].facts["reason"])
    site.check()
    keys = [{key for key, _, _ in gallery.holds()} for _, gallery in site.live]
    assert not keys[0] & keys[1]


def test_two_matchers_of_one_name(site):
    site.start()
    folder = site.folder / "galleries"
    with pytest.raises(GalleryLocked, match="instance ="):
        LiveGalleries(repositories=site.repositories, make_gallery=Peek, folder=folder, lock_wait_s=0.0)


def test_a_folder_that_cannot_be(site):
    with pytest.raises(GalleryWriteFailed, match="gallery_folder"):
        LiveGalleries(repositories=site.repositories, make_gallery=Peek, folder=site.folder / "m.db" / "x")


class FullDisk(Disk):
    """Takes nothing more once it is full."""

    full = False

    def write_at(self, file, offset, data):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_at(file, offset, data)


def test_a_full_disk(site, said, monkeypatch):
    disk = FullDisk()
    options = live_module.StoreOptions
    monkeypatch.setattr(live_module, "StoreOptions", lambda **more: options(**more, disk=disk))
    site.start()
    disk.full = True
    for seed in (40, 41, 42):  # the search goes on, and sees all of it
        site.enroll("criminal", seed)
        site.check()
    assert len(said("goes on in memory")) == 1
    site.start()  # still full: what the folder has cannot be added to
    site.check()
    site.repositories.create("warrants")
    site.enroll("warrants", 43)
    site.check()
    assert said("kept in memory only")
    disk.full = False
    assert site.start() == 6 + 2
    site.check()
    assert site.start() == 0


def test_without_a_folder(site):
    live = LiveGalleries(repositories=site.repositories, make_gallery=Peek)
    live.load()
    assert all(type(gallery.source) is MemoryStore for _, gallery in live)
    site.live = live
    site.check()
    site.enroll("criminal", 70)
    site.repositories.remove("criminal", site.people[0])
    site.check()


def test_a_print_that_cannot_be_read_is_left_out_and_named(site, said):
    with site.database.connection() as connection:
        connection.execute(text("UPDATE template SET record = :cut WHERE id = 1"), {"cut": b"\0"})
    site.start()
    assert len(dict(site.live)["criminal"]) == 9
    assert len(said("cannot be read and is not searched")) == 1


def test_a_gallery_is_a_store_in_its_own_folder(site):
    site.start()
    for name, gallery in site.live:
        assert isinstance(gallery.source, GalleryStore)
        assert gallery.source.folder == site.folder / "galleries" / name
