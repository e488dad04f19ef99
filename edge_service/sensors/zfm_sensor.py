"""Driver for the R307, R503, AS608, ZFM-20 and their kin, straight on a serial port."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Self

from edge_service.sensors.errors import (
    DAMAGED_IMAGE_CURE,
    NoFinger,
    SensorError,
    SensorGarbled,
)
from edge_service.sensors.frame import Frame, SensorInfo
from edge_service.sensors.models import SensorModel, find_model, models_by_size
from edge_service.sensors.parameters import TRANSFER_ATTEMPTS, Timing
from edge_service.sensors.reopening import until_found
from edge_service.sensors.serial_port import SerialPort
from edge_service.sensors.zfm_answers import repeats_a_packet, unpack_image
from edge_service.sensors.zfm_codes import DEFAULT_ADDRESS, Confirmation, Instruction
from edge_service.sensors.zfm_link import ZfmLink
from edge_service.sensors.zfm_session import ZfmSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from edge_service.sensors.protocol import Progress

_log = logging.getLogger(__name__)


class ZfmSensor:
    """A `FingerprintSensor` of this family. One thread at a time; other threads set `cancel`.

    Args:
        path: the serial port; better a link under /dev/serial/by-id than a number that changes.
        model: name from `models.MODELS`; None asks the sensor, and if it does not know, its first image.
        password: the module's four-byte password.
        baud: None looks for it.
        address: the module's address.
        timing: deadlines and pauses.
        clock: seconds that never go backwards.
    """

    def __init__(
        self,
        path: str,
        *,
        model: str | None = None,
        password: int = 0,
        baud: int | None = None,
        address: int = DEFAULT_ADDRESS,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._configured_model = None if model is None else find_model(model)
        self._model: SensorModel | None = None
        self._timing = timing = timing or Timing()
        self._clock = clock
        self._port = SerialPort(path, poll_s=timing.poll_s, write_s=timing.write_s, clock=clock)
        self._link = ZfmLink(self._port, timing=timing, address=address, clock=clock)
        self._session = ZfmSession(
            self._link, path=path, password=password, baud=baud, timing=timing, clock=clock
        )
        self._info: SensorInfo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def info(self) -> SensorInfo | None:
        """What is known of the sensor; None while it is not connected."""
        return self._info

    def connect(self, *, timeout_s: float = 10.0, cancel: Event | None = None) -> SensorInfo:
        """Find the sensor, again if it was lost, and empty its template library.

        A port that is not there is tried again, ever less often, until `timeout_s` is over; a port that is
        there but silent, noisy or locked is an error at once, since waiting rarely cures it. Raises
        `SensorUnplugged`, `SensorSilent`, `SensorGarbled`, `SensorLocked`, and `NoFinger` on a cancel.
        """
        if self._info is not None and not self._port.still_there():
            self.close()  # pulled out between two captures: nothing is lost but the connection
        if self._info is None:
            self._info = until_found(
                self._find,
                path=self._path,
                close=self.close,
                timeout_s=timeout_s,
                pauses_s=(self._timing.reopen_first_s, self._timing.reopen_longest_s),
                cancel=cancel or Event(),
                clock=self._clock,
            )
        return self._info

    def capture(
        self, *, timeout_s: float = 30.0, progress: Progress | None = None, cancel: Event | None = None
    ) -> Frame:
        """Wait for a finger at most `timeout_s`, then fetch its image, however long that takes on the wire.

        The image is fetched at once, before anything else is asked of the sensor: every other command of this
        family that works on an image destroys it. `progress` starts again from the front when a transfer had
        to be repeated. Raises any `SensorError`; after one, the next call finds the sensor anew.
        """
        cancel = cancel or Event()
        started = self._clock()
        self.connect(timeout_s=timeout_s, cancel=cancel)
        try:
            self._wait_for_finger(started=started, timeout_s=timeout_s, cancel=cancel)
            captured_at = self._clock()
            data = self._fetch_image(started=started, progress=progress, cancel=cancel)
        except SensorError as error:
            # A refusal, and the absence of a finger, leave the conversation intact.
            if error.code is None and not isinstance(error, NoFinger):
                self.close()
            raise
        transfer_s = self._clock() - captured_at
        model = self._model_of(data)
        pixels = unpack_image(data, width=model.width, height=model.height)
        return Frame(pixels, model.dpi, model.name, captured_at, transfer_s)

    def wait_for_lift(self, *, timeout_s: float = 30.0, cancel: Event | None = None) -> bool:
        """True once no finger is on the window; False when `timeout_s` is over or `cancel` is set."""
        cancel = cancel or Event()
        started = self._clock()
        self.connect(timeout_s=timeout_s, cancel=cancel)
        try:
            while self._session.command(Instruction.GEN_IMG).code != Confirmation.NO_FINGER:
                over = self._clock() - started > timeout_s
                if over or cancel.wait(self._timing.look_every_s):
                    return False
        except SensorError:
            self.close()
            raise
        return True

    def close(self) -> None:
        """Give the port back. Never fails; the next call opens it again."""
        self._info = None
        self._port.close()

    def _find(self) -> SensorInfo:
        """The way from a closed port to a sensor that can be used."""
        baud = self._session.find_baud()
        parameters = self._session.read_parameters()
        emptied = self._session.empty_library()
        self._model = self._configured_model or self._session.ask_model()
        info = SensorInfo(
            path=self._path,
            model=None if self._model is None else self._model.name,
            baud=baud,
            packet_bytes=parameters.packet_bytes,
            capacity=parameters.capacity,
            library_emptied=emptied,
        )
        _log.info("sensor found: %s", info)
        return info

    def _wait_for_finger(self, *, started: float, timeout_s: float, cancel: Event) -> None:
        failed_images = 0
        while True:
            ack = self._session.command(Instruction.GEN_IMG)
            if ack.code == Confirmation.OK:
                return
            if ack.code == Confirmation.IMAGE_FAILED:
                failed_images += 1
            elif ack.code != Confirmation.NO_FINGER:
                raise self._session.refused(Instruction.GEN_IMG, ack)
            if cancel.wait(self._timing.look_every_s):
                raise self._cancelled(started)
            waited_s = self._clock() - started
            if waited_s > timeout_s:
                raise NoFinger(path=self._path, waited_s=waited_s, failed_images=failed_images)

    def _fetch_image(self, *, started: float, progress: Progress | None, cancel: Event) -> bytes:
        """The image's bytes, complete. It stays in the sensor's buffer: a bad transfer is repeated once.

        One in doubt counts only when the next gives the same bytes.
        """
        in_doubt: bytes | None = None
        garbled = 0
        while True:
            try:
                data = self._transfer(started=started, progress=progress, cancel=cancel)
            except SensorGarbled as error:
                garbled += 1
                if garbled == TRANSFER_ATTEMPTS:
                    raise
                _log.warning("sensor on %s: %s; fetching the image again", self._path, error.reason)
                continue
            if data == in_doubt or not repeats_a_packet(data, self._link.packet_bytes):
                return data
            if in_doubt is not None:
                raise SensorGarbled("packets repeat each other", path=self._path)
            _log.warning("sensor on %s: a packet came twice; fetching the image again", self._path)
            in_doubt = data

    def _transfer(self, *, started: float, progress: Progress | None, cancel: Event) -> bytes:
        expected = (self._model or _LARGEST).image_bytes
        self._session.expect(Instruction.UP_IMAGE)
        data = self._link.receive_image(expected, progress=progress, cancelled=cancel.is_set)
        if data is None:
            raise self._cancelled(started)
        if self._model is None and models_by_size(len(data)):
            expected = len(data)
        if len(data) != expected:
            raise self._wrong_size(data, expected)
        if progress is not None:
            progress(expected, expected)
        return data

    def _wrong_size(self, data: bytes, expected: int) -> SensorGarbled:
        """A complete image of another model's size is a wrong configuration, not a bad cable."""
        cure = DAMAGED_IMAGE_CURE
        fitting = models_by_size(len(data))
        if fitting:
            names = " or ".join(model.name for model in fitting)
            size = f"{fitting[0].width} x {fitting[0].height} pixels"
            cure = f"That is the size of a {names} ({size}): set the sensor's model in the configuration."
        return SensorGarbled(
            f"the image has {len(data)} bytes instead of {expected}",
            path=self._path,
            expected_bytes=expected,
            received_bytes=len(data),
            cure=cure,
        )

    def _model_of(self, data: bytes) -> SensorModel:
        """The model; when nobody knew it, the size of the first image settles the geometry."""
        if self._model is None:
            like = models_by_size(len(data))[0]
            self._model = replace(like, name=f"{like.width}x{like.height}")
            if self._info is not None:
                self._info = replace(self._info, model=self._model.name)
        return self._model

    def _cancelled(self, started: float) -> NoFinger:
        return NoFinger(path=self._path, waited_s=self._clock() - started, cancelled=True)


_LARGEST = find_model("R307")
"""Stands in for an unknown model in the progress and the deadlines of its first image."""


def open_sensor(
    path: str,
    model: str | None = None,
    *,
    password: int = 0,
    baud: int | None = None,
    timeout_s: float = 10.0,
    timing: Timing | None = None,
) -> ZfmSensor:
    """A connected sensor; arguments as for `ZfmSensor`.

    Waits up to `timeout_s` for the port to appear: at boot the kiosk is often ready before its USB devices.
    Raises `SensorError`, and ValueError for an unknown model.
    """
    sensor = ZfmSensor(path, model=model, password=password, baud=baud, timing=timing)
    sensor.connect(timeout_s=timeout_s)
    return sensor
