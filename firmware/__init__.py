"""The sensor board: MicroPython. `core` runs anywhere, `board` and `unix` hold the ports."""
