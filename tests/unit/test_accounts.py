"""Accounts: passwords, authenticators, signing in, sessions, and what two people decide. On a real database.

One long file on purpose: one directory of made-up people, from the first password to the last session.
"""

import shutil
import threading
from datetime import UTC, datetime, timedelta

import pytest
import segno
from pyotp.totp import TOTP
from sqlalchemy import select, text

from matcher_service.accounts import (
    AccountError,
    Action,
    BadPassword,
    Grant,
    KeyFileError,
    NotPermitted,
    Role,
    TwoPersonError,
    parameters,
    permitted,
)
from matcher_service.accounts.authenticators import Authenticators
from matcher_service.accounts.delays import delay_after
from matcher_service.accounts.directory import AccountState, Directory
from matcher_service.accounts.key_file import Sealer, sealer_of
from matcher_service.accounts.passwords import Hasher, check_new, first_password
from matcher_service.accounts.sessions import Sessions, csrf_of, right_csrf
from matcher_service.accounts.settings import AccountsSettings
from matcher_service.accounts.signing_in import Refusal, SignIn, Why
from matcher_service.accounts.totp import new_secret, recovery_digest, step_of
from matcher_service.accounts.two_person import (
    RequestState,
    approve,
    propose,
    refuse,
    requests,
    use,
    withdraw,
)
from matcher_service.auditing.reading import Filter, oldest_first
from matcher_service.auditing.verifying import verify
from matcher_service.errors import UnknownRepository
from matcher_service.repositories import Database, Repositories
from matcher_service.repositories.account_tables import AccountRow, LoginSession

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = "seven mules in a lake"
NEW = "four candles and a kettle"
ORI = "MO0100000"


