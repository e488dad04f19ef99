"""The store on PostgreSQL: a few of its promises, in every run where there is a server.

All tests of the store run on it with `make test-postgres`.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, update

from benchmarks.oversight_report import fill
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message
from matcher_service.auditing import note
from matcher_service.auditing.verifying import verify
from matcher_service.errors import StoreError
from matcher_service.oversight import gather
from matcher_service.repositories import Database, Filed, NewPrint, Outcome, Repositories, Submissions
from matcher_service.repositories.schema import Base, Repository, StoredSubmission

WRITERS = 4


@pytest.fixture(scope="module")
def url(postgres_server):
    """A database that several matchers found empty at the same moment, and brought up to date."""
    postgres_server.create("whorl")
    url = postgres_server.url("whorl")
    at_once(lambda _: Database(url).close())
    return url


@pytest.fixture
def database(url):
    opened = Database(url)
    yield opened
    opened.close()


def at_once(action):
    """What `action` gave to each of several threads that begin together."""
    gate = threading.Barrier(WRITERS)

    def run(number):
        gate.wait()
        return action(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


def test_the_migrations_make_what_the_tables_say(database):
    with database.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_audits_chain_holds_with_several_writers(database):
    def write(number):
        for _ in range(10):
            note(database, "case.read", actor=f"person-{number}", purpose="test")

    before = verify(database).entries
    at_once(write)
    found = verify(database)
    assert found.holds
    assert found.entries == before + 10 * WRITERS


def test_a_submission_is_filed_once_and_searched_once(url, database):
    made = [made_up_submission("kiosk-1", {2: made_up_minutiae(seed)}) for seed in range(12)]

    def file_all(number):
        own = Database(url)
        store = Submissions(own, instance=f"matcher-{number}")
        filed = [store.file(one, encode_message(one)) for one in made]
        own.close()
        return filed

    def search_all(number):
        own = Database(url)
        store = Submissions(own, instance=f"matcher-{number}")
        taken = []
        while (one := store.begin_next()) is not None:
            taken.append(one.tcn)
            with own.write() as session:
                session.get_one(StoredSubmission, one.id).outcome = Outcome.ANSWERED
        own.close()
        return taken

    filed = [answer for its in at_once(file_all) for answer in its]
    assert sorted(filed) == sorted([Filed.NEW] * len(made) + [Filed.KNOWN] * len(made) * (WRITERS - 1))
    with database.write() as session:  # whoever filed them has died
        session.execute(update(StoredSubmission).values(claimed_until=datetime(2026, 1, 1, tzinfo=UTC)))
    taken = [tcn for its in at_once(search_all) for tcn in its]
    assert sorted(taken) == sorted(one.tcn for one in made)


def test_who_reads_sees_one_state_and_changes_nothing(url, database):
    other = Database(url)
    with database.read() as session:
        before = session.scalar(select(func.count(Repository.id)))
        Repositories(other).create("meanwhile")
        assert session.scalar(select(func.count(Repository.id))) == before
    with database.read() as session:
        assert session.scalar(select(func.count(Repository.id))) == before + 1
        repository = session.scalar(select(Repository).where(Repository.name == "meanwhile"))
        repository.owner = "nobody"
        with pytest.raises(Exception, match="read-only"):
            session.flush()
    other.close()


def test_a_server_that_was_started_again_is_found_again(postgres_server, database):
    store = Repositories(database)
    store.create("kept")
    postgres_server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'whorl'")
    assert "kept" in store.names()
    done = store.enroll("kept", [NewPrint.of(2, made_up_minutiae(1))])
    assert [one.identity for one in store.prints("kept")] == [done.identity]


def test_no_server_is_said_without_the_password(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Database(f"postgresql://whorl:hunter2@/whorl?host={tmp_path}")
    assert "hunter2" not in str(caught.value)
    assert "file" not in str(caught.value).split("; ")[-1]


def test_the_report_counts_the_same_on_both(postgres_server, tmp_path):
    postgres_server.create("report")
    told = []
    for url in (postgres_server.url("report"), f"sqlite:///{tmp_path}/m.db"):
        database = Database(url)
        fill(database, 300)
        found = gather(database, first="2025-02", last="2025-11")
        told.append((
            found.cells, found.levels, found.not_searched, found.outcomes, found.causes,
            found.closed_tasks, found.examiners,
        ))  # fmt: skip
        database.close()
    assert told[0] == told[1]
    assert len(told[0][0]) > 300
