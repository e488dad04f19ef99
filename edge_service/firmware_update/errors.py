"""What can go wrong with an update of the sensor board's firmware. Each message says what the person does next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.errors import EdgeError

if TYPE_CHECKING:
    from pathlib import Path

UNTOUCHED = "Nothing on the board was changed."


class FirmwareError(EdgeError):
    """Base of what the package raises on purpose."""


class BundleDamaged(FirmwareError):  # noqa: N818 - reads as what it is
    """The file is no firmware bundle, or not all of it arrived.

    Attributes:
        path: the bundle's file.
        problem: what is wrong with it.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(
            f"{path} is not a whole firmware bundle: {problem}. Copy it again from where it was published and"
            f" compare it with SHA256SUMS. {UNTOUCHED}"
        )


class BundleUntrusted(FirmwareError):  # noqa: N818 - reads as what it is
    """Nobody whom this kiosk trusts has signed the bundle, or a key that should tell cannot be read.

    Attributes:
        path: the bundle's file, or the key's.
        keys: how many keys were tried.
    """

    def __init__(self, path: Path, problem: str, *, keys: int) -> None:
        self.path = path
        self.keys = keys
        super().__init__(f"{path} {problem} {UNTOUCHED}")


class BundleUnfit(FirmwareError):  # noqa: N818 - reads as what it is
    """A good bundle that must not go onto this board, or not like this.

    Attributes:
        reason: "board", "protocol", "older", "on trial" or "mpy".
    """

    def __init__(self, reason: str, problem: str) -> None:
        self.reason = reason
        super().__init__(f"{problem} {UNTOUCHED}")


class UpdateFailed(FirmwareError):  # noqa: N818 - reads as what it is
    """The update did not come to its end.

    Attributes:
        fell_back: True when the new firmware ran, or tried to, and the board is back on the one before.
    """

    def __init__(self, problem: str, *, fell_back: bool = False) -> None:
        self.fell_back = fell_back
        super().__init__(problem)
