"""A part of OSIA's ABIS interface (version 1.6, of OSIA 7): persons, identify, verify, galleries. See docs/osia.md."""
