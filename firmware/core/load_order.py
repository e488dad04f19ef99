"""The order in which the app's modules are loaded: each after those that it imports.

An import within an import goes deeper into the C stack, of which an RP2040 has a few kilobytes, and the app would go
seven deep. In this order none goes deeper than one. A test holds the list against the imports.
"""

NAMES = (
    "compat",
    "kernels",
    "parameters",
    "codes",
    "counters",
    "bodies",
    "sha256",
    "framing",
    "mac",
    "link_keys",
    "board_link",
    "fault_light",
    "image_uplink",
    "led",
    "lid_guard",
    "progress_guard",
    "sensor_models",
    "requests",
    "zfm_codes",
    "zfm_packet",
    "sensor",
    "baud",
    "power_up",
    "transfer",
    "capture",
    "sensor_status",
    "session",
    "app",
)


def load() -> None:
    """Import them, one after the other."""
    for name in NAMES:
        __import__("firmware.core." + name)
