"""xyt and card formats, pictures under their limits, and `convert`."""

import struct
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae
from interchange import TemplateError, card19794, iso19794, record_of, templates, xyt
from interchange.card19794 import CardSize
from matcher_service.commands.converting import convert
from matcher_service.exchange import images
from matcher_service.exchange.errors import ImageRefused
from matcher_service.exchange.image_headers import ImageKind, look

THIRD_PARTY = Path(__file__).parents[3] / "shared" / "data" / "iso19794_2_2005"


def ridges(width=160, height=180):
    y, x = np.mgrid[:height, :width]
    waves = 110 * np.sin(np.hypot(x - width / 2, y - height / 3) * (2 * np.pi / 9))
    return np.clip(128 + waves, 0, 255).astype(np.uint8)


def apart(one, other):
    return np.abs(np.angle(np.exp(1j * (np.asarray(one, float) - np.asarray(other, float))))).max()


def test_a_line_of_xyt_by_hand():
    # 10 from the left, 20 from the bottom of 100 rows; 30 degrees out of the ending is 210 along the ridge
    made = xyt.decode(b"10 20 30 40\n", width=50, height=100)
    assert (made.x[0], made.y[0]) == (10, 80)
    assert np.rad2deg(made.angle[0]) == pytest.approx(210)
    assert made.quality[0] == pytest.approx(0.4)
    assert xyt.encode(made) == b"10 20 30 40\n"


def test_xyt_goes_there_and_back():
    was = made_up_minutiae(3)
    made = xyt.decode(xyt.encode(was), width=was.width, height=was.height)
    np.testing.assert_array_equal(made.x, was.x)
    np.testing.assert_array_equal(made.y, was.y)
    assert apart(made.angle, was.angle) <= np.deg2rad(0.51)
    assert len(xyt.decode(b"")) == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"1 2 3\n1 2\n", "line 2"),
        (b"1 2 x 4", "line 1"),
        (b"1 2 3 101", "line 1, quality"),
        (b"1 2 400 1", "line 1, theta"),
        (b"-1 2 3 4", "line 1, x"),
        (b"1 2 3 4\n" * 1001, "1000 lines"),
        (b"1" * 40_000, "32768 bytes"),
        (b"\xff\xa0\xff\xa4", "WSQ image"),
        (b"IIR\x00010\0", "iris image"),
        (b"1 2 \xe9", "byte 4"),
    ],
)
def test_bad_xyt_is_refused_with_its_line(data, words):
    with pytest.raises(TemplateError, match=words):
        xyt.decode(data)
    with pytest.raises(TemplateError, match="edge"):
        xyt.decode(b"60 2 3 4", width=50, height=50)


def test_a_minutia_on_a_card_by_hand():
    # 25.4 mm are 500 px: 12.7 mm is px 250, 5.08 mm is px 100; an ending at a quarter turn
    normal = struct.pack(">HHB", 1 << 14 | 1270, 508, 64)
    compact = bytes([127, 51, 2 << 6 | 16])
    made = card19794.decode(normal, size=CardSize.NORMAL)
    assert (made.x[0], made.y[0]) == pytest.approx((250, 100))
    assert (made.type[0], np.rad2deg(made.angle[0])) == (1, pytest.approx(90))
    assert card19794.encode(made, size=CardSize.NORMAL) == normal
    made = card19794.decode(compact)
    assert (made.x[0], made.y[0]) == pytest.approx((250, 100.4), abs=0.01)
    assert (made.type[0], np.rad2deg(made.angle[0])) == (2, pytest.approx(90))
    assert card19794.encode(made) == compact


@pytest.mark.parametrize("size", CardSize)
def test_cards_go_there_and_back(size):
    was = made_up_minutiae(4)
    made = card19794.decode(card19794.encode(was, size=size), size=size)
    half_a_unit = 0.5 / size.units_per_mm / 25.4 * 500
    assert np.abs(made.x - was.x).max() <= half_a_unit + 1e-3
    assert np.abs(made.y - was.y).max() <= half_a_unit + 1e-3
    assert apart(made.angle, was.angle) <= np.pi / size.angle_steps + 1e-6
    np.testing.assert_array_equal(made.type, was.type)


@pytest.mark.parametrize(
    ("data", "size", "words"),
    [
        (bytes(4), CardSize.COMPACT, "at byte 3"),
        (bytes(3 * 256), CardSize.COMPACT, "255 minutiae"),
        (bytes([1, 1, 0xC0]), CardSize.COMPACT, "minutia type at byte 2"),
        (bytes([0xC0, 0, 0, 0, 0]), CardSize.NORMAL, "minutia type at byte 0"),
        (b"FMR\0 20\0\0\0\0\x18", CardSize.COMPACT, "a record with a header"),
        (b"FAC\x00010\0", CardSize.COMPACT, "face image"),
    ],
)
def test_bad_cards_are_refused(data, size, words):
    with pytest.raises(TemplateError, match=words):
        card19794.decode(data, size=size)


def test_what_a_compact_card_cannot_hold_is_refused():
    far = replace(made_up_minutiae(1), dpi=100.0)
    with pytest.raises(TemplateError, match=r"25\.5 mm"):
        card19794.encode(far)
    assert len(card19794.encode(far, size=CardSize.NORMAL)) == 5 * len(far)


@pytest.mark.parametrize(
    ("begins", "words"),
    [(b"FAC\0", "face"), (b"IIR\0", "iris"), (b"\xff\xa0\xff\xa4", "WSQ"), (b"1.001:204\x1d", "EBTS")],
)
def test_a_template_of_another_type_is_named(begins, words):
    with pytest.raises(TemplateError, match=words):
        templates.decode(begins + b"010\0" + bytes(60))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_anything_is_minutiae_or_refused(data):
    for read in (
        xyt.decode,
        card19794.decode,
        lambda raw: card19794.decode(raw, size=CardSize.NORMAL),
    ):
        try:
            made = read(data)
        except TemplateError:
            continue
        assert (made.x <= made.width - 0.5).all()
        assert (made.y <= made.height - 0.5).all()


