"""What can go wrong at the sensor. Each message says what the officer or the technician does next."""

from __future__ import annotations

DAMAGED_IMAGE_CURE = "Press the finger again. If this comes back, check the sensor's cable and its ground."


class SensorError(Exception):
    """Base of everything the sensor package raises on purpose, and itself a plain refusal by the sensor.

    Attributes:
        path: the serial port, as configured.
        code: confirmation code of a refusal; None for every other kind of error.
    """

    def __init__(self, message: str, *, path: str, code: int | None = None) -> None:
        self.path = path
        self.code = code
        super().__init__(message)


class SensorSilent(SensorError):  # noqa: N818 - named for what a person meets
    """The port is there and nothing answers on it.

    Attributes:
        waited_s: how long an answer was waited for.
        bauds: the baud rates that were tried.
    """

    def __init__(self, *, path: str, waited_s: float, bauds: tuple[int, ...]) -> None:
        self.waited_s = waited_s
        self.bauds = bauds
        tried = ", ".join(str(baud) for baud in bauds)
        super().__init__(
            f"The fingerprint sensor on {path} does not answer ({waited_s:.1f} s, {tried} baud). Switch its"
            " power off for five seconds and on again. If it stays silent, check its cable, and that TX and"
            " RX are crossed.",
            path=path,
        )


class SensorGarbled(SensorError):  # noqa: N818 - named for what a person meets
    """What arrives is not what the protocol says: noise, a lost or repeated packet, a wrong geometry.

    Attributes:
        reason: what was wrong, in words.
        expected_bytes: bytes of image data that were due; None when no image was under way.
        received_bytes: bytes of image data that arrived intact; None when no image was under way.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: str,
        expected_bytes: int | None = None,
        received_bytes: int | None = None,
        cure: str = DAMAGED_IMAGE_CURE,
    ) -> None:
        self.reason = reason
        self.expected_bytes = expected_bytes
        self.received_bytes = received_bytes
        super().__init__(
            f"The fingerprint sensor on {path} cannot be understood: {reason}. {cure}", path=path
        )


class NoFinger(SensorError):  # noqa: N818 - named for what a person meets
    """Nobody pressed a finger in time, or the wait was cancelled.

    Attributes:
        waited_s: how long a finger was waited for.
        cancelled: True when the caller gave up, not the clock.
        failed_images: how often a finger was seen but no image could be made of it.
    """

    def __init__(
        self, *, path: str, waited_s: float, cancelled: bool = False, failed_images: int = 0
    ) -> None:
        self.waited_s = waited_s
        self.cancelled = cancelled
        self.failed_images = failed_images
        if cancelled:
            message = "The capture was cancelled. Start it again when the person is ready."
        elif failed_images:
            message = (
                f"A finger was seen {failed_images} times but no image could be taken in {waited_s:.0f} s."
                " Wipe the sensor's window with a dry cloth and press the finger flat."
            )
        else:
            message = (
                f"No finger was seen in {waited_s:.0f} s."
                " Place the finger flat on the window and hold it still."
            )
        super().__init__(message, path=path)


class SensorLocked(SensorError):  # noqa: N818 - named for what a person meets
    """The sensor wants a password, and the configured one is not it."""

    def __init__(self, *, path: str) -> None:
        super().__init__(
            f"The fingerprint sensor on {path} refuses its password. Put the password that was set when the"
            " kiosk was sealed into its configuration. A sensor whose password is lost must be replaced.",
            path=path,
        )


_CURES = {
    "missing": "is not there. Plug the sensor's cable in; it is found again by itself.",
    "lost": "went away. Plug the sensor's cable in and press the finger again.",
    "busy": "is in use by another program. Stop that program; two readers would mix up their images.",
    "denied": "may not be opened by this user. Add the user to the group that owns the port (dialout).",
    "unusable": "is not a serial port. Correct the sensor's port in the kiosk's configuration.",
}


class SensorUnplugged(SensorError):  # noqa: N818 - named for what a person meets
    """The port cannot be opened, or it went away while in use.

    Attributes:
        reason: "missing", "lost", "busy", "denied" or "unusable".
    """

    def __init__(self, reason: str, *, path: str) -> None:
        self.reason = reason
        super().__init__(f"The fingerprint sensor's port {path} {_CURES[reason]}", path=path)
