"""ISO/IEC 19794-2:2005 records. One long file on purpose: it follows the standard field by field."""

import math
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interchange import Minutiae, TemplateError, incits378, iso19794, templates
from interchange.finger_view import FingerView
from interchange.record import Record, record_of
from interchange.template_format import Impression, TemplateFormat

ISO = TemplateFormat.ISO_19794_2_2005

# Assembled by hand from the standard's layout, field by field, without this project's writer.
BY_HAND = bytes.fromhex(
    "464D5200"  # 0  "FMR\0"
    "20323000"  # 4  " 20\0"
    "0000003B"  # 8  length 59
    "8ABC"  # 12 certified, device 0xABC
    "0100"  # 14 width 256
    "0120"  # 16 height 288
    "00C5"  # 18 197 pixels per cm
    "00C5"  # 20
    "02"  # 22 two finger views
    "00"  # 23 reserved
    "02"  # 24 right index finger
    "00"  # 25 view 0, live-scan plain
    "50"  # 26 finger quality 80
    "02"  # 27 two minutiae
    "4064" "00C8" "40" "5A"  # 28 ending at 100, 200; 64 * 360/256 = 90 degrees; quality 90
    "80FF" "011F" "C0" "00"  # 34 bifurcation at 255, 287; 270 degrees; quality not reported
    "0005" "0102030405"  # 40 five bytes of extended data
    "02"  # 47 the same finger
    "18"  # 48 view 1, swipe
    "00"  # 49 finger quality 0
    "01"  # 50 one minutia
    "0001" "C002" "FF" "64"  # 51 other at 1, 2, reserved bits 11; 358.6 degrees; quality 100
    "0000"  # 57 no extended data: the record ends at 59
)  # fmt: skip


def data_files():
    root = Path(os.environ.get("WHORL_DATA") or Path(__file__).resolve().parents[2].parent / "shared/data")
    return sorted((root / "iso19794_2_2005").rglob("*.iso"))


def some(n=20, *, width=256, height=288, dpi=500.0, finger_quality=63):
    i = np.arange(n)
    return Minutiae.make(
        (i * 37) % width,
        (i * 53) % height,
        i * 0.31,
        type=i % 3,
        quality=(i % 101) / 100,
        width=width,
        height=height,
        dpi=dpi,
        finger_quality=finger_quality,
    )


def refused(data, field, at, expected=".", found="."):
    with pytest.raises(TemplateError) as caught:
        iso19794.decode(bytes(data))
    error = caught.value
    assert (error.field, error.offset) == (field, at)
    assert re.search(expected, error.expected), error.expected
    assert re.search(found, str(error.found)), error.found
    assert f"at byte {at}" in str(error)
    return error


def with_bytes(at, value, data=BY_HAND):
    changed = bytearray(data)
    changed[at : at + len(value)] = value
    return bytes(changed)


def with_length(data):
    return with_bytes(8, len(data).to_bytes(4, "big"), data)


def test_a_record_assembled_by_hand_is_read_field_by_field():
    record = iso19794.decode(BY_HAND)
    assert record.format is ISO
    assert (record.width, record.height, record.x_resolution, record.y_resolution) == (256, 288, 197, 197)
    assert (record.certification, record.certified, record.device_id) == (8, True, 0xABC)
    first, second = record.views
    assert (first.position, first.view_number, first.impression) == (2, 0, Impression.LIVE_PLAIN)
    assert (first.finger_quality, len(first), first.extended) == (80, 2, b"\1\2\3\4\5")
    assert (first.x.tolist(), first.y.tolist()) == ([100, 255], [200, 287])
    assert (first.type.tolist(), first.angle.tolist()) == ([1, 2], [64, 192])
    assert (first.quality.tolist(), first.reserved.tolist()) == ([90, 0], [0, 0])
    assert (second.position, second.view_number, second.impression) == (2, 1, Impression.SWIPE)
    assert (second.finger_quality, second.reserved.tolist(), second.extended) == (0, [3], b"")

    minutiae = record.minutiae(0)
    assert (minutiae.width, minutiae.height, minutiae.dpi, minutiae.finger_quality) == (256, 288, 500.0, 80)
    assert minutiae.x.tolist() == [100, 255]
    assert minutiae.angle == pytest.approx([math.pi / 2, 3 * math.pi / 2])
    assert minutiae.quality == pytest.approx([0.9, 0.0])


