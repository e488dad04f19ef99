"""Drive the sensor with Adafruit's client: ``adafruit_client.py PORT BAUD IMAGE``.

Writes the image's bytes to IMAGE, the same after a round trip to IMAGE.back, and what else it saw to standard
output as JSON. Runs in the clients' own environment.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import serial
from adafruit_fingerprint import OK, Adafruit_Fingerprint

PATIENCE_S = 20.0


def wait_for_image(finger: Adafruit_Fingerprint) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while finger.get_image() != OK:
        if time.monotonic() > deadline:
            raise TimeoutError("no finger")


def main(port: str, baud: str, image: str) -> None:
    with serial.Serial(port, int(baud), timeout=5) as uart:
        finger = Adafruit_Fingerprint(uart)
        seen: dict[str, object] = {"packet code": finger.data_packet_size, "baud code": finger.baudrate}
        wait_for_image(finger)
        data = finger.get_fpdata("image")
        Path(image).write_bytes(bytes(data))
        for slot in (1, 2):
            wait_for_image(finger)
            seen[f"features {slot}"] = finger.image_2_tz(slot)
        seen["model"] = finger.create_model()
        seen["template"] = len(finger.get_fpdata("char", 1))
        seen["store"] = finger.store_model(260)
        seen["read"] = finger.read_templates()
        seen["places"] = finger.templates
        seen["search"] = [finger.finger_search(), finger.finger_id]
        seen["fast search"] = [finger.finger_fast_search(), finger.finger_id]
        seen["delete"] = finger.delete_model(260)
        finger.count_templates()
        seen["count"] = finger.template_count
        seen["empty"] = finger.empty_library()
        seen["echo"] = finger.check_module()
        finger.send_fpdata(data, "image")
        Path(f"{image}.back").write_bytes(bytes(finger.get_fpdata("image")))
        json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
