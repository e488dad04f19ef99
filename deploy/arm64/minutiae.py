"""Whether arm64 finds in every sample print what x86-64 finds: the same record, byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy.arm64.errors import NotTheSame
from deploy.arm64.package import run_python
from deploy.arm64.samples import SAMPLES, Sample, record_of
from interchange import iso19794

if TYPE_CHECKING:
    from deploy.arm64.machine import Machine
    from deploy.arm64.processors import Processor

_EXTRACT = """
import json
from edge_service.extraction import Extractor, read_image
from interchange import iso19794
extractor = Extractor.load()
for name, path, dpi in json.load(sys.stdin):
    print(name, iso19794.encode(extractor.extract(read_image(path), dpi)).hex(), flush=True)
"""


def records_in(machine: Machine) -> dict[str, bytes]:
    """The records that the installed program makes of the samples, by name."""
    work: list[tuple[str, str, int]] = []
    for sample in SAMPLES:
        inside = f"/tmp/{sample.image.name}"  # noqa: S108 - the machine's own
        machine.path(inside).write_bytes(sample.image.read_bytes())
        work.append((sample.name, inside, sample.dpi))
    lines = run_python(machine, _EXTRACT, text=json.dumps(work)).splitlines()
    return {name: bytes.fromhex(record) for name, _, record in (line.partition(" ") for line in lines)}


def records_here() -> dict[str, bytes]:
    """The records that this machine makes of them."""
    from edge_service.extraction import Extractor

    extractor = Extractor.load()
    return {sample.name: record_of(sample, extractor) for sample in SAMPLES}


def compare(there: dict[str, bytes], here: dict[str, bytes], processor: Processor) -> int:
    """How many minutiae there are, if all records are the committed ones on both sides. Raises NotTheSame."""
    wrong: list[str] = []
    for sample in SAMPLES:
        committed = sample.record.read_bytes()
        for where, records in (
            (f"on {processor.board} ({processor.name})", there),
            ("on this machine", here),
        ):
            if records[sample.name] != committed:
                wrong.append(f"{sample.name} {where}: {difference(records[sample.name], committed)}")
    if wrong:
        raise NotTheSame(wrong)
    return sum(_count(sample) for sample in SAMPLES)


def difference(record: bytes, committed: bytes) -> str:
    """In words, what two records do not have in common."""
    one, other = (iso19794.decode(data).minutiae() for data in (record, committed))
    if len(one) != len(other):
        return f"{len(one)} minutiae instead of {len(other)}"
    fields = ("x", "y", "angle", "type", "quality")
    counts = {field: int((getattr(one, field) != getattr(other, field)).sum()) for field in fields}
    differing = [f"{field} of {count}" for field, count in counts.items() if count]
    return f"of {len(other)} minutiae differ: {', '.join(differing) or 'none, but the header does'}"


def _count(sample: Sample) -> int:
    return len(iso19794.decode(sample.record.read_bytes()).minutiae())