def test_what_is_written_is_what_was_assembled_by_hand():
    assert iso19794.encode(iso19794.decode(BY_HAND)) == BY_HAND
    made = Record(
        format=ISO,
        width=256,
        height=288,
        x_resolution=197,
        y_resolution=197,
        certification=8,
        device_id=0xABC,
        views=(
            FingerView.of(
                x=[100, 255],
                y=[200, 287],
                type=[1, 2],
                angle=[64, 192],
                quality=[90, 0],
                position=2,
                finger_quality=80,
                extended=b"\1\2\3\4\5",
            ),
            FingerView.of(
                x=[1], y=[2], type=[0], angle=[255], quality=[100], reserved=[3], position=2, view_number=1,
                impression=Impression.SWIPE,
            ),
        ),
    )  # fmt: skip
    assert iso19794.encode(made) == BY_HAND
    assert iso19794.decode(BY_HAND) == made


@pytest.mark.data
def test_files_of_a_third_party_round_trip_byte_for_byte():
    files = data_files()
    if not files:
        pytest.skip("no development data beside the checkout")
    for file in files:
        data = file.read_bytes()
        record = iso19794.decode(data)
        assert iso19794.encode(record) == data, file
        assert templates.decode(data) == record
        again = iso19794.decode(iso19794.encode(record_of(record.minutiae())))
        assert again.views[0].packed == record.views[0].packed, file


def test_bare_minutiae_are_written_as_one_view_of_an_unknown_finger():
    record = iso19794.decode(iso19794.encode(some()))
    assert (len(record.views), record.views[0].position, record.views[0].finger_quality) == (1, 0, 63)
    assert iso19794.encode(some()) == templates.encode(some()) == iso19794.encode(record_of(some()))


def test_impressions_of_one_finger_are_numbered():
    record = Record.from_minutiae([some(3), some(4), some(5)], positions=[2, 7, 2], device_id=12)
    data = iso19794.encode(record)
    assert [(v.position, v.view_number, len(v)) for v in iso19794.decode(data).views] == [
        (2, 0, 3),
        (7, 0, 4),
        (2, 1, 5),
    ]
    assert [len(m) for m in record.all_minutiae()] == [3, 4, 5]
    with pytest.raises(TemplateError, match="finger view: expected a record with at least 4, found 3"):
        record.minutiae(3)


@pytest.mark.parametrize(("dpi", "written"), [(500, 197), (1000, 394), (508, 200), (569, 224), (300, 118)])
def test_the_resolution_is_written_in_pixels_per_cm(dpi, written):
    data = iso19794.encode(some(dpi=dpi))
    assert data[18:22] == written.to_bytes(2, "big") * 2
    back = iso19794.decode(data).minutiae().dpi
    assert back == pytest.approx(dpi, abs=1.27)
    if dpi in {500, 1000}:
        assert back == dpi


def test_pixels_that_are_not_square_are_made_square():
    record = replace(iso19794.decode(BY_HAND), x_resolution=200, y_resolution=100)
    tall = record.minutiae()
    assert (tall.width, tall.height, tall.dpi) == (256, 576, 508)
    assert tall.y.tolist() == [400.5, 574.5]


def test_any_buffer_is_read_and_text_is_not():
    assert iso19794.decode(bytearray(BY_HAND)) == iso19794.decode(memoryview(BY_HAND))
    with pytest.raises(TypeError):
        iso19794.decode("FMR")


@pytest.mark.parametrize(
    ("at", "value", "field", "expected"),
    [
        (0, b"FIR", "format identifier", "FMR"),
        (12 + 2, b"\0\0", "image width", "1 to 65535"),
        (16, b"\0\0", "image height", "1 to 65535"),
        (18, b"\0\0", "x resolution", "1 to 480 pixels per cm"),
        (20, b"\0\0", "y resolution", "1 to 480 pixels per cm"),
        (23, b"\1", "reserved byte", "0"),
        (24, b"\x0b", "finger position", "0 to 10"),
        (25, b"\4", "impression type", "one of 0, 1, 2, 3, 8"),
        (26, b"\x65", "finger quality", "0 to 100"),
        (28, b"\xc0", "minutia type", r"1 \(ending\)"),
        (34, b"\x81\0", "minutia x coordinate", "0 to 255"),
        (36, b"\x01\x20", "minutia y coordinate", "0 to 287"),
        (39, b"\x65", "minutia quality", "0 to 100"),
        (48, b"\x08", "view number", "another number"),
    ],
)
def test_each_malformed_field_is_named_with_its_place(at, value, field, expected):
    refused(with_bytes(at, value), field, at, expected)


def test_a_wrong_minutia_is_counted_from_one():
    error = refused(with_bytes(56, b"\xff"), "minutia quality", 56)
    assert "255 (minutia 1 of finger view 2)" in str(error)