def png(width, height, data=b"x" * 40):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def wsq_header(width, height, *, before=b""):
    frame = struct.pack(">HHBBHHBHBHBH", 0xFFA2, 17, 0, 255, height, width, 0, 1, 0, 1, 2, 0)
    return b"\xff\xa0" + before + frame + bytes(80) + b"\xff\xa1"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(60_000, 60_000), "60000 x 60000"),
        (png(5_000, 3_000, zlib.compress(bytes(100))), "cannot be a print"),
        (png(0, 10), "0 x 10"),
        (png(10, 10)[:20], "damaged or cut short"),
        (wsq_header(65_535, 65_535), "65535 x 65535"),
        (wsq_header(4_000, 3_000), "cannot be a print"),
        (wsq_header(100, 100)[:-2], "its end is missing"),
        (wsq_header(100, 100, before=b"\xff\xa8\x00\x02" * 100), "no frame header"),
        (wsq_header(100, 100, before=b"\xff\xa8\xff\xff"), "no frame header"),
        (b"\xff\xa0" * 50, "no frame header"),
        (b"\xff\xa0\xff\xa8\x00\x00" * 50, "no frame header"),
        (b"", "no WSQ or PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"FAC\x00010\0", "face image"),
    ],
)
def test_bombs_and_fragments_are_refused_before_anything_is_decoded(data, words, monkeypatch):
    monkeypatch.setattr(images, "_run", lambda *_: pytest.fail("a decoder was started"))
    with pytest.raises(ImageRefused, match=words):
        images.decode(data)


def test_png_goes_there_and_back():
    was = ridges()
    np.testing.assert_array_equal(images.decode(images.encode(was, ImageKind.PNG)), was)
    with pytest.raises(ImageRefused, match="broke down"):
        images.decode(png(50, 50, zlib.compress(bytes(10))))


def test_wsq_goes_there_and_back_and_nonsense_behind_a_good_head_does_no_harm():
    pytest.importorskip("wsq")
    was = ridges(200, 240)
    packed = images.encode(was, ImageKind.WSQ)
    assert look(packed).kind is ImageKind.WSQ
    assert (look(packed).width, look(packed).height) == (200, 240)
    made = images.decode(packed)
    assert made.shape == was.shape
    assert np.abs(made.astype(int) - was).mean() < 12
    noise = np.random.default_rng(5)
    for _ in range(3):
        broken = bytearray(packed)
        at = noise.integers(len(packed) // 2, len(packed) - 2, 30)
        for place in at:
            broken[place] = noise.integers(256)
        try:
            images.decode(bytes(broken))
        except ImageRefused as error:
            assert error.reason  # noqa: PT017 - either is well


def test_a_decoder_that_wants_more_memory_than_it_may_is_ended(monkeypatch):
    monkeypatch.setattr(images.parameters, "DECODE_MEMORY_BYTES", 40 * 1024 * 1024)
    with pytest.raises(ImageRefused, match="broke down"):
        images.decode(images_png())


def images_png():
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (3000, 3000), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_without_the_package_wsq_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(images.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImageRefused, match="x86-64 only"):
        images.encode(ridges(), ImageKind.WSQ)


def run(*arguments, code=0):
    app = typer.Typer()
    app.command()(convert)
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_convert_goes_round_all_template_formats(tmp_path):
    was = made_up_minutiae(6)
    (tmp_path / "a.iso").write_bytes(iso19794.encode(record_of(was, position=7)))
    way = ["a.iso", "b.378", "c.xyt", "d.iso", "e.cn", "f.cc", "g.iso"]
    for source, target in pairwise(way):
        size = ("--width", was.width, "--height", was.height) if source.endswith("xyt") else ()
        run(tmp_path / source, tmp_path / target, "--finger", 7, *size)
    end = templates.decode((tmp_path / "g.iso").read_bytes())
    assert end.views[0].position == 7
    made = end.minutiae()
    assert np.abs(made.x - was.x).max() <= 2
    assert np.abs(made.y - was.y).max() <= 2
    assert apart(made.angle, was.angle) <= np.deg2rad(5)


def test_convert_refuses_in_words(tmp_path):
    (tmp_path / "a.iso").write_bytes(b"FAC\x00010\0" + bytes(40))
    assert "face image" in run(tmp_path / "a.iso", tmp_path / "b.xyt", code=1)
    assert not (tmp_path / "b.xyt").exists()
    assert "is there already" in run(tmp_path / "a.iso", tmp_path / "a.iso", code=1)
    assert "its ending is none of" in run(tmp_path / "a.iso", tmp_path / "a.doc", code=1)
    assert "edge-service extract" in run(tmp_path / "a.iso", tmp_path / "a.png", code=1)


@pytest.mark.data
@pytest.mark.skipif(not THIRD_PARTY.exists(), reason="the development data is not beside the checkout")
def test_third_party_records_pass_through_all_formats():
    for path in sorted(THIRD_PARTY.rglob("*.iso"))[::40]:
        was = templates.decode(path.read_bytes()).minutiae()
        made = xyt.decode(xyt.encode(was), width=was.width, height=was.height, dpi=was.dpi)
        np.testing.assert_array_equal(made.x, was.x)
        assert apart(made.angle, was.angle) <= np.deg2rad(0.51)
        card = card19794.decode(card19794.encode(was, size=CardSize.NORMAL), size=CardSize.NORMAL)
        assert np.abs(card.x * was.dpi / card.dpi - was.x).max() < 0.2
