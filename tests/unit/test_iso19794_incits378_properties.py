"""Properties of both codecs on any record, and on any damage to one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_templates import fuzz, seed_records
from interchange import Minutiae, TemplateError, incits378, templates
from interchange.finger_view import FingerView
from interchange.record import Record, record_of
from interchange.template_format import TemplateFormat

MUTATIONS = 40_000


@st.composite
def finger_views(draw, wanted, width, height, key):
    n = draw(st.integers(0, 255))
    raw = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return FingerView.of(
        x=raw.integers(0, min(width, 16384), n),
        y=raw.integers(0, min(height, 16384), n),
        angle=raw.integers(0, wanted.angle_steps, n),
        type=raw.integers(0, 3, n),
        quality=raw.integers(0, 101, n),
        reserved=raw.integers(0, 4, n),
        position=key[0],
        view_number=key[1],
        impression=draw(st.sampled_from(sorted(wanted.impressions))),
        finger_quality=draw(st.integers(0, 100)),
        extended=draw(st.binary(max_size=40)),
    )


@st.composite
def records(draw):
    wanted = draw(st.sampled_from(TemplateFormat))
    incits = wanted is TemplateFormat.INCITS_378_2004
    width, height = draw(st.integers(1, 65535)), draw(st.integers(1, 65535))
    keys = draw(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 15)), unique=True, max_size=4))
    return Record(
        format=wanted,
        width=width,
        height=height,
        x_resolution=draw(st.integers(1, 480)),
        y_resolution=draw(st.integers(1, 480)),
        views=tuple(draw(finger_views(wanted, width, height, key)) for key in keys),
        certification=draw(st.integers(0, 15)),
        device_id=draw(st.integers(0, 4095)),
        product_owner=draw(st.integers(0, 65535)) if incits else 0,
        product_type=draw(st.integers(0, 65535)) if incits else 0,
        long_length=draw(st.booleans()) if incits else False,
    )


@st.composite
def impressions(draw):
    n = draw(st.integers(0, 255))
    width, height = draw(st.integers(1, 2000)), draw(st.integers(1, 2000))
    raw = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Minutiae.make(
        raw.uniform(-0.49, width - 0.51, n),
        raw.uniform(-0.49, height - 0.51, n),
        raw.uniform(0, 7, n),
        type=raw.integers(0, 3, n),
        quality=np.where(raw.random(n) < 0.1, 0, raw.random(n)),
        width=width,
        height=height,
        dpi=draw(st.one_of(st.sampled_from([300, 500, 508, 569, 1000, 1100]), st.floats(250, 1200))),
        finger_quality=draw(st.integers(0, 100)),
    )


@settings(max_examples=150, deadline=None)
@given(record=records())
def test_a_record_comes_back_as_it_was(record):
    data = templates.encode(record)
    assert templates.decode(data) == record
    assert templates.encode(templates.decode(data)) == data
    for view, minutiae in zip(record.views, record.all_minutiae(), strict=True):
        assert len(minutiae) == len(view)


@settings(max_examples=150, deadline=None)
@given(given=impressions(), wanted=st.sampled_from(TemplateFormat), position=st.integers(0, 10))
def test_minutiae_come_back_to_the_formats_precision(given, wanted, position):
    data = templates.encode(record_of(given, position=position, format=wanted))
    record = templates.decode(data)
    back = record.minutiae()
    assert (record.format, record.views[0].position) == (wanted, position)
    assert (back.width, back.height, back.finger_quality) == (given.width, given.height, given.finger_quality)
    assert back.dpi == pytest.approx(given.dpi, abs=2.54 / 2 + 0.77)
    assert np.all(np.abs(back.x - given.x) <= 0.5001)
    assert np.all(np.abs(back.y - given.y) <= 0.5001)
    assert np.array_equal(back.type, given.type)
    turn = np.abs((back.angle - given.angle + np.pi) % (2 * np.pi) - np.pi)
    assert np.all(turn <= np.pi / wanted.angle_steps + 1e-5)
    assert np.all(np.abs(back.quality - given.quality) <= 0.0101)
    assert np.array_equal(back.quality == 0, given.quality == 0)
    # What has the format's precision already does not change any more.
    assert templates.encode(record_of(back, position=position, format=wanted)) == data


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=200), begun=st.sampled_from([b"", b"FMR\0", b"FMR\0 20\0", b"FMR\0 20\0\0\0\0"])
)
def test_any_bytes_are_refused_or_read(data, begun):
    whole, offset, again = begun + data, None, None
    try:
        again = templates.encode(templates.decode(whole))
    except TemplateError as error:
        offset = error.offset
    if again is None:
        assert offset in range(len(whole) + 1)
    else:
        assert again == whole


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_records_are_refused_or_read_exactly(seed):
    report = fuzz(MUTATIONS // 2, seed)
    assert report.failures == []
    assert report.failed == 0
    # That it tried what it should: some damage leaves a record well-formed, the rest breaks every field.
    assert report.accepted > 100
    assert report.accepted + report.refused == report.mutations
    assert len(report.refused_by_field) >= 18


def test_the_same_seed_damages_in_the_same_way():
    first, again = fuzz(500, 3), fuzz(500, 3)
    assert (first.accepted, first.refused_by_field) == (again.accepted, again.refused_by_field)
    assert all(templates.encode(templates.decode(data)) == data for data in seed_records())


def test_a_codec_that_fails_is_reported(monkeypatch):
    monkeypatch.setattr(incits378, "decode", lambda data: data[1 << 20])
    report = fuzz(200, 1)
    assert report.failed > 0
    assert "IndexError" in report.failures[0]


def test_a_codec_that_writes_other_bytes_is_reported(monkeypatch):
    seeds = seed_records()
    monkeypatch.setattr("benchmarks.fuzz_templates.seed_records", lambda: seeds)
    monkeypatch.setattr(templates, "encode", lambda _: b"")
    report = fuzz(500, 1)
    assert report.failed == report.accepted > 0
