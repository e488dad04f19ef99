"""Drive the sensor with pyfingerprint: ``pyfingerprint_client.py PORT BAUD PASSWORD IMAGE``.

Saves the image as IMAGE and writes what else it saw to standard output as JSON. Runs in the clients' own
environment.
"""

from __future__ import annotations

import json
import sys
import time

from pyfingerprint.pyfingerprint import PyFingerprint

PATIENCE_S = 20.0


def wait_for_image(finger: PyFingerprint) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not finger.readImage():
        if time.monotonic() > deadline:
            raise TimeoutError("no finger")


def main(port: str, baud: str, password: str, image: str) -> None:
    finger = PyFingerprint(port, int(baud), 0xFFFFFFFF, int(password))
    seen: dict[str, object] = {"password": finger.verifyPassword()}
    seen["parameters"] = finger.getSystemParameters()
    wait_for_image(finger)
    finger.downloadImage(image)
    for buffer in (1, 2):
        wait_for_image(finger)
        finger.convertImage(buffer)
    seen["same"] = finger.compareCharacteristics() > 0
    seen["model"] = finger.createTemplate()
    features = finger.downloadCharacteristics(1)
    seen["features"] = len(features)
    seen["place"] = finger.storeTemplate()
    seen["search"] = finger.searchTemplate()[0]
    seen["upload"] = finger.uploadCharacteristics(2, features)
    seen["load"] = finger.loadTemplate(0, 1)
    seen["index"] = [i for i, used in enumerate(finger.getTemplateIndex(0)) if used]
    seen["count"] = finger.getTemplateCount()
    seen["delete"] = finger.deleteTemplate(0)
    seen["clear"] = finger.clearDatabase()
    seen["count after"] = finger.getTemplateCount()
    finger.setMaxPacketSize(64)
    seen["packet"] = finger.getMaxPacketSize()
    seen["random"] = finger.generateRandomNumber() != finger.generateRandomNumber()
    seen["new password"] = finger.setPassword(0x00ABCDEF) and finger.verifyPassword()
    seen["new address"] = finger.setAddress(0x01020304) and finger.verifyPassword()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