class Hall:
    """A centre with a clock, a directory and a door; hashing is cheap here, and its own test has the real cost."""

    def __init__(self, folder, empty, **settings):
        self.now = NOON
        shutil.copy(empty, folder / "matcher.db")
        self.database = Database(f"sqlite:///{folder}/matcher.db")
        self.settings = AccountsSettings(**settings)
        self.hasher = Hasher(time_cost=1, memory_kib=64, lanes=1)
        self.sealer = sealer_of(self.settings, self.database)
        self.directory = Directory(self.database, hasher=self.hasher, now=self.clock)
        self.authenticators = Authenticators(self.database, sealer=self.sealer, now=self.clock)
        self.door = SignIn(
            self.database, settings=self.settings, sealer=self.sealer, hasher=self.hasher, now=self.clock
        )
        self.sessions = Sessions(self.database, settings=self.settings, now=self.clock)
        self.secrets = {}

    def clock(self):
        return self.now

    def person(self, name, *grants, ori=ORI):
        """Somebody with a password and an authenticator."""
        first = self.directory.add(name, by="system:test", grants=grants, ori=ori)
        account = self.directory.find(name).account
        self.directory.change_password(account, old=first, new=GOOD)
        self.secrets[name] = self.authenticators.begin(account).secret
        self.recovery = self.authenticators.confirm(account, self.code(name))
        self.later(30)
        return account

    def code(self, name):
        return TOTP(self.secrets[name]).at(self.now)

    def later(self, seconds):
        self.now += timedelta(seconds=seconds)

    def come(self, name, password=GOOD, code=None, source="10.0.0.1", **more):
        if code is None:
            code = self.code(name) if name in self.secrets else "000000"
        return self.door.sign_in(name, password, code, source, **more)

    def audited(self, action=""):
        with self.database.read() as session:
            return list(oldest_first(session, Filter(action=action)))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A database with two repositories and nobody in it: migrations are run once."""
    file = tmp_path_factory.mktemp("empty") / "matcher.db"
    database = Database(f"sqlite:///{file}")
    Repositories(database).create("criminal")
    Repositories(database).create("immigration")
    database.close()
    return file


@pytest.fixture
def hall(tmp_path, empty):
    made = Hall(tmp_path, empty)
    yield made
    assert verify(made.database).holds
    made.database.close()


@pytest.fixture
def jdoe(hall):
    return hall.person("jdoe", Grant(Role.CASE_OFFICER), Grant(Role.EXAMINER, "criminal"))


# -- passwords


@pytest.mark.parametrize(
    "password",
    [
        GOOD, NEW, "correct donkey battery nail", "ein längerer Satz mit Umlaut", "p" * 4 + "qrstuv-19-zz",
        "  spaces are fine  ", "鍵盤與指紋都不重要只要夠長就好了", "x7#kQ!vb2_Lm",
    ],
)  # fmt: skip
def test_passwords_that_are_taken(password):
    check_new(password, about=["jdoe", "Jane Doe", "Jane", "Doe"])


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "at least 12"),
        ("short-one19", "at least 12"),
        ("x" * 129, "more than 128"),
        ("aaaaaaaaaaaaaaaa", "same few"),
        ("abababababababab", "same few"),
        ("password1234567", "common"),
        ("P@ssw0rd!!!2026", "common"),
        ("passwordpassword", "common"),
        ("fingerprint2026", "common"),
        ("Whorl-Whorl-2026", "common"),
        ("qwertyuiop123", "common"),
        ("abcdefghijklmnop", "row"),
        ("qwertyuiopasdfgh", "row"),
        ("987654321098765", "common|row"),
        ("jdoe20260301!", "common word, or your name"),
        ("Hildegard-2026", "common word, or your name"),
        ("2026-03-01-12-00", "common|same"),
    ],
)
def test_passwords_that_are_not(password, words):
    with pytest.raises(BadPassword, match=words):
        check_new(password, about=["jdoe", "Hildegard Doe", "Hildegard"])


def test_the_real_hash_is_argon2id_with_the_named_parameters():
    hasher = Hasher()
    stored = hasher.hash(GOOD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hasher.matches(stored, GOOD)
    assert not hasher.matches(stored, GOOD + " ")
    assert not hasher.outdated(stored)
    assert hasher.outdated(Hasher(time_cost=1, memory_kib=64, lanes=1).hash(GOOD))


def test_two_keyboards_give_the_same_password():
    hasher = Hasher(time_cost=1, memory_kib=64, lanes=1)
    assert hasher.matches(hasher.hash("ein la\u0308ngerer Satz"), "ein l\u00e4ngerer Satz")


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=1$x"])
def test_a_hash_that_is_nobodys(stored):
    assert not Hasher(time_cost=1, memory_kib=64, lanes=1).matches(stored, GOOD)


def test_a_password_of_a_megabyte_is_no_work():
    hasher = Hasher(time_cost=1, memory_kib=64, lanes=1)
    assert not hasher.matches(hasher.hash(GOOD), "x" * 1_000_000)


def test_first_passwords_differ_and_are_long():
    assert len({first_password() for _ in range(100)}) == 100
    check_new(first_password())


# -- the key file and authenticators


def test_the_key_file(tmp_path):
    file = tmp_path / "keys" / "accounts.key"
    sealer = Sealer.of(file)
    assert file.stat().st_mode & 0o077 == 0
    sealed = sealer.seal(b"secret", account="a")
    assert b"secret" not in sealed
    assert Sealer.of(file).open(sealed, account="a") == b"secret"
    with pytest.raises(KeyFileError, match="not the key"):
        Sealer.of(file).open(sealed, account="b")
    with pytest.raises(KeyFileError, match="not the key"):
        Sealer.of(tmp_path / "other.key").open(sealed, account="a")
    with pytest.raises(KeyFileError, match="not the key"):
        sealer.open(b"", account="a")
    assert sealer.alias("10.0.0.1") == Sealer.of(file).alias("10.0.0.1") != sealer.alias("10.0.0.2")
    file.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Sealer.of(file)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="damaged"):
        Sealer.of(file)


def test_codes_of_now_one_early_and_one_late_each_once():
    secret = new_secret()
    step = int(NOON.timestamp()) // 30
    for drift, right in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = TOTP(secret).at(int(NOON.timestamp()) + 30 * drift)
        assert (step_of(secret, code, now=NOON, after=-1) == step + drift) is right
        assert step_of(secret, code, now=NOON, after=step + drift) is None
    for wrong in ("", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "abcdef", "0" * 100, "\ud800"):
        assert step_of(secret, wrong, now=NOON, after=-1) is None


def test_the_vectors_of_rfc_6238():
    """Appendix B, SHA-1, cut to six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        assert step_of(secret, code, now=datetime.fromtimestamp(seconds, UTC), after=-1) == seconds // 30