def test_lengths_that_do_not_fit_are_named_with_their_place():
    size = len(BY_HAND)
    refused(BY_HAND + b"\0", "record length", 8, f"{size + 1}, ", rf"{size} \(1 left over\)")
    refused(BY_HAND[:-1], "record length", 8, f"{size - 1}, ", rf"{size} \(1 missing\)")
    refused(
        with_length(BY_HAND + b"\0\0"), "end of record", size, "nothing after finger view 2 of 2", "2 more"
    )
    refused(with_bytes(22, b"\1"), "end of record", 47, "nothing after finger view 1 of 1", "12 more bytes")
    refused(with_bytes(22, b"\3"), "header of finger view 3", size, "4 bytes", "0 bytes")
    refused(with_bytes(27, b"\6"), "number of minutiae", 27, "at most 4, .* in finger view 1", "6")
    refused(with_bytes(57, b"\0\1"), "extended data length", 57, "at most 0, .* in finger view 2", "1")
    refused(with_length(BY_HAND[:-2]), "number of minutiae", 50, "at most 0")
    refused(with_length(BY_HAND[:49]), "header of finger view 2", 47, "4 bytes", "2 bytes")
    refused(BY_HAND[:23], "record header", 23, "24 bytes", "only 23 bytes")
    refused(BY_HAND[:7], "version number", 4)
    refused(b"", "format identifier", 0)
    refused(BY_HAND + bytes(1 << 20), "record", 1 << 20, "at most 1048576 bytes")


def test_every_truncation_is_refused():
    for size in range(len(BY_HAND)):
        with pytest.raises(TemplateError):
            iso19794.decode(BY_HAND[:size])
        with pytest.raises(TemplateError):
            iso19794.decode(with_length(BY_HAND[:size]) if size >= 12 else BY_HAND[:size])


def test_a_resolution_in_pixels_per_inch_is_recognised():
    error = refused(
        with_bytes(18, b"\x01\xf4\x01\xf4"), "x resolution", 18, "pixels per cm", "500, which looks"
    )
    assert "500 ppi are 197 pixels per cm" in str(error)
    with pytest.raises(TemplateError, match="512 ppi are 202 pixels per cm"):
        iso19794.encode(replace(iso19794.decode(BY_HAND), x_resolution=512))


@pytest.mark.parametrize("tail", ["", "0000"])
def test_finger_view_headers_of_two_bytes_are_recognised(tail):
    # As one writer leaves it: no resolution, no number of views, two bytes of view header.
    header = "464D5200 20323000 00000020 0000 012C 0190 0000 0000 00 00"
    data = with_length(bytes.fromhex(f"{header} 00 02 809700C7783D 404000304000 {tail}"))
    refused(data, "x resolution", 18, found="finger view headers of 2 bytes")
    filled = with_bytes(18, bytes.fromhex("00C500C50100"), data)
    with pytest.raises(TemplateError, match="finger view headers of 2 bytes"):
        iso19794.decode(filled)


@pytest.mark.parametrize(
    ("version", "said"), [(b"030\0", "19794-2:2011"), (b"020\0", "020 for ' 20'"), (b"035\0", "amendment 1")]
)
def test_other_versions_are_named(version, said):
    refused(with_bytes(4, version), "version number", 4, "20", said)
    with pytest.raises(TemplateError, match=said):
        templates.decode(with_bytes(4, version))


def test_a_length_left_at_zero_and_the_other_format_are_recognised():
    refused(with_bytes(8, bytes(4)), "record length", 8, found="left the length at zero")
    refused(incits378.encode(some()), "record length", 8, found="record of ANSI/INCITS 378-2004")
    refused(with_bytes(26, b"\xff"), "finger quality", 26, found="255; in later standards")


def written(field, record):
    with pytest.raises(TemplateError) as caught:
        iso19794.encode(record)
    assert (caught.value.field, caught.value.offset) == (field, None)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("image width", {"width": 0}),
        ("image width", {"width": 65536}),
        ("image height", {"height": 0}),
        ("x resolution", {"x_resolution": 0}),
        ("y resolution", {"y_resolution": 500}),
        ("capture device id", {"device_id": 4096}),
        ("capture equipment certification", {"certification": 16}),
        ("minutia x coordinate", {"width": 255}),
        ("minutia y coordinate", {"height": 287}),
        ("CBEFF product owner", {"product_owner": 1}),
        ("CBEFF product type", {"product_type": 1}),
        ("length in 6 bytes", {"long_length": True}),
        ("number of finger views", {"views": (FingerView(),) * 256}),
        ("view number", {"views": (FingerView(), FingerView())}),
        ("format", {"format": TemplateFormat.INCITS_378_2004}),
    ],
)
def test_a_record_that_breaks_the_format_is_not_written(field, change):
    written(field, replace(iso19794.decode(BY_HAND), **change))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("finger position", {"position": 11}),
        ("finger position", {"position": 1.0}),
        ("view number", {"view_number": 16}),
        ("impression type", {"impression": Impression.LIVE_CONTACTLESS}),
        ("finger quality", {"finger_quality": 101}),
        ("number of minutiae", {"packed": bytes(6 * 256)}),
        ("minutiae", {"packed": bytes(7)}),
        ("minutia type", {"packed": b"\xc0" + bytes(5)}),
        ("minutia quality", {"packed": bytes(5) + b"\x65"}),
        ("extended data length", {"extended": bytes(65536)}),
    ],
)
def test_a_finger_view_that_breaks_the_format_is_not_written(field, change):
    record = iso19794.decode(BY_HAND)
    written(field, replace(record, views=(replace(record.views[0], **change),)))


