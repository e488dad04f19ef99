"""What can go wrong at the kiosk outside its sensor. Each message says what the person does next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class EdgeError(Exception):
    """Base of what the edge service raises on purpose, the sensor's errors apart."""


class SpoolError(EdgeError):
    """The spool cannot be used, or did not take a booking.

    Attributes:
        path: the spool's file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")


class SpoolFull(SpoolError):  # noqa: N818 - reads as what it is
    """No room for another booking; nothing that was saved before is touched.

    Attributes:
        limit: which limit was met: "bookings", "bytes" or "disk".
    """

    def __init__(self, path: Path, *, limit: str, problem: str) -> None:
        self.limit = limit
        super().__init__(path, problem)


class SpoolDamaged(SpoolError):  # noqa: N818 - reads as what it is
    """The spool's file was damaged and has been set aside, whole; no new one is begun without a person.

    Attributes:
        quarantined: where the damaged file now is.
    """

    def __init__(self, path: Path, quarantined: Path) -> None:
        self.quarantined = quarantined
        super().__init__(
            path,
            f"the store of saved bookings was damaged and has been set aside as {quarantined.name}. Bookings"
            " in it may not have been delivered: keep the file and tell your administrator. To go on with a"
            " new, empty store run: edge-service spool --start-empty",
        )


class SpoolKeyError(SpoolError):
    """The key that the saved bookings are sealed with is not to be had; the file was not touched.

    Attributes:
        key_path: where the key was looked for; None where that is not the point.
        lost: that another key, or none, is in its place, so that `--start-empty` may go on without the bookings.
    """

    def __init__(self, path: Path, *, problem: str, key_path: Path | None = None, lost: bool = False) -> None:
        self.key_path = key_path
        self.lost = lost
        where = "" if key_path is None else f"the key {key_path} "
        cure = (
            " Nothing was changed. Put the right key back from its backup, or plug in what it is on, and start again."
            " Without it nobody can read the saved bookings: to set them aside and go on with a new, empty store run:"
            " edge-service spool --start-empty"
        )
        super().__init__(path, f"{where}{problem}.{cure if lost else ''}")


class BookingError(EdgeError):
    """A booking that could not be made; nothing was saved or sent.

    Attributes:
        problems: what went wrong, by finger position.
    """

    def __init__(self, message: str, problems: dict[int, str] | None = None) -> None:
        self.problems = problems or {}
        super().__init__(message)
