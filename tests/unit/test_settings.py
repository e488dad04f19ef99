import logging
from pathlib import Path

import pytest

from edge_service.settings import EdgeSettings
from interchange.logs import KeyValueFormatter, facts
from interchange.settings import SettingsError, load_settings
from matcher_service.settings import MatcherSettings


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_what_is_said_on_top(tmp_path):
    path = written(
        tmp_path,
        'version = 1\ndevice = "kiosk-1"\n[broker]\nport = 1884\n[spool]\npath = "/x/spool.db"\n'
        '[broker.tls]\nca = "/x/ca.pem"\ncertificate = "/x/k.pem"\nkey = "/x/k.key"\n',
    )
    settings = load_settings(EdgeSettings, path, ["broker.host=broker.county", "sensor.model=R503"])
    assert settings.device == "kiosk-1"
    assert (settings.broker.host, settings.broker.port) == ("broker.county", 1884)
    assert settings.spool.path == Path("/x/spool.db")
    assert settings.sensor.model == "R503"


def test_no_file_at_all():
    settings = load_settings(MatcherSettings, None, ['repositories=["criminal", "immigration"]'])
    assert settings.repositories == ("criminal", "immigration")
    assert settings.broker.session_expiry_s == 300


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('device = "k"', "version", "version = 1"),
        ('version = 2\ndevice = "k"', "version", "1"),
        ("version = 1", "device", "required"),
        ('version = 1\ndevice = "Kiosk 1"', "device", "a-z"),
        ('version = 1\ndevice = "k"\nbrokr = 1', "brokr", "'broker'"),
        ('version = 1\ndevice = "k"\n[broker]\nprot = 1', "broker.prot", "'broker.port'"),
        ('version = 1\ndevice = "k"\n[broker]\nport = "1883"', "broker.port", "integer"),
        ('version = 1\ndevice = "k"\n[broker]\nport = 70000', "broker.port", "65535"),
        ('version = 1\ndevice = "k"\nbroker = 5', "broker", "object"),
        ('version = 1\ndevice = "k"\n[broker]\nhost = "broker.county"', "broker", "in the clear"),
        ('version = 1\ndevice = "k"\n[broker.tls]\nkye = "x"', "broker.tls.kye", "'broker.tls.key'"),
        ('version = 1\ndevice = "k"\n[capture]\nattempts = 0', "capture.attempts", "1"),
        ('version = 1\ndevice = "k"\n[sensor]\nthrough = "air"', "sensor.through", "'uart'"),
        ('version = 1\ndevice = "k"\n[sensor]\nlooks = 11', "sensor.looks", "10"),
        ('version = 1\ndevice = "k"\n[sensor]\nmodel = "R30"', "sensor.model", "did you mean R307"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, key, words):
    with pytest.raises(SettingsError) as caught:
        load_settings(EdgeSettings, written(tmp_path, text))
    assert caught.value.key == key
    assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"version = ", b"\xff\xfe", b"= 1"])
def test_what_is_no_toml(tmp_path, content):
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(EdgeSettings, path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(EdgeSettings, tmp_path / "none.toml")


def test_an_assignment_without_a_value():
    with pytest.raises(SettingsError, match="KEY=VALUE"):
        load_settings(EdgeSettings, None, ["device"])


def test_log_lines_are_key_value():
    values = facts(undelivered=7, share=0.5, note='say "no"\nnow', empty="")
    record = logging.makeLogRecord(
        {"name": "edge.spool", "levelname": "WARNING", "msg": "spool is %s", "args": ("nearly full",)}
        | values
    )
    line = KeyValueFormatter().format(record)
    assert line.endswith(
        'level=warning at=edge.spool msg="spool is nearly full" undelivered=7 share=0.5'
        ' note="say \\"no\\"\\nnow" empty=""'
    )
    assert "\n" not in line