def test_an_enrolment_can_be_scanned(hall):
    hall.directory.add("jdoe", by="system:test")
    begun = hall.authenticators.begin(hall.directory.find("jdoe").account)
    assert begun.uri == f"otpauth://totp/Whorl:jdoe?secret={begun.secret}&issuer=Whorl"
    assert begun.as_svg().startswith("<svg")
    assert len(begun.for_terminal().splitlines()) > 10
    assert segno.make(begun.uri, error="m").designator  # what is drawn holds it all
    assert not hall.directory.find("jdoe").has_totp  # not before a code of it was seen


def test_an_authenticator_is_enrolled_once_and_reset_by_an_administrator(hall, jdoe):
    with pytest.raises(AccountError, match="already"):
        hall.authenticators.begin(jdoe)
    session = hall.come("jdoe")
    hall.authenticators.reset("jdoe", by="admin")
    assert hall.sessions.find(session.token) is None
    hall.later(30)
    assert hall.come("jdoe", code="").duties == {"totp"}
    begun = hall.authenticators.begin(jdoe)
    with pytest.raises(AccountError, match="code is wrong"):
        hall.authenticators.confirm(
            jdoe, "000000" if TOTP(begun.secret).at(hall.now) != "000000" else "111111"
        )
    hall.authenticators.confirm(jdoe, TOTP(begun.secret).at(hall.now))
    assert len(hall.audited("account.reset-totp")) == 1


def test_nothing_secret_is_in_the_database(hall, jdoe, tmp_path):
    session = hall.come("jdoe")
    hall.come("jdoe", password="my other secret here", source="192.0.2.77")
    hall.come("hunter2-is-my-password", source="192.0.2.77")
    hall.database.close()
    data = b"".join(file.read_bytes() for file in tmp_path.glob("matcher.db*"))
    for secret in (
        hall.secrets["jdoe"], GOOD, session.token, session.csrf, hall.recovery[0], "hunter2", "192.0.2.77", "10.0.0.1",
    ):  # fmt: skip
        assert secret.encode() not in data


# -- the directory


@pytest.mark.parametrize("name", ["", "J Doe", "Jdoe", "a" * 41, "-x", "device:x", "x\n", "' OR 1=1", "é"])
def test_what_is_no_name(hall, name):
    with pytest.raises(AccountError, match="is no name"):
        hall.directory.add(name, by="system:test")


def test_what_cannot_be_an_account(hall):
    def add(*grants, **more):
        hall.directory.add("jdoe", by="system:test", grants=grants, **more)

    with pytest.raises(AccountError, match="no ORI"):
        add(ori="MO1")
    with pytest.raises(AccountError, match="owns something"):
        add(Grant(Role.REPOSITORY_OWNER))
    with pytest.raises(AccountError, match="name its ORI"):
        add(Grant(Role.OFFICER))
    with pytest.raises(UnknownRepository):
        add(Grant(Role.EXAMINER, "nowhere"))
    assert hall.directory.all() == []
    add(Grant(Role.OFFICER), ori=ORI)
    with pytest.raises(AccountError, match="is taken"):
        add()
    with pytest.raises(AccountError, match="did you mean 'jdoe'"):
        hall.directory.find("jdo")


def test_there_is_always_an_administrator(hall):
    hall.directory.add("one", by="system:test", grants=[Grant(Role.ADMINISTRATOR)])
    with pytest.raises(AccountError, match="last administrator"):
        hall.directory.disable("one", by="one")
    with pytest.raises(AccountError, match="last administrator"):
        hall.directory.set_grants("one", [Grant(Role.AUDITOR)], by="one")
    # One whose role is for a repository alone is none for all.
    hall.directory.add("two", by="one", grants=[Grant(Role.ADMINISTRATOR, "criminal")])
    with pytest.raises(AccountError, match="last administrator"):
        hall.directory.disable("one", by="one")
    hall.directory.set_grants("two", [Grant(Role.ADMINISTRATOR)], by="one")
    hall.directory.disable("one", by="two")
    assert hall.directory.find("one").state is AccountState.DISABLED


