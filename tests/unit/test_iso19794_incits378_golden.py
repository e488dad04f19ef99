"""Files written once by this project: a change in what it writes, or in how it reads them, shows here.

To make them again after an intended change, run this file with Python.
"""

from pathlib import Path

import numpy as np
import pytest

from interchange import Minutiae, templates
from interchange.record import Record
from interchange.template_format import Impression, TemplateFormat

DATA = Path(__file__).parent / "data"
SUFFIXES = {TemplateFormat.ISO_19794_2_2005: "iso", TemplateFormat.INCITS_378_2004: "fmr"}


def impression(n, *, start):
    # Synthetic minutiae in integers and quarters, so that they are the same on every machine.
    i = np.arange(start, start + n)
    return Minutiae.make(
        (i * 89) % 1024 / 4.0,
        (i * 131) % 1152 / 4.0,
        (i * 47) % 360 * (np.pi / 180) + 0.001,
        type=i % 3,
        quality=(i * 7) % 101 / 100,
        width=257,
        height=289,
        finger_quality=10 + n,
    )


def made():
    one = [impression(34, start=5)]
    ten = [impression(20 + finger, start=100 * finger) for finger in range(1, 11)]
    none = [Minutiae.empty(width=192, height=192)]
    for wanted, suffix in SUFFIXES.items():
        yield f"one_finger.{suffix}", Record.from_minutiae(one, positions=[2], format=wanted, device_id=7)
        yield f"no_minutiae.{suffix}", Record.from_minutiae(none, format=wanted)
        yield (
            f"ten_fingers.{suffix}",
            Record.from_minutiae(
                ten, positions=range(1, 11), impression=Impression.LIVE_ROLLED, format=wanted
            ),
        )


@pytest.mark.parametrize(("name", "record"), list(made()), ids=[name for name, _ in made()])
def test_golden_files_are_written_and_read_as_ever(name, record):
    data = (DATA / name).read_bytes()
    assert templates.encode(record) == data
    assert templates.decode(data) == record


def test_each_golden_file_is_tried():
    assert {p.name for p in DATA.iterdir() if p.suffix in {".iso", ".fmr"}} == {name for name, _ in made()}


if __name__ == "__main__":
    for name, record in made():
        (DATA / name).write_bytes(templates.encode(record))
