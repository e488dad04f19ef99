"""Mutation fuzzing of the template codecs.

    python -m benchmarks.fuzz_templates --mutations 1000000 --seed 1

Records of both formats, made from synthetic minutiae, are damaged at random and read. Each must either be
refused with a `TemplateError` that names an offset within the data, or be a record that encodes to the same
bytes again and gives minutiae. The figures are printed as JSON; the exit code is 1 if any of that fails.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from interchange import TemplateError, incits378, iso19794, templates
from interchange.finger_view import FingerView
from interchange.fmr_body import MAGIC, VERSION
from interchange.record import Record
from interchange.template_format import TemplateFormat

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRESS_EVERY = 1000
KEPT_FAILURES = 10
REPAIRED_SHARE = 0.8
# A healthy read takes some 0.03 ms; the limit only tells a hang from a busy machine.
HANG_S = 5.0
# Where the fields of both headers stand, and the view headers of records without extended data before them.
FIELD_BYTES = 34
# Values at which lengths, counts and signs turn over.
TELLING_VALUES = (0, 1, 2, 23, 24, 25, 26, 27, 100, 101, 127, 128, 179, 180, 197, 254, 255)


@dataclass(slots=True)
class Report:
    """What a run saw. `failures` holds the first few, with the bytes in hexadecimal."""

    mutations: int = 0
    seed: int = 0
    seconds: float = 0.0
    per_second: float = 0.0
    slowest_ms: float = 0.0
    accepted: int = 0
    refused: int = 0
    failed: int = 0
    refused_by_field: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])


def seed_records() -> list[bytes]:
    """Well-formed records of both formats: empty, usual, full, several views, extended data, long length."""
    found: list[bytes] = []
    for wanted in TemplateFormat:
        for counts, extended in (
            ((), b""),
            ((0,), b""),
            ((7,), b""),
            ((36,), b""),
            ((255,), b""),
            ((12, 0, 30), b""),
            ((5, 20), b"\x00\x01\x00\x07\x00\x01\x02"),
        ):
            views = tuple(_view(n, i, wanted, extended) for i, n in enumerate(counts))
            record = Record(
                format=wanted, width=300, height=400, x_resolution=197, y_resolution=197, views=views
            )
            found.append(templates.encode(record))
            if wanted is TemplateFormat.INCITS_378_2004 and len(counts) == 1:
                long = Record(
                    format=wanted,
                    width=300,
                    height=400,
                    x_resolution=197,
                    y_resolution=197,
                    views=views,
                    product_owner=0x0103,
                    long_length=True,
                )
                found.append(templates.encode(long))
    return found


def mutate(random: Random, seeds: list[bytes]) -> bytes:
    """One damaged record: one to three kinds of damage; mostly its beginning and length are made right again.

    Without that nearly all of them would be refused at their first bytes, and the rest hardly be tried.
    """
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice(_MUTATIONS)(random, data, seeds)
    if random.random() < REPAIRED_SHARE:
        _repair_beginning(data)
    return bytes(data)


def fuzz(mutations: int, seed: int, tick: Callable[[int], object] = int) -> Report:
    """Damage and read `mutations` records; `tick` is called now and then with the number done since."""
    random = Random(seed)  # noqa: S311 - damage has to be repeatable, not secret
    seeds = seed_records()
    report = Report(mutations=mutations, seed=seed)
    refused: Counter[str] = Counter()
    started = time.perf_counter()
    for done in range(1, mutations + 1):
        data = mutate(random, seeds)
        before = time.perf_counter()
        reader = (templates, templates, iso19794, incits378)[done & 3]
        try:
            record = reader.decode(data)
        except TemplateError as error:
            report.refused += 1
            refused[error.field.rstrip("0123456789 ")] += 1
            if error.offset is None or not 0 <= error.offset <= len(data):
                _fail(report, data, f"{error} names no offset within {len(data)} bytes")
        except Exception as error:  # noqa: BLE001 - what this looks for
            _fail(report, data, repr(error))
        else:
            report.accepted += 1
            _check_accepted(report, data, record)
        took = time.perf_counter() - before
        report.slowest_ms = max(report.slowest_ms, took * 1e3)
        if took > HANG_S:
            _fail(report, data, f"took {took:.1f} s")
        if done % PROGRESS_EVERY == 0:
            tick(PROGRESS_EVERY)
    report.seconds = round(time.perf_counter() - started, 2)
    report.per_second = round(mutations / max(report.seconds, 1e-9))
    report.slowest_ms = round(report.slowest_ms, 2)
    report.refused_by_field = dict(refused.most_common())
    return report


def _check_accepted(report: Report, data: bytes, record: Record) -> None:
    try:
        if templates.encode(record) != data:
            _fail(report, data, "encodes to other bytes")
        for one in record.all_minutiae():
            if len(one) > 255:
                _fail(report, data, f"{len(one)} minutiae")
    except Exception as error:  # noqa: BLE001 - what this looks for
        _fail(report, data, repr(error))


def _fail(report: Report, data: bytes, reason: str) -> None:
    report.failed += 1
    if len(report.failures) < KEPT_FAILURES:
        report.failures.append(f"{reason}: {data.hex()}")


def _view(count: int, number: int, wanted: TemplateFormat, extended: bytes) -> FingerView:
    i = np.arange(count)
    return FingerView.of(
        x=(i * 37 + 11) % 300,
        y=(i * 53 + 7) % 400,
        angle=(i * 29) % wanted.angle_steps,
        type=i % 3,
        quality=i % 101,
        position=number + 1,
        finger_quality=60 + number,
        extended=extended,
    )


def _flip_bits(random: Random, data: bytearray, _: list[bytes]) -> None:
    for _flip in range(random.randrange(1, 9)):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_field(random: Random, data: bytearray, _: list[bytes]) -> None:
    if data:
        data[random.randrange(min(FIELD_BYTES, len(data)))] = random.choice(TELLING_VALUES)


def _set_byte(random: Random, data: bytearray, _: list[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(TELLING_VALUES)


def _set_length(random: Random, data: bytearray, _: list[bytes]) -> None:
    value = random.choice((0, 1, 23, 24, 0xFFFF, 0x10000, 0xFFFFFFFF, len(data) - 1, len(data) + 1))
    width = random.choice((2, 4))
    data[8 : 8 + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "big")


def _truncate(random: Random, data: bytearray, _: list[bytes]) -> None:
    del data[random.randrange(len(data) + 1) :]


def _delete(random: Random, data: bytearray, _: list[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    del data[at : at + random.randrange(1, 12)]


def _insert(random: Random, data: bytearray, _: list[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.randbytes(random.randrange(1, 12))


def _splice(random: Random, data: bytearray, seeds: list[bytes]) -> None:
    other = random.choice(seeds)
    data[random.randrange(len(data) + 1) :] = other[random.randrange(len(other)) :]


def _repeat(random: Random, data: bytearray, _: list[bytes]) -> None:
    begin = random.randrange(len(data) + 1)
    piece = data[begin : begin + random.randrange(1, 64)]
    data[begin:begin] = piece


def _repair_beginning(data: bytearray) -> None:
    if len(data) < 14:
        return
    data[:8] = MAGIC + VERSION
    size = len(data)
    if any(data[8:10]):
        data[8:10] = (size & 0xFFFF).to_bytes(2, "big")
    elif any(data[10:12]):
        data[8:12] = size.to_bytes(4, "big")
    else:
        data[10:14] = size.to_bytes(4, "big")


_MUTATIONS = (
    _flip_bits,
    _set_field,
    _set_byte,
    _set_length,
    _truncate,
    _delete,
    _insert,
    _splice,
    _repeat,
)


def main(
    mutations: Annotated[int, typer.Option(min=1, help="How many damaged records to read.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="The same seed damages in the same way.")] = 1,
) -> None:
    """Damage records at random and check that each is refused cleanly or read exactly."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("damaged records", total=mutations)
        report = fuzz(mutations, seed, tick=lambda done: progress.advance(task, done))
        progress.update(task, completed=mutations)
    print(json.dumps(asdict(report), indent=2))
    if report.failed:
        raise typer.Exit(code=1)


if __name__ == "__main__":
    typer.run(main)