def test_a_record_larger_than_any_reader_accepts_is_not_written():
    views = tuple(FingerView(position=i % 11, view_number=i // 11, extended=bytes(65535)) for i in range(17))
    written("record", replace(iso19794.decode(BY_HAND), views=views))


def test_minutiae_that_do_not_fit_are_not_written():
    with pytest.raises(TemplateError, match=r"number of minutiae: expected at most 255; keep the best"):
        iso19794.encode(some(256))
    assert len(iso19794.decode(iso19794.encode(some(255))).views[0]) == 255
    outside = Minutiae.make([5, 255.6], [5, 5], [0, 0], width=256, height=288)
    with pytest.raises(
        TemplateError, match=r"x coordinate: .* within the image, found 255.6\d* \(minutia 2\)"
    ):
        iso19794.encode(outside)
    with pytest.raises(TemplateError, match="x coordinate: expected 0 to 16383"):
        iso19794.encode(Minutiae.make([16384], [0], [0], width=20000, height=288))
    with pytest.raises(TemplateError, match=r"minutia quality: expected 0 to 1, found 1\.5"):
        iso19794.encode(Minutiae.make([1], [1], [0], quality=[1.5], width=256, height=288))
    with pytest.raises(TemplateError, match="minutia type"):
        iso19794.encode(Minutiae.make([1], [1], [0], type=[3], width=256, height=288))
    with pytest.raises(TemplateError, match="finger quality"):
        iso19794.encode(some(finger_quality=101))
    with pytest.raises(TemplateError, match="x resolution"):
        iso19794.encode(some(dpi=2000))
    with pytest.raises(TemplateError, match="resolution: expected a number of pixels per inch"):
        iso19794.encode(some(dpi=math.nan))


def test_minutiae_at_the_edge_of_the_image_are_written_within_it():
    edge = Minutiae.make([-0.5, 255.5], [-0.5, 287.5], [0, 6.2831], width=256, height=288, quality=[0.001, 1])
    view = iso19794.decode(iso19794.encode(edge)).views[0]
    assert (view.x.tolist(), view.y.tolist()) == ([0, 255], [0, 287])
    assert view.angle.tolist() == [0, 0]
    assert view.quality.tolist() == [1, 100]


def test_impressions_that_do_not_belong_in_one_record_are_refused():
    with pytest.raises(TemplateError, match="image size: expected impressions of one width"):
        Record.from_minutiae([some(), some(width=300)])
    with pytest.raises(
        TemplateError, match="finger position: expected one for each of 1 impressions, found 2"
    ):
        Record.from_minutiae([some()], positions=[1, 2])
    with pytest.raises(TemplateError, match="at least one impression"):
        Record.from_minutiae([])


def test_raw_arrays_that_do_not_fit_their_bits_are_refused():
    with pytest.raises(TemplateError, match="x coordinate: expected 0 to 16383"):
        FingerView.of(x=[16384], y=[0], angle=[0], type=[1])
    with pytest.raises(TemplateError, match=r"whole numbers, found 1\.5"):
        FingerView.of(x=[1.5], y=[0], angle=[0], type=[1])


def test_the_two_formats_are_told_apart_by_their_length_fields():
    def start(length):
        return b"FMR\0 20\0" + bytes.fromhex(length)

    assert templates.sniff(BY_HAND) is ISO
    assert templates.sniff(incits378.encode(some())) is TemplateFormat.INCITS_378_2004
    assert templates.sniff(start("001A0000")) is TemplateFormat.INCITS_378_2004
    assert templates.sniff(start("00190000")) is ISO
    assert templates.sniff(start("00010000")) is ISO
    assert templates.sniff(start("00000018")) is ISO
    assert templates.sniff(start("00000017")) is TemplateFormat.INCITS_378_2004
    with pytest.raises(TemplateError, match="format identifier"):
        templates.sniff(b"\x89PNG\r\n\x1a\n0000")
    with pytest.raises(TemplateError, match="record header at byte 11: expected 12 bytes"):
        templates.sniff(start("0000001A")[:11])
