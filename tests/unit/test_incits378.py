import math
from dataclasses import replace

import numpy as np
import pytest

from interchange import Minutiae, TemplateError, incits378, iso19794, templates
from interchange.finger_view import FingerView
from interchange.record import UNKNOWN_OWNER, Record, record_of
from interchange.template_format import Impression, TemplateFormat

INCITS = TemplateFormat.INCITS_378_2004

# Assembled by hand from the standard's layout, field by field, without this project's writer.
BODY = (
    "00331234"  # CBEFF product owner 0x0033, type 0x1234
    "8ABC"  # Appendix F, scanner 0xABC
    "0100"  # width 256
    "0120"  # height 288
    "00C5"  # 197 pixels per cm
    "00C5"
    "01"  # one finger view
    "00"  # reserved
    "07"  # left index finger
    "09"  # view 0, contactless
    "50"  # finger quality 80
    "02"  # two minutiae
    "4064" "00C8" "2D" "5A"  # ending at 100, 200; 45 * 2 = 90 degrees; quality 90
    "80FF" "011F" "B3" "00"  # bifurcation at 255, 287; 358 degrees; quality not reported
    "0000"  # no extended data
)  # fmt: skip
SHORT = bytes.fromhex("464D520020323000002C" + BODY)  # 44 bytes
LONG = bytes.fromhex("464D520020323000000000000030" + BODY)  # 48 bytes


def some(n=20, **changes):
    i = np.arange(n)
    return Minutiae.make(
        i * 7 % 256, i * 11 % 288, i * 0.31, type=i % 3, **{"width": 256, "height": 288, **changes}
    )


def refused(data, field, at, said="."):
    with pytest.raises(TemplateError, match=said) as caught:
        incits378.decode(data)
    assert (caught.value.field, caught.value.offset) == (field, at)


def with_bytes(at, value, data=SHORT):
    changed = bytearray(data)
    changed[at : at + len(value)] = value
    return bytes(changed)


@pytest.mark.parametrize("data", [SHORT, LONG], ids=["2-byte length", "6-byte length"])
def test_a_record_assembled_by_hand_is_read_field_by_field(data):
    record = incits378.decode(data)
    assert record == templates.decode(data)
    assert record.format is INCITS
    assert record.long_length is (data is LONG)
    assert (record.product_owner, record.product_type) == (0x0033, 0x1234)
    assert (record.certification, record.device_id) == (8, 0xABC)
    assert (record.width, record.height, record.x_resolution, record.y_resolution) == (256, 288, 197, 197)
    (view,) = record.views
    assert (view.position, view.view_number, view.impression) == (7, 0, Impression.LIVE_CONTACTLESS)
    assert (view.finger_quality, view.extended) == (80, b"")
    assert (view.type.tolist(), view.x.tolist(), view.y.tolist()) == ([1, 2], [100, 255], [200, 287])
    assert (view.angle.tolist(), view.quality.tolist()) == ([45, 179], [90, 0])
    assert record.minutiae().angle == pytest.approx([math.pi / 2, math.radians(358)])
    assert incits378.encode(record) == data


def test_a_made_record_is_written_as_assembled_by_hand():
    view = FingerView.of(
        x=[100, 255],
        y=[200, 287],
        type=[1, 2],
        angle=[45, 179],
        quality=[90, 0],
        position=7,
        impression=Impression.LIVE_CONTACTLESS,
        finger_quality=80,
    )
    made = Record(
        format=INCITS,
        width=256,
        height=288,
        x_resolution=197,
        y_resolution=197,
        views=(view,),
        certification=8,
        device_id=0xABC,
        product_owner=0x33,
        product_type=0x1234,
    )
    assert incits378.encode(made) == SHORT
    assert incits378.encode(replace(made, long_length=True)) == LONG


def test_the_length_takes_six_bytes_when_two_do_not_hold_it():
    filled = FingerView(extended=bytes(65535 - 26 - 6))
    record = Record(format=INCITS, width=9, height=9, x_resolution=197, y_resolution=197, views=(filled,))
    longest_short = incits378.encode(record)
    assert (len(longest_short), longest_short[8:10]) == (65535, b"\xff\xff")
    assert incits378.decode(longest_short) == record

    more = replace(record, views=(replace(filled, extended=filled.extended + b"\0"),))
    shortest_long = incits378.encode(more)
    assert (len(shortest_long), shortest_long[8:14]) == (65540, bytes.fromhex("000000010004"))
    assert templates.decode(shortest_long) == more


