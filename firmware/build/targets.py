"""The boards there are bundles for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of board.

    Attributes:
        name: as the board itself says it, and as in the bundle's manifest.
        march: the machine code that its viper kernels become (`mpy-cross -march`).
        packages: folders below `firmware/` whose modules it gets.
        entry: the module that the loader imports.
        programs: modules that are started by their name, without a loader.
    """

    name: str
    march: str
    packages: tuple[str, ...]
    entry: str
    programs: tuple[str, ...] = ()


_UNIX = ("core", "boot", "unix"), "firmware.unix.main", ("firmware.unix.__main__",)

TARGETS = (
    # Cortex-M0+: Thumb without Thumb-2.
    Target("rp2040", "armv6m", ("core", "boot", "board"), "firmware.board.main"),
    # Cortex-M33 with its single-precision unit.
    Target("rp2350", "armv7emsp", ("core", "boot", "board"), "firmware.board.main"),
    # The virtual board: MicroPython's unix port on a PC.
    Target("unix", "x64", *_UNIX),
)

UNIX_32 = Target("unix", "x86", *_UNIX)
"""The virtual board with words of 32 bits, as the boards have them: for a MicroPython built for 32-bit x86."""

LOADER = ("main.py", "loader.py", "boot_state.py")
"""Files of `firmware/boot` that make up the loader: at the root of the flash, as source, which any MicroPython reads:
after an upgrade of MicroPython itself the loader still runs."""
OF_THE_LOADER_ALONE = ("main.py", "loader.py")
"""Those that are no part of the application."""
