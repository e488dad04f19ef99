"""EBTS files in and out: what is read and written, what is refused and in which words. Golden files were made by us.

To make the golden files again after an intended change, run this file with Python.
"""

import contextlib
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nistitl import AsciiRecord, BinaryRecord, Field, Message

from hardware.bench.made_up import made_up_minutiae
from interchange.charges import ChargeClass, Disposition, LeftOut, LeftOutReason
from interchange.messages import Colour
from matcher_service.exchange import transaction, writing
from matcher_service.exchange.charge_fields import BadChargeTable, read_table
from matcher_service.exchange.errors import EbtsRefused, Problem
from matcher_service.exchange.framing import frames
from matcher_service.exchange.image_headers import ImageKind
from matcher_service.exchange.image_records import FoundImage, write_type_4
from matcher_service.exchange.writing import Address, PrintOut

DATA = Path(__file__).parent / "data" / "ebts"
AT = datetime(2030, 5, 1, 12, 34, 56, tzinfo=UTC)
SENT = Address(to="WVIAFIS0Z", ori="MO0100000", tcn="BOONE-2030-000017", at=AT)
BACK = Address(to="MO0100000", ori="MO0200000", tcn="R0001", at=AT, tcr="BOONE-2030-000017")
RULES = read_table()
LEFT_OUT = (LeftOut(position=5, reason=LeftOutReason.MISSING),)


def ridges(width=160, height=180):
    y, x = np.mgrid[:height, :width]
    waves = 110 * np.sin(np.hypot(x - width / 2, y - height / 3) * (2 * np.pi / 9))
    return np.clip(128 + waves, 0, 255).astype(np.uint8)


def raw_image(position=2, *, size=(64, 72)):
    data = ridges(*size).tobytes()
    return FoundImage(position, 0, ImageKind.RAW, *size, 500.0, data)


def car(*positions, kind="CAR", **more):
    prints = [
        PrintOut(position=p, minutiae=made_up_minutiae(p, count=12), impression=1)
        for p in positions or (1, 2, 7)
    ]
    return writing.submission(kind, SENT, prints, **more)


def message_of(data=None):
    message = Message()
    message.parse(data or car())
    return message


def with_type_4(image):
    message = message_of(car(1))
    record = BinaryRecord(4)
    record.IDC = 7
    record.value = write_type_4(image)
    message += record
    return message.NIST


def with_type_14(image):
    prints = [PrintOut(position=1, minutiae=made_up_minutiae(1, count=12))]
    message = message_of(writing.submission("CAR", SENT, prints))
    made = Message()
    made.parse(
        writing.submission("CAR", SENT, [PrintOut(position=2, minutiae=made_up_minutiae(2), image=image)])
    )
    record = next(made.iter(14))
    record.IDC = "09"
    message += record
    return message.NIST


def golden():
    yield "car.eft", car(charge_class=ChargeClass.FELONY, disposition=Disposition.CHARGED, left_out=LEFT_OUT)
    yield "images.eft", with_type_14(raw_image(3))
    yield "rpisr.eft", writing.rapid_reply(BACK, Colour.YELLOW)


def read(data):
    return transaction.read(data, RULES)


def problem_of(data):
    """The first problem of a file, wherever it stands."""
    try:
        found = read(data)
    except EbtsRefused as error:
        return error.problems[0]
    assert found.problems, "it was taken"
    return found.problems[0]


@pytest.mark.parametrize(("name", "data"), list(golden()), ids=[name for name, _ in golden()])
def test_golden_files_are_written_as_ever(name, data):
    assert (DATA / name).read_bytes() == data
    assert not read(data).problems


