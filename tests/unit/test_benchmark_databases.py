"""Which folders are databases, which pairs are compared, at what resolution; what malformed ones say."""

import numpy as np
import pytest

from benchmarks.accuracy.databases import find_databases, known_dpi, parse_dpi
from benchmarks.accuracy.errors import BenchmarkError, DatabaseError


def fill(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def fvc(folder, fingers=10, impressions=8, suffix="tif"):
    return fill(
        folder, [f"{f}_{i}.{suffix}" for f in range(101, 101 + fingers) for i in range(1, impressions + 1)]
    )


def test_ten_fingers_by_eight_are_280_genuine_and_2880_impostor_pairs(tmp_path):
    (database,) = find_databases(fvc(tmp_path / "DB1_B"))
    pairs, fingers = database.pairs(), database.finger_numbers()
    genuine = fingers[pairs[:, 0]] == fingers[pairs[:, 1]]
    assert (genuine.sum(), (~genuine).sum()) == (280, 2880)
    assert len({frozenset(p) for p in pairs.tolist()}) == len(pairs)
    assert database.name == "DB1_B"
    assert len(database.fingers) == 10


def test_folders_of_folders_are_databases_by_their_relative_names(tmp_path):
    fvc(tmp_path / "fvc2002" / "DB10_B", 2, 2)
    fvc(tmp_path / "fvc2002" / "DB2_B", 2, 2)
    fvc(tmp_path / "own", 2, 2, "WSQ")
    found = find_databases(tmp_path)
    assert [d.name for d in found] == ["fvc2002/DB2_B", "fvc2002/DB10_B", "own"]
    assert [d.dpi for d in found] == [569.0, 500.0, 500.0]


def test_names_split_at_the_last_underscore_and_sort_as_numbers(tmp_path):
    fill(tmp_path / "d", ["012_10_2.png", "012_10_1.png", "012_9_1.png", "notes.txt", ".hid_1.png"])
    (database,) = find_databases(tmp_path / "d")
    assert [i.name for i in database.impressions] == ["012_9_1", "012_10_1", "012_10_2"]
    assert database.fingers == ("012_9", "012_10")
    assert database.finger_numbers().tolist() == [0, 1, 1]
    assert np.array_equal(database.pairs(), [[0, 1], [0, 2], [1, 2]])


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "no images"),
        (["readme.txt"], "no images"),
        (["101_1.png", "101_2.png", "print.png"], "<finger>_<impression>"),
        (["101_1.png", "_2.png"], "<finger>_<impression>"),
        (["101_1.png", "101_.png"], "<finger>_<impression>"),
        (["101_1.png", "101_2.png"], "no impostor pairs"),
        (["101_1.png", "102_1.png"], "no genuine pairs"),
        (["101_1.png", "101_1.tif", "102_1.png"], "keep one"),
    ],
)
def test_malformed_folders_say_what_to_do(tmp_path, names, says):
    with pytest.raises(DatabaseError, match=says) as caught:
        find_databases(fill(tmp_path / "d", names))
    assert "d" in caught.value.path.parts
    assert str(caught.value.path) in str(caught.value)


def test_no_folder_and_mixed_folder(tmp_path):
    with pytest.raises(DatabaseError, match="no such folder"):
        find_databases(tmp_path / "absent")
    fvc(tmp_path / "d", 2, 2)
    fvc(tmp_path / "d" / "more", 2, 2)
    with pytest.raises(DatabaseError, match="images itself and a folder of images"):
        find_databases(tmp_path / "d")


@pytest.mark.parametrize(
    ("folder", "dpi"),
    [
        ("fvc2002/DB1_B", 500),
        ("fvc2002/DB2_B", 569),
        ("FVC2002/dbs/Db2_a", 569),
        ("x/FVC2002_DB2_A", 569),
        ("x/fvc-2002-db2", 569),
        ("fvc2002/DB20", 500),
        ("x/fvc2002_db21", 500),
        ("fvc2000/DB2_B", 500),
        ("x/DB2_B", 500),
        ("fvc2004/DB2_B", 512),
        ("fvc2004/DB3_B", 512),
        ("fvc2004/DB4_B", 500),
    ],
)
def test_resolutions_of_known_collections(tmp_path, folder, dpi):
    assert known_dpi(tmp_path / folder) == dpi


def test_known_resolution_holds_when_the_database_itself_is_named(tmp_path):
    (database,) = find_databases(fvc(tmp_path / "fvc2002" / "DB2_B", 2, 2))
    assert (database.name, database.dpi) == ("DB2_B", 569.0)


def test_stated_resolutions_go_first(tmp_path):
    fvc(tmp_path / "fvc2002" / "DB1_B", 2, 2)
    fvc(tmp_path / "fvc2002" / "DB2_B", 2, 2)
    default, by_name = parse_dpi(["508", "DB2_B=1000"])
    found = find_databases(tmp_path / "fvc2002", dpi_default=default, dpi_by_name=by_name)
    assert [d.dpi for d in found] == [508.0, 1000.0]
    with pytest.raises(BenchmarkError, match=r"DB3_B.*DB1_B, DB2_B"):
        find_databases(tmp_path / "fvc2002", dpi_by_name={"DB3_B": 500.0})


@pytest.mark.parametrize("option", ["", "x", "DB1_B=", "DB1_B=abc", "50", "99999", "nan", "DB1_B=inf"])
def test_resolutions_that_are_none_are_refused(option):
    with pytest.raises(BenchmarkError, match="VALUE or NAME=VALUE"):
        parse_dpi([option])
