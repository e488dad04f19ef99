"""A port of another machine brought here, over a real RFC 2217 server: the sensor emulator stands behind it."""

import select
import socket
import threading
import time

import numpy as np
import pytest
import serial
from serial.rfc2217 import PortManager

from edge_service.sensors import SensorUnplugged, ZfmSensor
from hardware.bench.emulator import SensorEmulator
from hardware.bench.remote_port import RemotePort

pytestmark = [pytest.mark.system, pytest.mark.filterwarnings("ignore::DeprecationWarning:serial")]

PATIENCE_S = 10.0


class LinelessPort(serial.Serial):
    """A pseudo-terminal has no modem lines, and says so by an error."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        pass

    def _update_rts_state(self):
        pass


class Server:
    """What ser2net does, for one port: one client at a time; hangs up when the port goes away."""

    def __init__(self, path):
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while not self._stop.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            connection, _ = self._listener.accept()
            try:
                with connection, LinelessPort(self._path, timeout=0) as port:
                    self._carry(connection, port)
            except OSError:
                continue

    def _carry(self, connection, port):
        lock = threading.Lock()

        class Client:
            def write(self, data):
                with lock:
                    connection.sendall(data)

        manager = PortManager(port, Client())
        while not self._stop.is_set():
            ready = select.select([connection, port], [], [], 0.05)[0]
            if connection in ready:
                data = connection.recv(1024)
                if not data:
                    return
                port.write(b"".join(manager.filter(data)))
            if port in ready:
                connection.sendall(b"".join(manager.escape(port.read(1024))))


@pytest.fixture
def emulator():
    with SensorEmulator("R503", replug_after_s=None) as running:
        yield running


@pytest.fixture
def remote(emulator):
    server = Server(emulator.path)
    with RemotePort(f"rfc2217://127.0.0.1:{server.port}") as port:
        yield port
    server.stop()


def finger(seed):
    return np.random.default_rng(seed).integers(0, 256, (192, 192), dtype=np.uint8)


def gone(sensor):
    """Whether the port goes away within good time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            sensor.connect(timeout_s=0)
        except SensorUnplugged:
            return True
        time.sleep(0.02)
    return False


def test_an_image_comes_over_the_network_as_it_was(emulator, remote):
    with ZfmSensor(remote.path, model="R503") as sensor:
        sent = emulator.present(finger(1))
        assert np.array_equal(sensor.capture(timeout_s=PATIENCE_S).pixels, sent)


def test_the_speed_is_set_over_there(emulator, remote):
    emulator.inspect(lambda module: setattr(module, "baud", 115_200))
    with ZfmSensor(remote.path, model="R503") as sensor:
        assert sensor.connect(timeout_s=PATIENCE_S).baud == 115_200


def test_a_port_that_goes_away_over_there_goes_away_here_and_comes_back(emulator, remote):
    with ZfmSensor(remote.path, model="R503") as sensor:
        sensor.connect(timeout_s=PATIENCE_S)
        emulator.unplug()
        assert gone(sensor)
        emulator.replug()
        sent = emulator.present(finger(2))
        assert np.array_equal(sensor.capture(timeout_s=PATIENCE_S).pixels, sent)


def test_nobody_there_is_a_port_that_is_missing():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with RemotePort(f"rfc2217://127.0.0.1:{port}") as remote, ZfmSensor(remote.path) as sensor:
        with pytest.raises(SensorUnplugged) as caught:
            sensor.connect(timeout_s=0.5)
        assert caught.value.reason == "missing"