def test_what_is_written_is_read_back():
    found = read(car(left_out=LEFT_OUT, charge_class=ChargeClass.FELONY, disposition=Disposition.CONVICTED))
    assert not found.problems
    assert not found.unused
    assert (found.sender.kind, found.sender.ori, found.sender.tcn) == (
        "CAR",
        "MO0100000",
        "BOONE-2030-000017",
    )
    assert found.sender.sent_at == AT
    assert found.charged.charge_class is ChargeClass.FELONY
    assert found.charged.disposition is Disposition.CONVICTED
    assert found.left_out == LEFT_OUT
    assert [one.position for one in found.fingers] == [1, 2, 7]
    for one in found.fingers:
        was = made_up_minutiae(one.position, count=12)
        np.testing.assert_array_equal(one.minutiae.x, was.x)
        np.testing.assert_array_equal(one.minutiae.y, was.y)
        np.testing.assert_array_equal(one.minutiae.type, was.type)
        apart = np.abs(np.angle(np.exp(1j * (one.minutiae.angle - was.angle))))
        assert apart.max() <= np.deg2rad(1.001)
        assert (one.minutiae.width, one.minutiae.height, one.minutiae.dpi) == (was.width, was.height, 500)


@pytest.mark.parametrize("kind", ["CAR", "CNA", "RPIS", "SRE", "RPISR", "ERRT"])
def test_each_mandatory_field_of_type_1_is_there(kind):
    if kind in {"CAR", "CNA", "RPIS"}:
        data = car(kind=kind)
    elif kind == "ERRT":
        data = writing.error(BACK, [Problem(3, 9, "9.137", "is missing")])
    elif kind == "SRE":
        data = writing.results(BACK, identified=True)
    else:
        data = writing.rapid_reply(BACK, Colour.RED)
    message = message_of(data)
    first = message[0]
    assert first.VER == "0502"
    assert kind == first.TOT
    assert first.DAT == "20300501"
    assert first.GMT == "20300501123456Z"
    assert first.DOM == [["NORAM", "10.0"]]
    assert (first.NSR, first.NTR) == ("00.00", "00.00")
    answered = kind in {"SRE", "RPISR", "ERRT"}
    assert ("MO0100000" if answered else "WVIAFIS0Z") == first.DAI
    assert ("MO0200000" if answered else "MO0100000") == first.ORI
    assert (first["TCR"] is not None) == answered
    if answered:
        assert first.TCR == "BOONE-2030-000017"
    listed = [(int(kind), int(idc)) for kind, idc in first.CNT[1:]]
    assert listed == [(one.type, int(one.IDC)) for one in list(message)[1:]]
    assert int(first.CNT[0][1]) == len(listed)
    assert sum(len(one.data) for one in frames(data)) == len(data)


@pytest.mark.parametrize(("colour", "letter"), [(Colour.RED, "R"), (Colour.YELLOW, "Y"), (Colour.GREEN, "G")])
def test_a_rapid_reply_has_its_category_and_a_caveat(colour, letter):
    found = read(writing.rapid_reply(BACK, colour, ["SEP\x1d\x1cARATORS"]))
    assert found.finding == letter
    assert found.messages[0].startswith(colour.upper())
    assert ("CANDIDATE IS NOT AN IDENTIFICATION" in found.messages[1]) == (colour is not Colour.GREEN)
    assert found.messages[2] == "SEP??ARATORS"


def test_an_error_reply_names_the_field():
    found = read(writing.error(BACK, [Problem(3, 9, "9.137", "is missing"), Problem(0, 0, "", "and more")]))
    assert found.messages == ("record 3 (Type-9), field 9.137: is missing", "and more")


