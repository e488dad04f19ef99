"""The firmware's build, on a PC: compiled modules, a manifest, a signature, one bundle for each board.

`python -m firmware.build --help`; the formats are in docs/firmware-update.md. Nothing of this runs on a board.
"""
