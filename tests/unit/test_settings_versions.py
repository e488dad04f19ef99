"""A settings file of an older version, with made-up versions and a made-up step: there is only version 1 so far."""

import tomllib
from typing import Literal

import pytest

from edge_service.ops.settings_file import SETTINGS_MODEL, STEPS
from interchange.settings import SettingsError, SettingsModel, load_settings
from interchange.settings_versions import file_version, migrate, version_of


class Line(SettingsModel):
    host: str
    ports: tuple[int, ...] = ()
    patience_s: float = 1.0
    loud: bool = False


class Third(SettingsModel):
    version: Literal[3] = 3
    name: str
    line: Line


def to_two(tree):
    line = {"host": tree.pop("host"), "ports": tree.pop("ports", [])}
    return {**tree, "line": line}


def to_three(tree):
    tree["line"]["patience_s"] = 2.5
    return tree


STEPS_TO_THREE = {1: to_two, 2: to_three}
FIRST = '# by hand\nversion = 1\nname = "a \\"b\\" ñ \\u0001"\nhost = "h" # the old one\nports = [1, 2]\n'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "edge.toml"
    path.write_text(FIRST, encoding="utf-8")
    path.chmod(0o640)
    return path


def test_two_steps_at_once_and_the_old_file_is_kept(path):
    done = migrate(path, model=Third, steps=STEPS_TO_THREE)
    assert (done.found, done.now, done.backup) == (1, 3, path.with_name("edge.toml.v1.bak"))
    assert done.backup.read_text("utf-8") == FIRST
    settings = load_settings(Third, path)
    assert settings == Third(name='a "b" ñ \x01', line=Line(host="h", ports=(1, 2), patience_s=2.5))
    assert (path.stat().st_mode & 0o777, done.backup.stat().st_mode & 0o777) == (0o640, 0o640)
    assert sorted(file.name for file in path.parent.iterdir()) == ["edge.toml", "edge.toml.v1.bak"]
    assert migrate(path, model=Third, steps=STEPS_TO_THREE).backup is None


def test_a_step_that_makes_a_wrong_file_changes_nothing(path):
    with pytest.raises(SettingsError, match="after the migration") as caught:
        migrate(path, model=Third, steps={1: to_two, 2: lambda tree: {**tree, "lin": 1}})
    assert caught.value.key == "lin"
    assert path.read_text("utf-8") == FIRST
    assert [file.name for file in path.parent.iterdir()] == ["edge.toml"]


def test_a_step_that_is_missing(path):
    with pytest.raises(SettingsError, match="from 2 to 3"):
        migrate(path, model=Third, steps={1: to_two})
    assert path.read_text("utf-8") == FIRST


def test_another_backup_is_not_written_over(path):
    backup = path.with_name("edge.toml.v1.bak")
    backup.write_text("something else", encoding="utf-8")
    with pytest.raises(SettingsError, match="is there already"):
        migrate(path, model=Third, steps=STEPS_TO_THREE)
    assert (path.read_text("utf-8"), backup.read_text("utf-8")) == (FIRST, "something else")
    backup.write_text(FIRST, encoding="utf-8")  # a migration that was cut short
    assert migrate(path, model=Third, steps=STEPS_TO_THREE).now == 3


@pytest.mark.parametrize(
    "text", ["version = 4", "version = true", "version = 0", 'version = "1"', "x = 1", "= 1"]
)
def test_versions_that_are_none_of_ours(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        migrate(path, model=Third, steps=STEPS_TO_THREE)
    assert path.read_text("utf-8") == text


def test_there_is_only_version_one(tmp_path):
    assert (version_of(SETTINGS_MODEL), STEPS) == (1, {})
    path = tmp_path / "edge.toml"
    path.write_text('version = 1\ndevice = "kiosk-1"\n', encoding="utf-8")
    assert file_version(path) == 1
    assert migrate(path, model=SETTINGS_MODEL, steps=STEPS).backup is None


def test_what_is_written_is_read_back_the_same(path):
    tree = {
        "version": 1,
        "a-b": [True, 1.5, -3, "x"],
        "odd key.": "t\tn\nü\x7f\\",
        "deep": {"er": {"est": {"x": []}}, "y": 0},
        "empty": {},
    }
    from interchange.settings_versions import _as_toml

    assert tomllib.loads(_as_toml(tree)) == tree
