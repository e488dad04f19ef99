"""What is known of the sensor and of the session with it, in one place that every part of the session writes to."""

from firmware.core import codes


class SensorInfo:
    """What is known of the sensor; zero where it is not known yet.

    Attributes:
        model: one of `codes.MODEL_*`; MODEL_OTHER when only its geometry is known, from its first image.
        width, height: of an image, in pixels.
        dpi: pixels per inch.
        packet_bytes: content of a data packet.
        baud: of the wire to the sensor, now.
        capacity: places in its template library.
        library_held: it held templates at its last power-up.
        library_emptied: it holds none now, by its own word.
        system_id: fixed for a firmware family of the sensor.
    """

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """Know nothing: behind the connector may be another sensor now."""
        self.model = codes.MODEL_UNKNOWN
        self.width = 0
        self.height = 0
        self.dpi = 0
        self.packet_bytes = 0
        self.baud = 0
        self.capacity = 0
        self.library_held = False
        self.library_emptied = False
        self.system_id = 0

    @property
    def image_bytes(self) -> int:
        """Bytes of an image on the wire, at four bits a pixel; 0 while the size is not known."""
        return self.width * self.height // 2

    def use_model(self, model: "tuple[int, str, int, int, int]") -> None:
        """Take geometry and resolution from a row of `sensor_models.MODELS`."""
        self.model, _, self.width, self.height, self.dpi = model


class SensorStatus:
    """Where the session is.

    Attributes:
        state: one of `codes.STATE_*`.
        error: why the last job or the last power-up failed: one of `codes.ERROR_*`, 0 for none.
        detail: the sensor's confirmation code, where the error comes with one.
        progress: rises with every packet that was accepted and every answer that was understood, and wraps.
        info: what is known of the sensor.
        look: number of the look that gave the image, from 1.
        finger_at: when that look was taken, in ms of the clock.
        wire_ms: time from the first byte of the image on the sensor's wire to its last.
    """

    def __init__(self):
        self.state = codes.STATE_OFF
        self.error = 0
        self.detail = 0
        self.progress = 0
        self.look = 0
        self.finger_at = 0
        self.wire_ms = 0
        self.info = SensorInfo()

    def proven(self) -> None:
        """The sensor did something that only a working sensor does."""
        self.progress = (self.progress + 1) & 0xFFFFFF

    def failed(self, error: int, detail: int = 0) -> int:
        """Note why; returns `error`."""
        self.error = error
        self.detail = detail
        return error
