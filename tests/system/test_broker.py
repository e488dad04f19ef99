import contextlib
import socket
import stat

import pytest

from hardware.bench import broker as broker_module
from hardware.bench.broker import Broker, BrokerMissing
from hardware.bench.process import ProcessError

pytestmark = pytest.mark.system


def test_it_answers_and_ends_and_leaves_nothing():
    with Broker() as broker:
        assert broker.pid is not None
        assert "running" in broker.log_text()
        with socket.create_connection((broker.host, broker.port), timeout=5):
            pass
        folder = broker.folder
    assert broker.pid is None
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.host, broker.port), timeout=1)


def test_it_does_not_care_who_is_on_1883():
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # somebody is there already: all the better
            other.bind(("127.0.0.1", 1883))
            other.listen()
        with Broker() as broker:
            assert broker.port != 1883


def test_two_side_by_side():
    with Broker() as one, Broker() as two:
        assert one.port != two.port


def test_started_again_it_has_the_same_port(tmp_path):
    with Broker(tmp_path) as broker:
        port = broker.port
        broker.kill()
        broker.start()
        assert broker.port == port


def test_a_port_that_is_taken_is_an_error_with_its_log():
    with (
        Broker() as one,
        pytest.raises(ProcessError, match="Address already in use"),
        Broker(port=one.port),
    ):
        pass


def test_a_free_port_that_is_taken_in_between_is_left_for_another(monkeypatch):
    with Broker() as one:
        ports = iter([one.port, one.port])
        real = broker_module._free_port
        monkeypatch.setattr(broker_module, "_free_port", lambda: next(ports, None) or real())
        with Broker() as two:
            assert two.port != one.port


def test_without_mosquitto_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(broker_module.shutil, "which", lambda *_, **__: None)
    with pytest.raises(BrokerMissing, match="apt install mosquitto"), Broker():
        pass


def test_its_folder_is_private():
    with Broker() as broker:
        assert stat.S_IMODE(broker.folder.stat().st_mode) == 0o700
