"""The sensor's UART. While the sensor has no supply its lines are held where they cannot feed it (pins.py)."""

from machine import UART, Pin

from firmware.board import pins

_RECEIVE_BYTES = 4096
"""355 ms at 115,200 baud: as long as the main loop may be held up once (usb_serial.py) or by the flash."""
_SEND_BYTES = 64
_FIRST_BAUD = 57_600


class SensorUart:
    """A `ports.SensorPort`; `wake` and `sleep` go with the sensor's supply."""

    def __init__(self):
        self._uart: "UART | None" = None
        self._baud = _FIRST_BAUD
        self.sleep()

    def wake(self) -> None:
        """The sensor has its supply now."""
        # One UART object for every life of the sensor would keep its buffers; deinit gives them up, so there is
        # one large allocation at each power-up, before any image.
        self._uart = UART(pins.SENSOR_UART)
        self._configure()

    def sleep(self) -> None:
        """The sensor is about to lose its supply."""
        uart, self._uart = self._uart, None
        if uart is not None:
            uart.deinit()
        Pin(pins.SENSOR_UART_TX, Pin.OUT, value=0)
        Pin(pins.SENSOR_UART_RX, Pin.IN, pull=None)  # pyright: ignore[reportArgumentType] - None takes pulls away

    def set_baud(self, baud: int) -> None:
        """See `ports.SensorPort`."""
        self._baud = baud
        if self._uart is not None:
            self._configure()

    def read_into(self, buffer: bytearray, count: int) -> int:
        """See `ports.BytePort`."""
        if self._uart is None:
            return 0
        return self._uart.readinto(buffer, count) or 0

    def write(self, buffer: bytearray, offset: int, count: int) -> int:
        """See `ports.BytePort`. What is written to a sensor without supply is lost."""
        if self._uart is None:
            return count
        # Streams take an offset and a length on every port; the stubs do not know it.
        return self._uart.write(buffer, offset, count) or 0  # pyright: ignore[reportCallIssue]

    def _configure(self) -> None:
        assert self._uart is not None
        self._uart.init(
            baudrate=self._baud,
            bits=8,
            parity=None,
            stop=1,
            tx=Pin(pins.SENSOR_UART_TX),
            rx=Pin(pins.SENSOR_UART_RX),
            rxbuf=_RECEIVE_BYTES,
            txbuf=_SEND_BYTES,
            timeout=0,
            timeout_char=0,
        )
        while self._uart.any():
            self._uart.read(self._uart.any())
