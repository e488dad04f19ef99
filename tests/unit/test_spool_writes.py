"""What a booking costs the card, by the kernel's own count; on a disk, because memory counts nothing."""

from pathlib import Path

import pytest

from benchmarks.spool_writes import measured
from edge_service.ops import parameters
from edge_service.ops.metrics import written_bytes


def test_a_booking_costs_no_more_than_the_doctor_reckons_with(tmp_path):
    before = written_bytes()
    if before is None:
        pytest.skip("this kernel does not count what a process writes")
    (tmp_path / "probe").write_bytes(b"x" * 100_000)
    if written_bytes() == before:
        pytest.skip(f"{tmp_path} is in memory")
    found = measured(Path(tmp_path), 60)
    assert 2_000 < found["a booking, all steps"] < parameters.BYTES_A_BOOKING * 1.3
    assert found["a proof for the watchdog"] == 0