def test_bare_minutiae_name_no_vendor():
    record = incits378.decode(incits378.encode(some()))
    assert (record.product_owner, record.product_type, len(record.views[0])) == (UNKNOWN_OWNER, 0, 20)
    assert record == record_of(some(), format=INCITS)


def test_angles_go_to_the_nearest_two_degrees():
    given = Minutiae.make([1] * 5, [1] * 5, np.radians([0.9, 1.1, 358.9, 359.1, 180]), width=9, height=9)
    assert incits378.decode(incits378.encode(given)).views[0].angle.tolist() == [0, 1, 179, 0, 90]


def test_a_record_goes_to_the_other_format_by_way_of_its_minutiae():
    record = incits378.decode(SHORT)
    with pytest.raises(TemplateError, match="format: expected a record of ISO/IEC 19794-2:2005"):
        iso19794.encode(record)
    moved = iso19794.decode(iso19794.encode(record.minutiae()))
    assert moved.views[0].angle.tolist() == [64, 255]
    assert moved.views[0].x.tolist() == [100, 255]


@pytest.mark.parametrize(
    ("at", "value", "field", "expected"),
    [
        (16, b"\0\0", "image width", "1 to 65535"),
        (18, b"\0\0", "image height", "1 to 65535"),
        (20, b"\x01\xf4", "x resolution", "500 ppi are 197 pixels per cm"),
        (22, b"\0\0", "y resolution", "1 to 480"),
        (25, b"\1", "reserved byte", "0"),
        (26, b"\x0b", "finger position", "0 to 10"),
        (27, b"\x0a", "impression type", "one of 0, 1, 2, 3, 8, 9"),
        (28, b"\xfe", "finger quality", "0 to 100, found 254; in later standards: not computed"),
        (29, b"\3", "number of minutiae", "at most 2"),
        (30, b"\xc0", "minutia type", "bifurcation"),
        (40, b"\xb4", "minutia angle", "0 to 179, found 180"),
        (41, b"\x65", "minutia quality", "0 to 100"),
        (42, b"\0\1", "extended data length", "at most 0"),
    ],
)
def test_each_malformed_field_is_named_with_its_place(at, value, field, expected):
    refused(with_bytes(at, value), field, at, expected)
    if at > 10:
        refused(with_bytes(at + 4, value, LONG), field, at + 4, expected)


def test_lengths_that_do_not_fit_are_named_with_their_place():
    refused(SHORT + b"\0", "record length", 8, r"expected 45, .* found 44 \(1 left over\)")
    refused(SHORT[:-1], "record length", 8, r"found 44 \(1 missing\)")
    refused(LONG + b"\0", "record length", 10, r"found 48 \(1 left over\)")
    refused(SHORT[:25], "record header", 25, "expected 26 bytes")
    refused(LONG[:29], "record header", 29, "expected 30 bytes")
    refused(with_bytes(24, b"\0"), "end of record", 26, "18 more bytes")
    refused(iso19794.encode(some()), "record length", 10, "record of ISO/IEC 19794-2:2005")


def test_every_truncation_is_refused():
    for data in (SHORT, LONG):
        for size in range(len(data)):
            with pytest.raises(TemplateError):
                incits378.decode(data[:size])


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("CBEFF product owner", {"product_owner": 65536}),
        ("CBEFF product type", {"product_type": -1}),
        ("minutia x coordinate", {"width": 255}),
        ("format", {"format": TemplateFormat.ISO_19794_2_2005}),
    ],
)
def test_a_record_that_breaks_the_format_is_not_written(field, change):
    with pytest.raises(TemplateError) as caught:
        incits378.encode(replace(incits378.decode(SHORT), **change))
    assert (caught.value.field, caught.value.offset) == (field, None)


def test_an_angle_of_the_other_format_is_not_written():
    view = FingerView.of(x=[1], y=[1], type=[1], angle=[180])
    with pytest.raises(TemplateError, match="minutia angle: expected 0 to 179, found 180"):
        incits378.encode(replace(incits378.decode(SHORT), views=(view,)))