def test_names_are_never_kept(capfd, caplog):
    message = message_of()
    record = message[1]
    record += Field(2, 18, "MADEUP,NOBODY")
    record += Field(2, 22, "19700101")
    record += Field(2, 2001, "SECRETFIELD")
    found = read(message.NIST)
    assert not found.problems
    assert not any(word in repr(found) for word in ("MADEUP", "19700101", "SECRETFIELD"))
    # ... nor repeated where the record that holds them is refused
    record += Field(2, 84, [["MADEUP,NOBODY", "XX"]])
    found = read(message.NIST)
    assert found.problems[0].field == "2.084"
    assert "MADEUP" not in repr(found)
    assert "MADEUP" not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("literals", "charge", "disposition"),
    [
        ({}, None, None),
        ({45: "20300501"}, None, Disposition.ARRESTED),
        ({47: [["20300501", "Felony theft"], ["20300501", "TRAFFIC STOP"]]}, ChargeClass.FELONY, None),
        ({47: [["20300501", "FELONYLIKE"]]}, None, None),
        ({51: [["20300501", "MISDEMEANOR", "NOT GUILTY"]]}, ChargeClass.MISDEMEANOR, None),
        ({45: "20300501", 51: [["20300501", "", "guilty"]]}, None, Disposition.CONVICTED),
    ],
)
def test_charge_and_disposition_come_by_the_table(literals, charge, disposition):
    message = message_of()
    for field, value in literals.items():
        message[1].__iadd__(Field(2, field, value))
    found = read(message.NIST)
    assert (found.charged.charge_class, found.charged.disposition) == (charge, disposition)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("45,1,present,,disposition,dismissed", "comes after a booking"),
        ("45,1,exact,,disposition,arrested", "present"),
        ("x,1,present,,disposition,arrested", "numbers"),
        ("45,1,present,,disposition", "5 columns"),
        ("45,1,present,,colour,red", "charge_class or disposition"),
    ],
)
def test_a_bad_charge_table_is_refused_with_its_line(tmp_path, line, words):
    table = tmp_path / "t.csv"
    table.write_text(f"# ours\nfield,item,match,literal,sets,value\n{line}\n")
    with pytest.raises(BadChargeTable, match=f"line 3: .*{words}"):
        read_table(table)


def standard(rows, *, count=None, finger="02", **more):
    message = message_of(car(1))
    record = AsciiRecord(9)
    record.IDC = "05"
    values = {
        3: "1",
        4: "S",
        5: [["WHORL", "A"]],
        6: finger,
        7: "T",
        10: str(len(rows) if count is None else count),
        11: "0",
    }
    for field, value in (values | more).items():
        record += Field(9, field, value)
    record += Field(9, 12, rows)
    message += record
    return message.NIST


def test_the_older_block_is_read_in_its_own_units():
    data = standard([["001", "10002000090", "00", "A"], ["002", "05081016000", "63", "B"]])
    found = next(one for one in read(data).fingers if one.position == 2)
    # 0.01 mm from the bottom left; angles out of the ending, so that 90 degrees there is 270 in ISO's sense
    np.testing.assert_allclose(found.minutiae.x, [1000 / 2540 * 500, 508 / 2540 * 500], atol=0.01)
    assert found.minutiae.y[1] - found.minutiae.y[0] == pytest.approx((2000 - 1016) / 2540 * 500, abs=0.01)
    np.testing.assert_allclose(np.rad2deg(found.minutiae.angle), [270, 180], atol=1e-3)
    assert found.minutiae.type.tolist() == [1, 2]
    assert found.minutiae.quality.tolist() == pytest.approx([1.0, 1 / 62])


def changed(field, value, *, record=2):
    message = message_of()
    message[record][field].value = value
    return message.NIST


