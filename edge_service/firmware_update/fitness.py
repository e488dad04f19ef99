"""Whether a bundle may go onto the board that is there. Asked before anything on the board is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.firmware_update.errors import BundleUnfit
from edge_service.firmware_update.manifest import version_key
from firmware.core import codes
from firmware.core.framing import PROTOCOL

if TYPE_CHECKING:
    from edge_service.firmware_update.bundle import Bundle
    from edge_service.sensors.board.answers import Identity

BOARD_NAMES = {
    codes.BOARD_RP2040: "rp2040",
    codes.BOARD_RP2350: "rp2350",
    codes.BOARD_UNIX: "unix",
}


def check_protocol(bundle: Bundle) -> None:
    """Refuse firmware that could not tell this kiosk that it runs. Raises BundleUnfit."""
    theirs = bundle.manifest.link_protocol
    if theirs > PROTOCOL:
        raise BundleUnfit(
            "protocol",
            f"Firmware {bundle.manifest.version} speaks version {theirs} of the link, this kiosk {PROTOCOL}: update"
            " the edge service first.",
        )
    if theirs < PROTOCOL:
        raise BundleUnfit(
            "protocol",
            f"Firmware {bundle.manifest.version} speaks version {theirs} of the link, this kiosk {PROTOCOL}: take a"
            " newer bundle.",
        )


def check(bundle: Bundle, board: Identity, *, allow_older: bool) -> None:
    """Refuse what must not go onto this board. Raises BundleUnfit."""
    manifest = bundle.manifest
    check_protocol(bundle)
    name = BOARD_NAMES.get(board.board, f"kind {board.board}")
    if manifest.board != name:
        raise BundleUnfit(
            "board",
            f"{bundle.path} is for another board ({manifest.board}); this one is of the kind {name}. Take"
            f" whorl-firmware-{manifest.version}-{name}.whorlfw.",
        )
    if not board.capabilities & codes.CAN_UPDATE:
        raise BundleUnfit(
            "board",
            "The board runs firmware that was not installed in slots, so it cannot be updated over the link. Install"
            " it as on a new board: docs/firmware-update.md.",
        )
    if is_on_trial(bundle, board):
        return
    if board.flags.on_trial:
        raise BundleUnfit(
            "on trial",
            f"Firmware {board.version} on the board is still on trial. If it is good, run the update with its own"
            " bundle again, which confirms it; if not, wait: the board falls back within four minutes.",
        )
    if version_key(manifest.version) < version_key(board.version) and not allow_older:
        raise BundleUnfit(
            "older",
            f"{manifest.version} is older than what the board runs ({board.version}). If you mean it, add"
            " --allow-older.",
        )


def is_on_trial(bundle: Bundle, board: Identity) -> bool:
    """Whether what the bundle holds runs already and only waits for its confirmation."""
    return board.flags.on_trial and board.version == bundle.manifest.version
