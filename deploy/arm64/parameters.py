"""Numbers and names of the run on arm64, with where each comes from."""

from __future__ import annotations

from pathlib import Path

ARCHITECTURE = "arm64"
SUITE = "bookworm"  # Raspberry Pi OS of the appliance is built from it
MIRROR = "http://deb.debian.org/debian"
# What a Raspberry Pi OS Lite has before our package comes, of what the package needs; nothing is downloaded later.
INCLUDED = ("adduser", "ca-certificates", "init-system-helpers", "python3", "systemd", "udev")
RECIPE = 1  # counted up when `root` makes the root in another way: an older one is not used then

BUILD = Path(__file__).parents[2] / "build" / "arm64"

EMULATOR = "qemu-aarch64-static"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
BINFMT_NAME = "whorl-aarch64"  # our own entry, so that we know which one to take away
# ELF, 64 bits, little-endian, executable or shared object, machine 183 (AArch64); the second masks what may differ.
ELF_MAGIC = rb"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
ELF_MASK = rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

# Emulated, all takes five to twenty times as long as here; these are for giving up, not for measuring.
COMMAND_TIMEOUT_S = 1200.0
MAKE_TIMEOUT_S = 5400.0
READY_TIMEOUT_S = 600.0
REPLY_TIMEOUT_S = 900.0
POLL_S = 0.05
UNMOUNT_ATTEMPTS = 50  # at POLL_S: a process that was just killed lets go of its files a moment later
OUTPUT_SHOWN = 3000  # characters of a failed command's output

DEVICE = "arm64-kiosk"
ORI = "MO0100000"  # made up
PIN = "493817"  # of the made-up officer below
OFFICER = "d104"
SENSOR_MODEL = "R307"
SENSOR_BAUD = 115_200
STRANGERS = 200  # enrolled beside the one who is booked

UNIT = "whorl-edge.service"
PACKAGE = "whorl-kiosk"
PROGRAM_FOLDER, LIBRARY_FOLDER = "/usr/lib/whorl-kiosk", "/usr/lib/whorl-kiosk/lib"
SETTINGS_FILE = "/etc/whorl/edge.toml"
IMPORT_PACKAGES = ("interchange", "edge_service", "firmware.core")
NOT_ON_A_KIOSK = ("numba", "llvmlite", "sqlalchemy", "alembic", "matcher_service", "torch", "pytest")
