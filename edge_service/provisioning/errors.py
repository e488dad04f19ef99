"""What can go wrong with a kiosk's identity. Each message says what the person does next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.errors import EdgeError

if TYPE_CHECKING:
    from pathlib import Path


class IdentityError(EdgeError):
    """The identity on this machine cannot be used, or there is none.

    Attributes:
        folder: where it is kept.
    """

    def __init__(self, folder: Path, problem: str) -> None:
        self.folder = folder
        super().__init__(f"{folder}: {problem}")


class ProvisioningError(EdgeError):
    """The centre did not let this kiosk in, or could not be asked.

    Attributes:
        centre: its address.
    """

    def __init__(self, centre: str, problem: str) -> None:
        self.centre = centre
        super().__init__(f"{centre}: {problem}")


class WrongCentre(ProvisioningError):  # noqa: N818 - reads as what it is
    """Whoever answers there is not the centre that made the code. Nothing was told it."""

    def __init__(self, centre: str) -> None:
        super().__init__(
            centre,
            "this is not the centre that made the code; nothing was sent to it. Check the address. If it is right,"
            " somebody may be listening in: do not go on, and call the centre",
        )
