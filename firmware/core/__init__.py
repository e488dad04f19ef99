"""Pure logic of the sensor board; the same under MicroPython and CPython."""