def test_every_change_is_audited(hall, jdoe):
    hall.directory.set_grants("jdoe", [Grant(Role.AUDITOR)], by="admin")
    hall.directory.set_ori("jdoe", "", by="admin")
    hall.directory.reset_password("jdoe", by="admin")
    hall.directory.unlock("jdoe", by="admin")
    hall.directory.disable("jdoe", by="admin")
    hall.directory.enable("jdoe", by="admin")
    hall.directory.link_oidc("jdoe", issuer="https://id.example", subject="s-1", by="admin")
    entries = [one for one in hall.audited("account.") if one.actor == "admin"]
    assert [one.action for one in entries] == [
        "account.roles", "account.ori", "account.reset-password", "account.unlock", "account.disable", "account.enable",
        "account.link",
    ]  # fmt: skip
    assert entries[0].facts == {"before": "case_officer examiner:criminal", "roles": "auditor"}
    assert all(one.subject == "jdoe" for one in entries)


def test_a_failed_change_changes_nothing(hall, jdoe):
    before = len(hall.audited())
    with pytest.raises(UnknownRepository):
        hall.directory.set_grants("jdoe", [Grant(Role.EXAMINER, "nowhere")], by="admin")
    assert hall.directory.find("jdoe").account.roles == {Role.CASE_OFFICER, Role.EXAMINER}
    assert len(hall.audited()) == before


def test_changing_a_password(hall, jdoe):
    with pytest.raises(BadPassword):
        hall.directory.change_password(jdoe, old=GOOD, new="short")
    with pytest.raises(AccountError, match="old password is wrong"):
        hall.directory.change_password(jdoe, old=NEW, new=NEW)
    with pytest.raises(AccountError, match="is the old one"):
        hall.directory.change_password(jdoe, old=GOOD, new=GOOD)
    hall.directory.change_password(jdoe, old=GOOD, new=NEW)
    assert isinstance(hall.come("jdoe"), Refusal)
    hall.later(30)
    assert hall.come("jdoe", password=NEW).account.name == "jdoe"


# -- signing in


def test_signing_in(hall, jdoe):
    session = hall.come("jdoe")
    assert session.account.name == "jdoe"
    assert session.duties == frozenset()
    assert permitted(session.account, Action.CASE_READ, ori=ORI)
    assert hall.sessions.find(session.token).account == session.account
    (entry,) = hall.audited("session.begin")
    assert (entry.actor, entry.role) == ("jdoe", "case_officer,examiner")


def test_a_new_account_may_do_nothing_until_it_has_its_own_password_and_an_authenticator(hall):
    first = hall.directory.add("jdoe", by="system:test", grants=[Grant(Role.CASE_OFFICER)], ori=ORI)
    session = hall.come("jdoe", password=first, code="")
    assert session.duties == {"password", "totp"}
    assert session.account.grants == ()
    assert not permitted(session.account, Action.CASE_READ, ori=ORI)
    hall.directory.change_password(session.account, old=first, new=GOOD)
    assert hall.sessions.find(session.token).duties == {"totp"}
    secret = hall.authenticators.begin(session.account).secret
    hall.authenticators.confirm(session.account, TOTP(secret).at(hall.now))
    renewed = hall.sessions.renew(session.token)
    assert renewed.duties == frozenset()
    assert permitted(renewed.account, Action.CASE_READ, ori=ORI)
    assert hall.sessions.find(session.token) is None  # the old token is void
    assert renewed.token != session.token


def test_a_first_password_runs_out(hall):
    first = hall.directory.add("jdoe", by="system:test")
    hall.later(72 * 3600 + 1)
    assert hall.come("jdoe", password=first, code="").why is Why.WRONG


def test_what_is_wrong_is_never_said(hall, jdoe):
    hall.directory.add("gone", by="system:test")
    hall.directory.disable("gone", by="system:test")
    answers = [
        hall.come("jdoe", password="wrong password here", source="a"),
        hall.come("jdoe", code="000000" if hall.code("jdoe") != "000000" else "111111", source="b"),
        hall.come("jdoe", code="", source="c"),
        hall.come("nobody", source="d"),
        hall.come("gone", source="e"),
        hall.come("", source="f"),
        hall.come("x' OR '1'='1", source="g"),
        hall.come("\x00\ud800" * 100, source="h"),
    ]
    assert {(one.why, one.words) for one in answers} == {(Why.WRONG, answers[0].words)}