@pytest.mark.parametrize(
    ("data", "record", "field", "words"),
    [
        (b"", 0, "", "no ANSI/NIST-ITL file"),
        (b"FMR\0 20\0", 0, "", "no ANSI/NIST-ITL file"),
        (car()[:90], 1, "1.001", "length"),
        (changed(2, "9999", record=0), 1, "1.002", "version"),
        (changed(4, "XYZ", record=0), 1, "1.004", "no transaction"),
        (changed(5, "20301301", record=0), 1, "1.005", "YYYYMMDD"),
        (changed(8, "mo1", record=0), 1, "1.008", "ORI"),
        (changed(9, "X" * 41, record=0), 1, "1.009", "40"),
        (changed(14, "20300501123456", record=0), 1, "1.014", "YYYYMMDDHHMMSSZ"),
        (car() + b"more", 1, "1.003", "4 bytes follow"),
        (changed(128, "0"), 3, "9.128", "1 to 16383"),
        (changed(131, "12"), 3, "9.131", "resolution"),
        (changed(134, "11"), 3, "9.134", "0 to 10"),
        (changed(134, "2"), 4, "9.134", "twice"),
        (changed(136, "13"), 3, "9.137", "lists 12 minutiae, and field 9.136 says 13"),
        (changed(137, [["1", "999", "5", "5", "1", "50"]] * 12), 3, "9.137", "x of minutia 1"),
        (changed(137, [["1", "9", "5", "180", "1", "50"]] * 12), 3, "9.137", "angle of minutia 1"),
        (changed(137, [["1", "9", "5"]] * 12), 3, "9.137", "3 values"),
        (changed(3, "4"), 3, "9.003", "latent"),
        (standard([["001", "1000200009", "00", "A"]]), 4, "9.012", "eleven digits"),
        (standard([["001", "10002000360", "00", "A"]]), 4, "9.012", "eleven digits"),
        (standard([["001", "10002000000", "00", "Z"]]), 4, "9.012", "A, B, C and D"),
        (standard([], count=1), 4, "9.012", "lists 0"),
        (with_type_14(raw_image(3)).replace(b"14.006:64", b"14.006:65"), 4, "14.999", "65 x 72"),
        (with_type_14(raw_image(3)).replace(b"14.011:NONE", b"14.011:JP2X"), 4, "14.011", "NONE, WSQ20 or PNG"),
        (with_type_14(raw_image(3)).replace(b"14.008:1", b"14.008:0"), 4, "14.008", "unit"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_record_and_field(data, record, field, words):
    found = problem_of(data)
    assert (found.record, found.field) == (record, field), str(found)
    assert words in found.reason


def test_the_good_records_of_a_damaged_file_are_told():
    data = car(1, 2, 7)
    parts = [one.data for one in frames(data)]
    broken = parts[3].replace(b"9.001:", b"9.001:9", 1)
    found = read(b"".join([*parts[:3], broken, parts[4]]))
    assert [one.position for one in found.fingers] == [1, 7]
    assert [(one.record, one.field) for one in found.problems] == [(4, "9.001")]


def test_images_are_used_where_there_are_no_minutiae_and_slaps_never():
    found = read(with_type_14(raw_image(3)))
    assert [(one.position, one.type) for one in found.fingers] == [(1, 9), (3, 14)]
    assert found.fingers[1].image.data == raw_image().data
    found = read(with_type_4(raw_image(2)))
    assert [(one.position, one.type) for one in found.fingers] == [(1, 9), (2, 4)]
    assert (found.fingers[1].image.width, found.fingers[1].image.height) == (64, 72)
    for position, words in (
        (13, "several fingers"),
        (1, "another record holds already"),
        (11, "holds already"),
        (25, "no finger"),
    ):
        found = read(with_type_4(raw_image(position)))
        assert [one.position for one in found.fingers] == [1]
        assert words in found.unused[0].reason
        assert not found.problems


def test_two_many_records_or_fields_are_not_even_read():
    many = b"1.003:1\x1f999" + b"\x1e9\x1f01" * 999
    whole = b"1.001:%d\x1d%s\x1c" % (len(many) + 12, many)
    assert "at most 120" in problem_of(whole).reason
    message = message_of()
    for field in range(300, 900):
        message[1].__iadd__(Field(2, field, "x"))
    assert "more than 500 fields" in problem_of(message.NIST).reason


SEEDS = [data for _, data in golden()] + [
    with_type_4(raw_image(4)),
    standard([["001", "10002000090", "00", "A"]]),
]


def taken_or_refused(data):
    with contextlib.suppress(EbtsRefused):
        assert all(one.reason for one in read(data).problems)


@settings(max_examples=150, deadline=None)
@given(seed=st.sampled_from(range(len(SEEDS))), number=st.integers(0, 2**32 - 1))
def test_changed_files_are_taken_or_refused(seed, number):
    chance = random.Random(number)
    data = bytearray(SEEDS[seed])
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        what = chance.randrange(5)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            del data[at : at + chance.randint(1, 40)]
        elif what == 2:
            data[at:at] = chance.choice(
                [b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"9", b"999:", b"1.001:", b"\xff\xa0"]
            )
        elif what == 3:
            data[at : at + 3] = b"999"
        else:
            data[at:at] = data[at : at + chance.randint(1, 60)]
        data = data or bytearray(b"1")
    taken_or_refused(bytes(data))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_anything_behind_a_good_head_is_taken_or_refused(rest):
    taken_or_refused(rest)
    taken_or_refused(frames(SEEDS[0])[0].data + rest)


if __name__ == "__main__":
    for name, data in golden():
        (DATA / name).write_bytes(data)
