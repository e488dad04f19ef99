"""Ports for the Pico and the Pico 2; the only place that imports `machine`."""
