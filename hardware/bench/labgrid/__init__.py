"""The bench in labgrid's words: resources (what is plugged in), protocols (what it can do), drivers (how).

An environment file names this package under `imports`; that registers all classes with labgrid.
"""

from hardware.bench.labgrid import (
    adapter_driver,
    board_drivers,
    emulator_drivers,
    finger_drivers,
    kiosk_strategy,
    port_drivers,
    resources,
    sensor_drivers,
    wire_driver,
)

__all__ = [
    "adapter_driver",
    "board_drivers",
    "emulator_drivers",
    "finger_drivers",
    "kiosk_strategy",
    "port_drivers",
    "resources",
    "sensor_drivers",
    "wire_driver",
]