def test_a_name_that_there_is_not_costs_a_hash_too(hall, jdoe, monkeypatch):
    """The time is that of the hash: it is made for everybody, once."""
    asked = []
    inner = hall.hasher._hasher.verify
    monkeypatch.setattr(
        hall.hasher, "_hasher", type("Counted", (), {
            "verify": lambda self, stored, plain: asked.append(stored) or inner(stored, plain),
            "hash": hall.hasher._hasher.hash, "check_needs_rehash": hall.hasher._hasher.check_needs_rehash,
        })(),
    )  # fmt: skip
    hall.directory.add("gone", by="system:test")
    hall.directory.disable("gone", by="system:test")
    for name in ("jdoe", "nobody", "gone"):
        asked.clear()
        hall.come(name, password="wrong password here", source=name)
        assert len(asked) == 1, name


def test_what_was_typed_as_a_name_is_not_kept(hall):
    hall.come("my-secret-password")
    assert "my-secret" not in str(hall.audited())


def test_a_code_works_once(hall, jdoe):
    code = hall.code("jdoe")
    assert hall.come("jdoe", code=code).token
    assert hall.come("jdoe", code=code).why is Why.WRONG
    hall.later(30)
    assert hall.come("jdoe").token


def test_a_code_works_once_also_for_two_at_the_same_moment(hall, jdoe):
    code, answers = hall.code("jdoe"), []
    threads = [
        threading.Thread(target=lambda: answers.append(hall.come("jdoe", code=code))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(not isinstance(one, Refusal) for one in answers) == 1


def test_a_recovery_code_works_once(hall, jdoe):
    code = hall.recovery[3]
    assert hall.come("jdoe", code=code.lower().replace("-", " ")).token
    assert hall.come("jdoe", code=code).why is Why.WRONG
    assert hall.come("jdoe", code=hall.recovery[0]).token
    assert [one.facts["left"] for one in hall.audited("account.recovery-code")] == [7, 6]
    assert recovery_digest("ABCD") == recovery_digest("ab-cd ")


def test_a_recovery_code_is_not_used_up_by_a_wrong_password(hall, jdoe):
    hall.come("jdoe", password="wrong password here", code=hall.recovery[0])
    assert hall.come("jdoe", code=hall.recovery[0]).token


def test_wrong_tries_wait_longer_and_longer():
    seconds = [delay_after(n, free=3).total_seconds() for n in range(1, 15)]
    assert seconds[:5] == [0, 0, 5, 10, 20]
    assert seconds == sorted(seconds)
    assert seconds[-1] == 900 == delay_after(10_000, free=3).total_seconds()


@pytest.mark.parametrize("name", ["jdoe", "nobody"])
def test_brute_force_waits_whether_the_name_is_known_or_not(hall, jdoe, name):
    waits = []
    for at in range(8):
        answer = hall.come(name, password=f"wrong password {at}", source=f"10.0.1.{at}")
        waits.append(answer.wait_s)
    assert [bool(one) for one in waits] == [False] * 3 + [True] * 5
    assert waits[3] == 5
    # The right password does not help meanwhile, and nothing is learnt from it.
    assert hall.come(name, source="10.0.2.1").why is Why.WAIT
    hall.later(6)
    assert hall.come(name, password="wrong again here", source="10.0.2.2").why is Why.WRONG
    assert hall.come(name, source="10.0.2.3").wait_s == 10
    hall.later(11)
    if name == "jdoe":
        assert hall.come(name, source="10.0.2.4").token
        assert hall.directory.find("jdoe").failures == 0


def test_many_tries_at_once_gain_nothing(hall, jdoe):
    answers = []

    def attempt(at):
        answers.append(hall.come("jdoe", password=f"wrong password {at}", source=f"10.0.3.{at}"))

    threads = [threading.Thread(target=attempt, args=(at,)) for at in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(one.why is Why.WRONG for one in answers) == parameters.FREE_FAILURES


def test_one_address_that_tries_many_names_waits(hall, jdoe):
    answers = [hall.come(f"name-{at}", source="203.0.113.5") for at in range(12)]
    assert [one.why for one in answers] == [Why.WRONG] * 10 + [Why.WAIT] * 2
    assert hall.come("jdoe", source="203.0.113.5").why is Why.WAIT
    assert hall.come("jdoe", source="203.0.113.6").token
    hall.later(3601)
    assert hall.come("jdoe", source="203.0.113.5").token


def test_after_a_hundred_wrong_tries_an_administrator_has_to_unlock(hall, jdoe):
    for at in range(100):
        hall.come("jdoe", password=f"wrong password {at}", source=f"s{at}")
        hall.later(901)
    assert hall.directory.find("jdoe").failures == 100
    assert hall.come("jdoe", source="x").why is Why.WAIT
    hall.later(30 * 24 * 3600)
    assert hall.come("jdoe", source="y").why is Why.WAIT
    hall.directory.unlock("jdoe", by="admin")
    assert hall.come("jdoe", source="z").token


def test_a_clock_that_is_set_back_locks_nobody_out(hall, jdoe):
    for at in range(4):
        hall.come("jdoe", password=f"wrong password {at}", source=f"s{at}")
    hall.later(-365 * 24 * 3600)
    assert hall.come("jdoe", source="t").wait_s <= parameters.DELAY_MOST_S


def test_an_old_hash_is_made_anew_at_sign_in(hall, jdoe):
    stronger = SignIn(
        hall.database, settings=hall.settings, sealer=hall.sealer, now=hall.clock,
        hasher=Hasher(time_cost=2, memory_kib=128, lanes=1),
    )  # fmt: skip
    assert stronger.sign_in("jdoe", GOOD, hall.code("jdoe"), "s").token
    with hall.database.read() as session:
        assert "m=128,t=2" in session.scalar(select(AccountRow.password_hash))


# -- sessions


def test_idle_and_absolute_limits(hall, jdoe):
    session = hall.come("jdoe")
    for _ in range(3):
        hall.later(29 * 60)
        assert hall.sessions.find(session.token)
    hall.later(30 * 60)
    assert hall.sessions.find(session.token) is None
    session = hall.come("jdoe")
    for _ in range(23):
        hall.later(29 * 60)
        assert hall.sessions.find(session.token)
    for _ in range(2):
        hall.later(29 * 60)
    assert hall.sessions.find(session.token) is None  # twelve hours are over


def test_renewing_does_not_lengthen_a_session(hall, jdoe):
    session = hall.come("jdoe")
    for _ in range(24):
        hall.later(29 * 60)
        session = hall.sessions.renew(session.token)
    hall.later(29 * 60)
    assert hall.sessions.renew(session.token) is None
    assert hall.sessions.find(session.token) is None


def test_a_clock_that_is_set_back_ends_sessions(hall, jdoe):
    session = hall.come("jdoe")
    hall.later(-200)
    assert hall.sessions.find(session.token)
    hall.later(-3600)
    assert hall.sessions.find(session.token) is None


def test_signing_in_again_makes_a_new_token_and_ends_the_old_one(hall, jdoe):
    """Fixation: a token that was put into a browser before sign-in is worth nothing after it."""
    planted = "planted-by-somebody-else"
    session = hall.come("jdoe", old_token=planted)
    assert session.token != planted
    assert hall.sessions.find(planted) is None
    hall.later(30)
    again = hall.come("jdoe", old_token=session.token)
    assert again.token != session.token
    assert hall.sessions.find(session.token) is None


def test_only_the_hash_of_a_token_is_kept_and_it_opens_nothing(hall, jdoe):
    session = hall.come("jdoe")
    with hall.database.read() as reading:
        kept = reading.scalar(select(LoginSession.token_sha256))
    assert kept != session.token
    for wrong in (kept, kept[:12], "", "x" * 1000, "\ud800", session.token[:-1], session.token + "A"):
        assert hall.sessions.find(wrong) is None


def test_the_token_against_forged_forms_is_the_sessions_own(hall, jdoe):
    one = hall.come("jdoe")
    hall.later(30)
    other = hall.come("jdoe")
    assert right_csrf(one, one.csrf)
    for wrong in ("", other.csrf, one.token, one.csrf[:-1], "\ud800"):
        assert not right_csrf(one, wrong)
    assert hall.sessions.find(one.token).csrf == one.csrf == csrf_of(one.token)


def test_nothing_secret_is_shown_where_a_session_is_printed(hall, jdoe):
    session = hall.come("jdoe")
    assert session.token not in repr(session)
    assert session.csrf not in repr(session)


def test_signing_out_here_and_everywhere(hall, jdoe):
    tokens = []
    for _ in range(3):
        tokens.append(hall.come("jdoe").token)
        hall.later(30)
    assert hall.sessions.end(tokens[0])
    assert not hall.sessions.end(tokens[0])
    assert [bool(hall.sessions.find(token)) for token in tokens] == [False, True, True]
    assert [one.name for one in hall.sessions.open_ones()] == ["jdoe", "jdoe"]
    assert hall.sessions.end_all("jdoe", by="jdoe", keep=tokens[2]) == 1
    assert [bool(hall.sessions.find(token)) for token in tokens] == [False, False, True]
    assert hall.sessions.end_all("jdoe", by="admin") == 1
    assert hall.sessions.end_all("nobody", by="admin") == 0
    assert hall.sessions.open_ones() == []


def test_nobody_can_keep_a_session_that_is_not_theirs(hall, jdoe):
    hall.person("asmith", Grant(Role.EXAMINER))
    mine, other = hall.come("jdoe"), hall.come("asmith")
    assert hall.sessions.end_all("jdoe", by="jdoe", keep=other.token) == 1
    assert hall.sessions.find(mine.token) is None
    assert hall.sessions.find(other.token)


def test_a_role_that_is_taken_away_and_an_account_that_is_disabled_count_at_once(hall, jdoe):
    session = hall.come("jdoe")
    hall.directory.set_grants("jdoe", [Grant(Role.AUDITOR)], by="admin")
    assert hall.sessions.find(session.token).account.roles == {Role.AUDITOR}
    assert hall.directory.disable("jdoe", by="admin") == 1
    assert hall.sessions.find(session.token) is None
    hall.directory.enable("jdoe", by="admin")
    assert hall.sessions.find(session.token) is None  # it stays ended


def test_without_authenticators_by_the_settings(tmp_path, empty):
    hall = Hall(tmp_path, empty, require_totp=False)
    first = hall.directory.add("jdoe", by="system:test", grants=[Grant(Role.AUDITOR)])
    hall.directory.change_password(hall.directory.find("jdoe").account, old=first, new=GOOD)
    assert hall.come("jdoe", code="").duties == frozenset()
    hall.database.close()


# -- two people


@pytest.fixture
def owners(hall):
    return [hall.person(name, Grant(Role.REPOSITORY_OWNER, "criminal")) for name in ("one", "two")]


EXPORT = {"identity": ""}


def ask(hall, by, *, repository="criminal", details=EXPORT, action=Action.REPOSITORY_EXPORT):
    with hall.database.write() as session:
        return propose(
            session, action, by=by, details=details, reason="new disk", repository=repository, now=hall.now
        )


def done(hall, what, *words, **more):
    with hall.database.write() as session:
        return what(session, *words, **more, now=hall.now)


def spend(hall, number, **more):
    given = {"actor": "one", "details": EXPORT, "repository": "criminal"} | more
    return done(hall, use, number, Action.REPOSITORY_EXPORT, **given)


def test_one_asks_another_agrees_and_it_is_done_once(hall, owners):
    one, two = owners
    number = ask(hall, one)
    with pytest.raises(TwoPersonError, match="waits for a second person"):
        spend(hall, number)
    assert done(hall, approve, number, by=two).state is RequestState.APPROVED
    used = spend(hall, number)
    assert (used.requested_by, used.decided_by) == ("one", "two")
    with pytest.raises(TwoPersonError, match="is used"):
        spend(hall, number)
    assert [entry.action for entry in hall.audited("request.")] == [
        "request.propose", "request.approve", "request.use",
    ]  # fmt: skip


def test_nobody_agrees_to_what_they_asked_for(hall, owners):
    number = ask(hall, owners[0])
    for what, more in ((approve, {}), (refuse, {"words": "x"})):
        with pytest.raises(NotPermitted, match="Another person"):
            done(hall, what, number, by=owners[0], **more)


def test_only_who_has_the_right_asks_and_agrees(hall, owners):
    outsider = hall.person("outsider", Grant(Role.REPOSITORY_OWNER, "immigration"), Grant(Role.ADMINISTRATOR))
    with pytest.raises(NotPermitted):
        ask(hall, outsider)
    number = ask(hall, owners[0])
    with pytest.raises(NotPermitted):
        done(hall, approve, number, by=outsider)
    with pytest.raises(NotPermitted):
        ask(hall, owners[0], repository="")


def test_a_supervisor_asks_for_an_expungement_and_the_owner_agrees(hall, owners):
    supervisor = hall.person("boss", Grant(Role.SUPERVISOR))
    number = ask(hall, supervisor, action=Action.EXPUNGE_REQUEST, details={"identity": "0" * 32})
    with pytest.raises(NotPermitted):
        done(hall, approve, number, by=hall.person("boss2", Grant(Role.SUPERVISOR)))
    done(hall, approve, number, by=owners[0])
    done(
        hall,
        use,
        number,
        Action.EXPUNGE_REQUEST,
        actor="boss",
        details={"identity": "0" * 32},
        repository="criminal",
    )


@pytest.mark.parametrize(
    "other", [{"details": {"identity": "x"}}, {"details": {}}, {"repository": "immigration"}]
)
def test_what_is_done_is_what_was_agreed_to(hall, owners, other):
    number = ask(hall, owners[0])
    done(hall, approve, number, by=owners[1])
    with pytest.raises(TwoPersonError, match="something else"):
        spend(hall, number, **other)
    with pytest.raises(TwoPersonError, match="something else"):
        done(hall, use, number, Action.EXPUNGE_REQUEST, actor="one", details=EXPORT, repository="criminal")
    spend(hall, number)


def test_requests_and_approvals_run_out(hall, owners):
    number = ask(hall, owners[0])
    hall.later(72 * 3600)
    with pytest.raises(TwoPersonError, match="expired"):
        done(hall, approve, number, by=owners[1])
    number = ask(hall, owners[0])
    done(hall, approve, number, by=owners[1])
    hall.later(24 * 3600)
    with pytest.raises(TwoPersonError, match="expired"):
        spend(hall, number)
    with hall.database.read() as session:
        assert [one.state for one in requests(session, open_only=False, now=hall.now)] == [
            "expired",
            "expired",
        ]
        assert requests(session, now=hall.now) == []


def test_a_request_is_refused_or_withdrawn(hall, owners):
    one, two = owners
    number = ask(hall, one)
    assert done(hall, refuse, number, by=two, words="not this month").state is RequestState.REFUSED
    with pytest.raises(TwoPersonError, match="is refused already"):
        done(hall, approve, number, by=two)
    number = ask(hall, one)
    with pytest.raises(NotPermitted, match="Only who asked"):
        done(hall, withdraw, number, by=two)
    done(hall, approve, number, by=two)
    assert done(hall, withdraw, number, by=one).state is RequestState.WITHDRAWN
    with pytest.raises(TwoPersonError, match="is withdrawn"):
        spend(hall, number)
    with pytest.raises(TwoPersonError, match="there is none"):
        done(hall, approve, 999, by=two)


def test_an_approval_ends_with_the_account_of_either(hall, owners):
    number = ask(hall, owners[0])
    done(hall, approve, number, by=owners[1])
    hall.directory.disable("two", by="admin")
    with pytest.raises(TwoPersonError, match="disabled"):
        spend(hall, number)


def test_an_approval_by_the_same_person_in_the_database_counts_for_nothing(hall, owners):
    number = ask(hall, owners[0])
    with hall.database.connection() as connection:
        connection.execute(
            text("UPDATE two_person_request SET state = 'approved', decided_by = requested_by")
        )
    with pytest.raises(TwoPersonError, match="second person"):
        spend(hall, number)


def test_what_is_not_done_is_not_used_up(hall, owners):
    number = ask(hall, owners[0])
    done(hall, approve, number, by=owners[1])

    def fail_halfway():
        with hall.database.write() as session:
            use(
                session, number, Action.REPOSITORY_EXPORT, actor="one", details=EXPORT, repository="criminal",
                now=hall.now,
            )  # fmt: skip
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    spend(hall, number)


def test_a_reason_is_asked_for(hall, owners):
    with pytest.raises(TwoPersonError, match="say why"), hall.database.write() as session:
        propose(
            session, Action.REPOSITORY_EXPORT, by=owners[0], details=EXPORT, reason=" ", repository="criminal"
        )
    with pytest.raises(TwoPersonError, match="one person only"):
        ask(hall, owners[0], action=Action.ACTIVATION_SUSPEND)
