"""The register as files: what is wrong is named with line and column, nothing is half taken, a round trip is exact."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from interchange.charges import ChargeClass, Disposition, Transaction
from matcher_service.repositories import Database, Repositories
from matcher_service.routing import Answer, BadRegisterFile, Conditions, parameters
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent, read_register, write_csv, write_json
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import read_rollout, shipped
from matcher_service.routing.rules import RuleState

DAY = datetime(2030, 1, 1, tzinfo=UTC)
ACTIVATION = ActivationEntry(
    jurisdiction="US-MO-019",
    repository="immigration",
    from_at=DAY,
    until_at=DAY + timedelta(days=365, microseconds=1),
    conditions=Conditions(
        transactions=(Transaction.CAR, Transaction.RPIS),
        charge_classes=(ChargeClass.FELONY, ChargeClass.OTHER),
        dispositions=(Disposition.CONVICTED,),
        min_fingers=4,
        answer=Answer.FIRST,
        notify_charge_classes=(ChargeClass.FELONY,),
        notify_dispositions=(Disposition.CONVICTED,),
        needs_second_examiner=False,
        retention_hint="75 years, by agreement",
        images=True,
    ),
    signed_by='Sheriff, "the" county',
    document_sha256="0f" * 32,
    reason="first; agreement",
)
CONTENT = RegisterContent(
    jurisdictions=(
        JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
        JurisdictionEntry(code="US-MO-019", kind="county", fips="29019", name="Boone County", parent="US-MO"),
        JurisdictionEntry(
            code="US-MO-510", kind="county", fips="29510", name="St. Louis city", parent="US-MO"
        ),
    ),
    agencies=(
        AgencyEntry(ori="MO0100000", name="Jail, Boone", jurisdiction="US-MO-019"),
        AgencyEntry(ori="MO010000X", name="Gefängnis", jurisdiction="US-MO-510", active=False),
    ),
    activations=(
        ACTIVATION,
        ActivationEntry(
            jurisdiction="US-MO-510",
            repository="criminal",
            from_at=DAY,
            state=RuleState.SUSPENDED,
            signed_by="x",
            document_sha256="00" * 32,
            reason="stop",
        ),
    ),
)


def bare(content):
    return RegisterContent(
        jurisdictions=tuple(replace(one, line=0) for one in content.jurisdictions),
        agencies=tuple(replace(one, line=0) for one in content.agencies),
        activations=tuple(replace(one, line=0) for one in content.activations),
    )


def test_json_there_and_back():
    text = write_json(CONTENT)
    again = read_register(text.encode(), "x.json")
    assert bare(again) == CONTENT
    assert write_json(again) == text


@pytest.mark.parametrize("table", ["jurisdictions", "agencies", "activations"])
def test_csv_there_and_back(table):
    text = write_csv(CONTENT, table)
    again = read_register(text.encode(), "x.csv")
    assert getattr(bare(again), table) == getattr(CONTENT, table)
    assert write_csv(again, table) == text


def test_a_register_of_before_images_is_read_as_one_without():
    activations = tuple(
        replace(one, conditions=replace(one.conditions, images=False)) for one in CONTENT.activations
    )
    older = replace(CONTENT, activations=activations)
    rows = [line.split(",") for line in write_csv(older, "activations").splitlines()]
    assert rows[0].index("images") == 14
    csv = write_csv(older, "activations").replace(",images,", ",").replace(",no,Sheriff", ",Sheriff")
    csv = csv.replace(',no,"Sheriff', ',"Sheriff').replace(",no,x,", ",x,")
    assert bare(read_register(csv.encode(), "x.csv")).activations == activations
    text = write_json(older)
    assert text.count(', "images": false') == 2
    assert bare(read_register(text.replace(', "images": false', "").encode(), "x.json")) == older
    assert "images" not in activations[0].conditions.encoded()  # as it was stored before there were any


def test_a_spreadsheet_with_its_mark_and_its_line_ends_is_read():
    text = "\ufeff" + write_csv(CONTENT, "agencies").replace("\n", "\r\n")
    assert bare(read_register(text.encode(), "x.csv")).agencies == CONTENT.agencies


def test_the_database_gives_back_what_it_was_given(tmp_path):
    texts = []
    for name in ("a", "b"):
        database = Database(f"sqlite:///{tmp_path}/{name}.db")
        for repository in ("criminal", "immigration"):
            Repositories(database).create(repository)
        register = Register(database, now=lambda: DAY + timedelta(days=7))
        content = read_register(texts[0].encode(), "x") if texts else CONTENT
        places = replace(content, activations=())
        register.bring(places, source="x", by="system:test")
        register.enter_agreed(content.activations, by="one", approved_by="two", historic=True)
        texts.append(write_json(register.content()))
        database.close()
    assert texts[0] == texts[1] == write_json(CONTENT)


@pytest.mark.parametrize(
    ("table", "change", "line", "column", "words"),
    [
        ("jurisdictions", ("29019", "29020"), 3, "fips", "ends in 020"),
        ("jurisdictions", ("county,29019", "town,29019"), 3, "kind", "'state' or 'county'"),
        ("jurisdictions", ("Boone County,US-MO", "Boone County,US-KS"), 3, "parent", "US-MO"),
        ("jurisdictions", ("Boone County", "=cmd()"), 3, "name", "formula"),
        ("jurisdictions", ("US-MO-510,county,29510", "US-MO-019,county,29019"), 4, "code", "line 3 already"),
        ("agencies", ("MO0100000", "MO01"), 2, "ori", "nine characters"),
        ("agencies", (",yes", ",maybe"), 2, "active", "'yes' or 'no'"),
        ("activations", ("2030-01-01T00:00:00Z", "soon"), 2, "from", "is a date"),
        ("activations", ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00"), 2, "from", "zone"),
        (
            "activations",
            ("felony;other", "felony;murder"),
            2,
            "charge_classes",
            "'murder' is not in the table",
        ),
        ("activations", ("CAR;RPIS", "CAR;CAR"), 2, "transactions", "twice"),
        ("activations", ("0f0f", "0f0g"), 2, "document_sha256", "SHA-256"),
        ("activations", (",4,first,", ",eleven,first,"), 2, "min_fingers", "1 to 10"),
        ("activations", (",first,", ",third,"), 2, "answer", "'first' or 'second'"),
        ("activations", (",yes,", ",perhaps,"), 2, "images", "'yes' or 'no'"),
        ("activations", (",suspended,", ",asleep,"), 3, "state", "one of"),
        ("activations", ("2031-01-01", "2029-01-01"), 2, "until", "not after"),
    ],
)
def test_a_cell_that_is_wrong_is_named(table, change, line, column, words):
    old, new = change
    text = write_csv(CONTENT, table)
    assert old in text
    with pytest.raises(BadRegisterFile, match=words) as caught:
        read_register(text.replace(old, new, 1).encode(), "r.csv")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"r.csv, line {line}, {column}: " in str(caught.value)


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 0, "empty"),
        (b"code,kind,fips,name\n", 1, "missing"),
        (b"code,kind,fips,name,parent,colour\n", 1, "no column"),
        (b"code,kind,fips,name,parent\nUS-MO,state\n", 2, "has 2 columns"),
        (b'code,kind,fips,name,parent\nUS-MO,state,29,"Miss\n', 2, "not CSV"),
        (b"code,kind,fips,name,parent\nUS-MO,state,29,Miss\xff,\n", 2, "UTF-8"),
        (b"code,kind,fips,name,parent\nUS-MO,state,29,Mi\x00ss,\n", 2, "printed|not CSV"),
        (b"{", 1, "not JSON"),
        (b'{"version": 1, "places": []}', 0, "not part"),
        (b'{"version": 2}', 0, "is 1 in files"),
        (b'{"version": 1, "version": 1}', 0, "twice"),
        (b'{"version": 1, "agencies": {}}', 0, "is a list"),
        (b'{"version": 1, "agencies": [3]}', 1, "objects"),
        (b'{"version": 1, "agencies": [{"ori": NaN}]}', 0, "NaN"),
        (b"{" + b'"a":[' * 100_000, 1, "JSON|deep"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(data, line, words):
    with pytest.raises(BadRegisterFile, match=words) as caught:
        read_register(data, "r")
    assert caught.value.line == line


def test_json_names_the_line_of_the_entry():
    text = write_json(CONTENT)
    where = text[: text.index('"ori": "MO010000X"')].count("\n") + 1
    with pytest.raises(BadRegisterFile, match="true or false") as caught:
        read_register(text.replace('"active": false', '"active": "no"').encode(), "r.json")
    assert (caught.value.line, caught.value.column) == (where, "active")
    with pytest.raises(BadRegisterFile, match="is missing"):
        read_register(text.replace('"name": "Gefängnis", ', "").encode(), "r.json")


def test_size_and_number_are_bounded():
    with pytest.raises(BadRegisterFile, match="divide"):
        read_register(b"x" * (parameters.MAX_FILE_BYTES + 1), "r")
    rows = "code,kind,fips,name,parent\n" + "US-MO,state,29,Missouri,\n" * (parameters.MAX_ROWS + 1)
    with pytest.raises(BadRegisterFile, match="rows"):
        read_register(rows.encode(), "r")


def test_what_does_not_fit_the_register_leaves_it_as_it_was(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/m.db")
    register = Register(database)
    register.bring(replace(CONTENT, agencies=(), activations=()), source="x", by="system:test")
    agencies = write_csv(CONTENT, "agencies").replace("US-MO-510", "US-MO-001")
    with pytest.raises(BadRegisterFile, match="US-MO-001 is not in the register") as caught:
        register.bring(read_register(agencies.encode(), "a.csv"), source="a.csv", by="system:test")
    assert (caught.value.line, caught.value.column) == (3, "jurisdiction")
    assert register.content().agencies == ()
    register.bring(replace(CONTENT, activations=()), source="x", by="system:test")
    moved = write_csv(CONTENT, "agencies").replace("US-MO-019", "US-MO-510")
    with pytest.raises(BadRegisterFile, match="does not move"):
        register.bring(read_register(moved.encode(), "a.csv"), source="a.csv", by="system:test")
    database.close()


def test_activations_in_a_file_need_somebody_who_proposes_them(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/m.db")
    with pytest.raises(BadRegisterFile, match="two people"):
        Register(database).bring(CONTENT, source="x", by="system:test")
    assert Register(database).content() == RegisterContent()
    database.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("from"), "from"),
        (lambda t: t.update(extra=1), "extra"),
        (lambda t: t["conditions"].update(answer="never"), "answer"),
        (lambda t: t["jurisdictions"].append(t["jurisdictions"][0]), "twice"),
        (lambda t: t["jurisdictions"].append({"code": "Boone", "name": "x"}), "US-MO-019"),
    ],
)
def test_a_rollout_that_is_wrong(change, words):
    tree = json.loads(next(iter(shipped().values())).read_text())
    change(tree)
    with pytest.raises(BadRegisterFile, match=words):
        read_rollout(json.dumps(tree).encode(), "r.json")
