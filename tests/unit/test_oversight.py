"""The oversight report's parts: what is hidden stays hidden, who stands out does so rightly, the page is whole."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from benchmarks.oversight_report import fill
from matcher_service.oversight import Cell, Figures, Stage, gather, write_report
from matcher_service.oversight.coverage import state_of, states
from matcher_service.oversight.figures import Coverage, ExaminerFigures, LevelCell, months_between
from matcher_service.oversight.outliers import find_outliers
from matcher_service.oversight.pictures import bars, coverage_map, funnel_plot, lines_by_month
from matcher_service.oversight.suppression import suppress
from matcher_service.oversight.writing import render
from matcher_service.repositories import Database
from matcher_service.repositories.schema import Base

SHARES = {
    Stage.SEARCHED: 0.9,
    Stage.CANDIDATES: 0.2,
    Stage.IDENTIFIED: 0.15,
    Stage.NOTIFIED: 0.1,
    Stage.EVALUATED: 0.08,
    Stage.RETRACTED: 0.02,
}


def made_up(*, seed: int = 1) -> Figures:
    """Figures of forty jurisdictions over half a year; in one, far more is identified than anywhere else."""
    rng = np.random.default_rng(seed)
    figures = Figures("2026-01", "2026-06", datetime(2026, 7, 1, tzinfo=UTC))
    for number in range(40):
        code = f"US-MO-{2 * number + 1:03}"
        figures.names[code] = f"County {number}"
        for month in figures.months:
            came = int(rng.integers(5, 400))
            figures.cells[Cell(code, "", month, Stage.SUBMISSIONS)] = came
            for stage, share in SHARES.items():
                strange = number == 7 and stage is Stage.IDENTIFIED
                count = int(rng.binomial(came, 3 * share if strange else share))
                figures.cells[Cell(code, "immigration", month, stage)] = count
            for level in (0, 1, 2, 3):
                figures.levels[LevelCell(code, month, level)] = int(rng.integers(0, 6))
    figures.not_searched["immigration", "skip: no_activation"] = 4321
    figures.outcomes = Counter({"citizen": 31, "lawful_status": 64, "no_action": 118, "action_taken": 7})
    figures.causes = Counter({"dismissed": 21, "wrong_hit": 3})
    figures.closed_tasks = {"immigration": (900, 212)}
    figures.examiners = [ExaminerFigures("examiner-1", 300, 2), ExaminerFigures("examiner-2", 280, 11)]
    figures.coverage = [Coverage("MO", "immigration", 35, 115), Coverage("TX", "immigration", 254, 254)]
    return figures


def test_the_country_is_whole():
    assert len(states()) == 51
    assert sum(state.counties for state in states().values()) == 3143  # census of 2020
    assert len({(state.row, state.column) for state in states().values()}) == 51
    assert (state_of("US-MO-019"), state_of("US-MO"), state_of("FR-75"), state_of("")) == ("MO", "MO", "", "")


def test_months_go_over_the_year():
    assert list(months_between("2025-11", "2026-02")) == ["2025-11", "2025-12", "2026-01", "2026-02"]


@given(
    st.integers(1, 6).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(0, 40), min_size=columns, max_size=columns), min_size=1, max_size=8
        )
    )
)
def test_no_hidden_count_follows_from_its_line(counts):
    shown = suppress(counts, smallest=11)
    table = np.array(counts)
    assert not ((table > 0) & (table < 11) & ~shown.hidden).any(), "a small count is shown"
    for lines, hidden, total in (
        (table, shown.hidden, shown.row_total),
        (table.T, shown.hidden.T, shown.column_total),
    ):
        for number, (line, covers) in enumerate(zip(lines, hidden, strict=True)):
            if covers.any() and line.sum() >= 11:
                lone = covers.sum() == 1
                assert not lone or total(number) == "hidden", "the total gives the only hidden count away"


def test_an_auditors_table_hides_nothing():
    assert not suppress([[1, 2], [3, 0]], smallest=1).hidden.any()


def test_a_lone_zero_is_shown():
    shown = suppress([[0, 500], [0, 700]], smallest=11)
    assert shown.text(0, 0) == "0"


def test_who_is_like_the_others_does_not_stand_out():
    rng = np.random.default_rng(3)
    pointed = 0
    for _ in range(40):
        counts = {f"c{i}": (int(rng.binomial(300, 0.1)), 300) for i in range(60)}
        pointed += len(find_outliers(counts).outliers)
    assert pointed <= 12  # 2,400 tests; by chance alone nearly none


def test_who_is_not_stands_out():
    rng = np.random.default_rng(4)
    counts = {f"c{i}": (int(rng.binomial(400, 0.1)), 400) for i in range(60)}
    counts["strange"] = (120, 400)
    assert [one.jurisdiction for one in find_outliers(counts).outliers] == ["strange"]
    assert find_outliers(counts).outliers[0].z > 5


def test_a_spread_that_all_have_makes_nobody_an_outlier():
    rng = np.random.default_rng(5)
    rates = rng.beta(8, 72, size=80)
    counts = {f"c{i}": (int(rng.binomial(5000, rate)), 5000) for i, rate in enumerate(rates)}
    found = find_outliers(counts)
    assert found.spread > 0.02
    assert len(found.outliers) <= 4


@pytest.mark.parametrize("counts", [{}, {"a": (1, 1)}, {"a": (0, 50), "b": (0, 50), "c": (0, 50)}])
def test_too_little_says_nothing(counts):
    assert not find_outliers(counts).outliers


def test_pictures_are_svg_whatever_the_names():
    figures = made_up()
    by = figures.by("jurisdiction", "immigration")
    counts = {f"<{code}&": (c[Stage.IDENTIFIED], c[Stage.SEARCHED]) for code, c in by.items()}
    for picture in (
        coverage_map(figures.coverage, 'a "name" & <more>'),
        lines_by_month(figures.months, {"<a>": [1, 2, 3, 4, 5, 6], "b": [0] * 6}, title="<&>"),
        lines_by_month(["2026-01"], {"a": [0]}, title="one month"),
        bars([("<x>", 3, "3")], title="t"),
        bars([], title="none"),
        funnel_plot(counts, find_outliers(counts), title="t"),
        funnel_plot({}, find_outliers({}), title="t"),
    ):
        ET.fromstring(picture)


def test_the_auditors_report_says_it_all(tmp_path):
    figures = made_up()
    files = write_report(figures, tmp_path / "report", public=False)
    page = (tmp_path / "report" / "report.html").read_text()
    assert {path.name for path in files} == {
        "report.html", "by_month.csv", "by_jurisdiction.csv", "levels.csv", "coverage.csv", "policies.csv",
    }  # fmt: skip
    assert "examiner-2" in page
    assert "County 7 (US-MO-015)" in page
    assert "35/115" in page
    assert (tmp_path / "report" / "report.html").stat().st_mode & 0o077 == 0
    lines = (tmp_path / "report" / "by_jurisdiction.csv").read_text().splitlines()
    assert len(lines) == 41
    total = sum(int(line.split(",")[2]) for line in lines[1:])
    assert total == figures.total(Stage.SUBMISSIONS)


def test_the_public_report_hides_small_counts_and_examiners(tmp_path):
    figures = made_up()
    page = render(figures, public=True)
    assert "examiner-2" not in page
    assert "hidden" in page
    write_report(figures, tmp_path, public=True)
    for name in ("by_month.csv", "by_jurisdiction.csv", "levels.csv"):
        for line in (tmp_path / name).read_text().splitlines()[1:]:
            cells = line.split(",")[1:] if name == "levels.csv" else line.split(",")[2:]
            assert all(cell == "hidden" or int(cell) == 0 or int(cell) >= 11 for cell in cells)


def test_no_picture_shows_what_the_tables_hide():
    line = lines_by_month(["a", "b", "c", "d"], {"x": [20, None, 30, 40], "y": [None] * 4}, title="t")
    assert line.count("<circle") == 3
    assert line.count("<polyline") == 2  # broken, not drawn down to nothing
    assert ">y<" not in line  # nothing of it is shown
    figures = Figures("2026-01", "2026-01", datetime(2026, 2, 1, tzinfo=UTC))
    for number in range(30):
        for stage, count in (
            (Stage.SUBMISSIONS, 400),
            (Stage.SEARCHED, 400),
            (Stage.IDENTIFIED, 300 if number == 20 else 5 if number < 12 else 0),
        ):
            figures.cells[Cell(f"US-MO-{number:03}", "criminal", "2026-01", stage)] = count
    for public, drawn in ((False, 30), (True, 18)):
        page = render(figures, public=public)
        funnel = page[page.index("Do jurisdictions differ?") :]
        first = funnel[funnel.index("<svg") : funnel.index("</svg>")]
        assert first.count("<circle") + first.count("<polygon") == drawn
        assert ("12 of them are not drawn" in funnel) is public


def test_nothing_is_not_an_error(tmp_path):
    figures = Figures("2026-01", "2026-01", datetime(2026, 2, 1, tzinfo=UTC))
    assert "nothing to count" in render(figures, public=True)
    write_report(figures, tmp_path, public=True)


def test_a_name_that_is_a_formula_or_a_script_stays_a_name(tmp_path):
    figures = Figures("2026-01", "2026-01", datetime(2026, 2, 1, tzinfo=UTC))
    figures.cells[Cell("=cmd()", "<script>alert(1)</script>", "2026-01", Stage.SEARCHED)] = 20
    figures.cells[Cell("=cmd()", "", "2026-01", Stage.SUBMISSIONS)] = 20
    write_report(figures, tmp_path, public=False)
    assert "<script>" not in (tmp_path / "report.html").read_text()
    assert ",'=cmd()," in (tmp_path / "by_jurisdiction.csv").read_text()


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('oversight')}/m.db")
    fill(database, 2000)
    yield database
    database.close()


def test_what_the_database_holds_is_what_is_counted(centre):
    figures = gather(centre, first="2025-01", last="2025-12")
    assert figures.total(Stage.SUBMISSIONS) == 2000
    assert figures.total(Stage.SEARCHED, "criminal") == 2000
    not_searched = sum(key % 3 == 0 for key in range(1, 2001))
    assert figures.total(Stage.SEARCHED, "immigration") == 2000 - not_searched
    assert figures.not_searched["immigration", "skip: no_activation"] == not_searched
    assert figures.total(Stage.CANDIDATES, "criminal") == 200
    for stage in (Stage.IDENTIFIED, Stage.NOTIFIED):
        assert figures.total(stage, "criminal") == 100
    assert figures.total(Stage.EVALUATED, "criminal") == 20
    assert figures.total(Stage.RETRACTED, "criminal") == 10
    assert sum(figures.levels.values()) == figures.total(Stage.IDENTIFIED)
    assert figures.closed_tasks["criminal"] == (200, 100)
    assert [(one.seeded > 0, one.wrong) for one in figures.examiners] == [(True, 4)]
    assert {cell.month for cell in figures.cells} == set(figures.months)


def test_only_the_months_that_are_asked_for_count(centre):
    half = gather(centre, first="2025-01", last="2025-06")
    other = gather(centre, first="2025-07", last="2025-12")
    assert half.total(Stage.SUBMISSIONS) + other.total(Stage.SUBMISSIONS) == 2000
    assert max(cell.month for cell in half.cells) == "2025-06"


def test_only_the_newest_decision_counts(centre):
    decision = Base.metadata.tables["routing_decision"]
    before = gather(centre, first="2025-01", last="2025-12")
    with centre.write() as session:
        row = session.execute(
            select(decision).where(decision.c.submission_id == 3, decision.c.repository_id == 2)
        )
        values = dict(row.mappings().one())
        del values["id"]
        session.execute(insert(decision).values({**values, "verdict": "search", "reason_code": "allowed"}))
    after = gather(centre, first="2025-01", last="2025-12")
    assert after.total(Stage.SEARCHED) == before.total(Stage.SEARCHED) + 1
    assert sum(after.not_searched.values()) == sum(before.not_searched.values()) - 1


def test_what_is_retracted_is_in_the_very_next_report(centre):
    found, retraction = Base.metadata.tables["identification"], Base.metadata.tables["retraction"]
    before = gather(centre, first="2025-01", last="2025-12")
    with centre.write() as session:
        other = session.execute(select(retraction)).mappings().first()
        taken_back = select(retraction.c.identification_id)
        one = session.scalar(select(func.max(found.c.id)).where(found.c.id.not_in(taken_back)))
        values = {**other, "id": 900_001, "identification_id": one, "cause": "challenge"}
        session.execute(insert(retraction).values(values))
    after = gather(centre, first="2025-01", last="2025-12")
    assert after.total(Stage.RETRACTED) == before.total(Stage.RETRACTED) + 1
    assert after.total(Stage.IDENTIFIED) == before.total(Stage.IDENTIFIED)
    assert after.causes["challenge"] == before.causes["challenge"] + 1


def test_coverage_counts_what_is_in_force_now(centre):
    tables = Base.metadata.tables
    now = datetime(2026, 1, 1, tzinfo=UTC)
    base = {
        "conditions": "{}", "signed_by": "x", "document_sha256": "0" * 64, "entered_by": "a", "approved_by": "b",
        "entered_at": now, "reason": "test", "registry_version": 1, "from_at": now, "until_at": None,
    }  # fmt: skip
    later = {"state": "active", "from_at": datetime(2027, 1, 1, tzinfo=UTC)}
    entered = {
        1: [{"state": "active"}],
        2: [{"state": "active"}, {"state": "suspended"}],
        3: [{"state": "suspended"}, {"state": "active"}],
        4: [{"state": "active"}, later],  # what is to replace it has not begun: it is in force until then
        5: [later],
        6: [{"state": "active", "until_at": now}],
    }
    with centre.write() as session:
        for number, versions in entered.items():
            session.execute(
                insert(tables["activation"]).values(id=number, jurisdiction_id=number, repository_id=2)
            )
            for version, said in enumerate(versions, start=1):
                row = {**base, "activation_id": number, "version": version, **said}
                session.execute(insert(tables["activation_version"]).values(row))
        # The whole of Iowa shares, of its 99 counties all but the one that shut itself off.
        for number, code, parent, state in (
            (9001, "US-IA", None, "active"),
            (9002, "US-IA-001", 9001, "ended"),
        ):
            row = {"id": number, "code": code, "parent_id": parent, "name": code, "created_at": now}
            kind = "state" if parent is None else "county"
            session.execute(insert(tables["jurisdiction"]).values({**row, "kind": kind, "fips": code[-2:]}))
            session.execute(
                insert(tables["activation"]).values(id=number, jurisdiction_id=number, repository_id=2)
            )
            row = {**base, "activation_id": number, "version": 1, "state": state}
            session.execute(insert(tables["activation_version"]).values(row))
        session.execute(update(tables["routing_clock"]).values(version=tables["routing_clock"].c.version + 1))
    figures = gather(centre, first="2025-01", last="2025-12", now=now)
    assert [(one.state, one.repository, one.active) for one in figures.coverage] == [
        ("IA", "immigration", 98),
        ("MO", "immigration", 3),
    ]
    early = gather(centre, first="2025-01", last="2025-12", now=datetime(2025, 1, 1, tzinfo=UTC))
    assert early.coverage == []
