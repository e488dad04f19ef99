"""The tests of the store on PostgreSQL: `--postgres` runs the very same tests, with the same words, over it.

A test names its database `sqlite:///FILE`, as one that knows nothing of this. With `--postgres` FILE then only says
which database of a server of ours is meant; whoever copies the file has a copy of that database.
"""

import hashlib
import os
from pathlib import Path

import pytest

MARK = b"a test's database on PostgreSQL: "
# Whole files whose tests stand on the store; `make test-postgres` runs these.
STORE = frozenset(
    f"test_{name}.py"
    for name in (
        "abis",
        "accounts",
        "api",
        "audit_chain",
        "cases",
        "console_cases",
        "console_notices",
        "console_pages",
        "console_routes",
        "ebts_submissions",
        "gallery_live",
        "identity",
        "interface_documents",
        "matcher_intake",
        "matcher_searching",
        "matcher_tools",
        "notify",
        "notify_commands",
        "osia",
        "oversight",
        "postgres",
        "relay",
        "repositories",
        "retention",
        "review",
        "routing",
        "routing_commands",
        "routing_files",
        "sealing",
        "searching_by_rule",
        "second_replies",
    )
)


def pytest_addoption(parser):
    parser.addoption(
        "--postgres",
        action="store_true",
        help="run the tests of the store, and no others, on a PostgreSQL server of their own",
    )


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--postgres"):
        return
    left = [
        item for item in items if item.path.name not in STORE or item.get_closest_marker("sqlite") is not None
    ]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def postgres_server():
    """A server for all tests of this process; without one they are skipped, or fail where it was asked for."""
    from hardware.bench.postgres import PostgresMissing, PostgresServer

    try:
        server = PostgresServer()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _store_on_postgres(request):
    """With `--postgres`: a database named by a file is one on the server."""
    if not request.config.getoption("--postgres"):
        yield None
        return
    from hardware.bench.postgres import PostgresServer

    with PostgresServer() as server, pytest.MonkeyPatch.context() as patch:
        stand = Stand(server)
        patch.setattr(stand.database, "__init__", stand.opener())
        yield stand


@pytest.fixture(autouse=True)
def _no_databases_left(request, _store_on_postgres):
    """What a test made in its own folder goes when it ends: a database has eight megabytes."""
    if _store_on_postgres is None or "tmp_path" not in request.fixturenames:
        yield
        return
    folder = request.getfixturevalue("tmp_path")
    yield
    _store_on_postgres.forget(folder)


class Stand:
    """Which database stands for which file."""

    def __init__(self, server):
        from matcher_service.repositories import Database

        self.server = server
        self.database = Database
        self._open = Database.__init__
        self._files = {}
        server.create("template_of_whorl")
        Database(server.url("template_of_whorl")).close()

    def opener(self):
        from matcher_service.retention.vault import VaultDoor

        def opened(database, url, *, key_file=None):
            if url.startswith("sqlite:///") and self._stands_for(
                file := Path(url.removeprefix("sqlite:///"))
            ):
                url = self._at(file)
            self._open(database, url, key_file=key_file)
            if url in self._files:
                database.file = self._files[url]  # keys are kept beside it
                database.door = VaultDoor(key_file=key_file, beside=database.file)

        return opened

    def forget(self, folder):
        for url, file in list(self._files.items()):
            if file.is_relative_to(folder):
                del self._files[url]
                self.server.drop(url.split("@/")[1].split("?")[0])

    @staticmethod
    def _stands_for(file):
        return file.parent.is_dir() and (not file.exists() or file.read_bytes().startswith(MARK))

    def _at(self, file):
        file = Path(os.path.abspath(file))  # noqa: PTH100 - a name, whatever it points to
        name = hashlib.sha256(str(file).encode()).hexdigest()[:32]
        url = self.server.url(name)
        if url not in self._files:
            source = file.read_bytes().removeprefix(MARK).decode() if file.exists() else "template_of_whorl"
            self.server.run(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'"
            )
            self.server.create(name, template=source)
            file.write_bytes(MARK + name.encode())
            file.chmod(0o600)
            self._files[url] = file
        return url
