"""A centre with a console, for the console's tests: repositories, a register, submissions, and people of each role."""

import contextlib
import re
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message
from matcher_service import routing
from matcher_service.accounts import Grant, Role
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.sessions import OIDC, Sessions, csrf_of
from matcher_service.console.app import make_app
from matcher_service.console.server import make_server
from matcher_service.repositories import Database, Outcome, Repositories, SearchOutcome, Submissions
from matcher_service.repositories.account_tables import AccountRow
from matcher_service.routing import Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry
from matcher_service.routing.files import RegisterContent, read_register
from matcher_service.routing.register import Register
from matcher_service.routing.rollout import DATA
from matcher_service.settings import MatcherSettings

BOONE, COLE = "US-MO-019", "US-MO-051"
BOONE_ORI, COLE_ORI = "MO0100000", "MO0260000"
ADDRESS = "http://127.0.0.1"


class Centre:
    """See the module. `role` signs somebody in without passwords: sessions are made as the door makes them."""

    def __init__(self, folder, **settings):
        url = f"sqlite:///{folder}/centre.db"
        self.settings = MatcherSettings.model_validate({"database": {"url": url}, **settings})
        self.database = Database(url)
        for name in ("criminal", "immigration"):
            Repositories(self.database).create(name, owner=f"{name} bureau")
        self.register = Register(self.database)
        content = read_register((DATA / "missouri.csv").read_bytes(), "missouri.csv")
        self.register.bring(content, source="missouri.csv", by="system:test")
        agencies = (
            AgencyEntry(ori=BOONE_ORI, name="Boone County Jail", jurisdiction=BOONE),
            AgencyEntry(ori=COLE_ORI, name="Cole County Jail", jurisdiction=COLE),
        )
        self.register.bring(
            RegisterContent(jurisdictions=(), agencies=agencies, activations=()),
            source="test",
            by="system:test",
        )
        self.register.enter_agreed([activation(BOONE, "immigration")], by="one", approved_by="two")
        self.directory = Directory(self.database)
        self.sessions = Sessions(self.database, settings=self.settings.accounts)
        self.app = make_app(self.settings, database=self.database, patience_s=1.0)
        self._store = Submissions(self.database, instance="test")

    def submission(self, ori=BOONE_ORI, *, failed=False):
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
        self._store.file(made, encode_message(made), routing.Arrival(ori=ori))
        waiting = self._store.begin_next()
        while waiting.tcn != made.tcn:  # one that was sent again in another test
            self._store.finish(waiting, b"{}", [], Outcome.ANSWERED)
            waiting = self._store.begin_next()
        with self.database.write() as session:
            routing.decide(session, waiting.id, now=datetime.now(UTC))
        found = SearchOutcome(
            repository="immigration",
            searched_at=datetime.now(UTC),
            duration_ms=12.0,
            gallery_prints=100,
            colour="green",
        )
        reply = b'{"repositories": [{"name": "criminal", "colour": "green"}], "to_follow": ["immigration"]}'
        self._store.finish(waiting, reply, [found], Outcome.FAILED if failed else Outcome.ANSWERED)
        return made.tcn

    def account(self, name, *grants, ori=""):
        self.directory.add(name, by="system:test", grants=grants, ori=ori, password=False)
        return name

    def token(self, name):
        from sqlalchemy import select

        with self.database.write() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == name))
            return self.sessions.begin(session, row, method=OIDC).token

    def client(self, token="", *, source="testclient"):
        made = TestClient(
            self.app,
            base_url=ADDRESS,
            follow_redirects=False,
            raise_server_exceptions=False,
            client=(source, 50000),
        )
        if token:
            made.cookies.set("whorl-session", token)
        return made

    def as_role(self, role, *, repository=None, ori=BOONE_ORI):
        """A client that is signed in as somebody new with this role; `post` sends its token along."""
        if role is Role.REPOSITORY_OWNER and repository is None:
            repository = "immigration"
        name = self.account(
            f"{role.replace('_', '-')}-{secrets.token_hex(3)}", Grant(role, repository), ori=ori
        )
        return Person(self, name)

    def close(self):
        self.database.close()


class Person:
    """Somebody with a browser."""

    def __init__(self, centre, name):
        self.name = name
        self.token = centre.token(name)
        self.csrf = csrf_of(self.token)
        self.client = centre.client(self.token)

    def get(self, path):
        return self.client.get(path)

    def post(self, path, **form):
        return self.client.post(path, data={"csrf": self.csrf, **form})


def activation(jurisdiction, repository, **more):
    return ActivationEntry(
        jurisdiction=jurisdiction,
        repository=repository,
        from_at=datetime.now(UTC) - timedelta(seconds=0),
        conditions=Conditions(answer=routing.Answer.SECOND),
        signed_by="Sheriff",
        document_sha256="ab" * 32,
        reason=more.get("reason", "agreed"),
    )


@contextlib.contextmanager
def serving(made, *, scheme="http"):
    """The console of `made`, a Centre, over a real port; `made.url` says where."""
    server = make_server(made.settings, database=made.database)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not (server.started and server.servers) and time.monotonic() < deadline:
        time.sleep(0.02)
    made.url = f"{scheme}://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(20)
        made.close()


def message(person, answer):
    """What the next page says of it."""
    assert answer.status_code == 303, answer.text
    page = person.get(answer.headers["location"]).text
    return re.search(r'class="message [a-z]+" role="status">([^<]+)', page)[1]
