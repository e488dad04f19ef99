"""The same ports on a machine with an operating system, for the bench and for CPython's debugger."""
