"""What the kiosk page refuses; `word` is the id of its message in the catalogues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.errors import EdgeError

if TYPE_CHECKING:
    from pathlib import Path


class KioskError(EdgeError):
    """Base of what the kiosk page raises on purpose.

    Attributes:
        word: id of the message that the page shows.
    """

    def __init__(self, word: str, message: str) -> None:
        self.word = word
        super().__init__(message)


class UsersError(KioskError):
    """The file of those who may unlock the kiosk cannot be used, or not so.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__("unlock.no_users", f"{path}: {problem}")


class Locked(KioskError):  # noqa: N818 - reads as what it is
    """The code does not unlock the kiosk, or it is too early to try again.

    Attributes:
        wait_s: before the next attempt is looked at.
        tried: whether the code was looked at.
    """

    def __init__(self, *, wait_s: float, tried: bool) -> None:
        self.wait_s = wait_s
        self.tried = tried
        word = "unlock.wrong" if tried else "unlock.wait"
        super().__init__(word, f"not unlocked; the next attempt is looked at in {wait_s:.0f} s")


class WrongStep(KioskError):  # noqa: N818 - reads as what it is
    """What was asked for does not belong to the step that the booking is at: a late or a double tap.

    Attributes:
        step: where the booking is.
    """

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__("notice.wrong_step", f"not possible at step '{step}'")


class NoRoom(KioskError):  # noqa: N818 - reads as what it is
    """The store of saved bookings is full: no new one is begun, so that nobody is printed for nothing."""

    def __init__(self) -> None:
        super().__init__(
            "notice.store_full",
            "the store of saved bookings is full. Restore the connection to the matcher; bookings can be taken"
            " again once some are delivered.",
        )
