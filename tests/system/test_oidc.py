"""Signing in by OpenID Connect, against a small provider that is a real HTTP server, honest or not.

One long file on purpose: one provider, and each way in which it may be dishonest.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from interchange.settings import SettingsError, load_settings
from matcher_service.accounts import Grant, Role
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.oidc import Departure, OidcDoor
from matcher_service.accounts.passwords import Hasher
from matcher_service.accounts.sessions import Sessions
from matcher_service.accounts.settings import AccountsSettings, OidcSettings
from matcher_service.accounts.signing_in import Refusal
from matcher_service.auditing.reading import Filter, oldest_first
from matcher_service.repositories import Database
from matcher_service.settings import MatcherSettings

pytestmark = pytest.mark.system

BACK = "http://127.0.0.1:9/sign-in/back"


class Provider:
    """Signs in whoever comes as `subject`. `lie` changes the claims, `key` and `algorithm` how they are signed."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.keys = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.reset()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self):
        del self.keys[1:]
        self.key, self.algorithm, self.subject = self.keys[0], "RS256", "subject-1"
        self.lie, self.codes, self.discovery, self.asked = {}, {}, {}, []
        self.token_status, self.raw_token, self.public = 200, None, None

    def browser_goes(self, url):
        """What the browser does: it is signed in and sent back with a code."""
        answer = httpx.get(url, follow_redirects=False)
        assert answer.status_code == 302, answer.text
        return {
            name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()
        }

    def metadata(self):
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
        } | self.discovery  # fmt: skip

    def authorize(self, query):
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = base64.urlsafe_b64encode(hashlib.sha256(query["state"].encode()).digest()).decode()
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def token(self, form):
        query = self.codes.pop(form.get("code", ""), None)  # once
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(
            b"="
        )
        if (
            query is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != query["redirect_uri"]
            or form.get("client_secret") != "the-clients-secret"
            or not hmac.compare_digest(challenge.decode(), query["code_challenge"])
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": self.subject, "aud": "whorl", "iat": now, "exp": now + 300,
            "nonce": query["nonce"],
        } | self.lie  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.token_status, {"id_token": self.raw_token or self.sign(claims), "token_type": "Bearer"}

    def sign(self, claims):
        if self.algorithm == "none":
            parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "one"}, claims)]
            return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    def _handler(outer):  # noqa: N805 - the handler below has the self
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                outer.asked.append(parts.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/.well-known/openid-configuration":
                    self.answer(200, outer.metadata())
                elif parts.path == "/keys":
                    self.answer(
                        200, outer.public or {"keys": [key.as_dict(private=False) for key in outer.keys]}
                    )
                elif parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("location", outer.authorize(query))
                    self.end_headers()

            def do_POST(self):
                outer.asked.append(self.path)
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.answer(*outer.token(form))

            def answer(self, status, tree):
                data = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler


@pytest.fixture(scope="module")
def running():
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def provider(running):
    running.reset()
    return running


class Hall:
    def __init__(self, folder, provider, **settings):
        (folder / "secret").write_text("the-clients-secret\n")
        self.database = Database(f"sqlite:///{folder}/matcher.db")
        self.settings = OidcSettings(
            issuer=provider.issuer,
            client_id="whorl",
            client_secret_file=folder / "secret",
            redirect_uri=BACK,
            **settings,
        )
        self.ahead = timedelta()
        sessions = Sessions(self.database, settings=AccountsSettings(), now=self.clock)
        self.sessions = sessions
        self.door = OidcDoor(self.database, settings=self.settings, sessions=sessions, now=self.clock)
        self.directory = Directory(self.database, hasher=Hasher(time_cost=1, memory_kib=64, lanes=1))
        self.directory.add("jdoe", by="system:test", grants=[Grant(Role.AUDITOR)], password=False)
        self.directory.link_oidc("jdoe", issuer=provider.issuer, subject="subject-1", by="system:test")
        self.provider = provider

    def clock(self):
        return datetime.now(UTC) + self.ahead

    def come(self, **more):
        gone = self.door.begin()
        assert isinstance(gone, Departure)
        back = self.provider.browser_goes(gone.url)
        return self.door.finish(**({**back, "browser": gone.browser} | more))

    def reasons(self):
        with self.database.read() as session:
            return [
                entry.facts["reason"] for entry in oldest_first(session, Filter(action="session.refused"))
            ]


@pytest.fixture
def hall(tmp_path, provider):
    made = Hall(tmp_path, provider)
    yield made
    made.database.close()


def test_somebody_whom_an_administrator_linked_is_let_in(hall):
    session = hall.come()
    assert session.account.name == "jdoe"
    assert session.account.roles == {Role.AUDITOR}
    assert session.duties == frozenset()
    assert hall.sessions.find(session.token).account.name == "jdoe"
    assert hall.provider.asked == ["/.well-known/openid-configuration", "/authorize", "/token", "/keys"]


def test_the_verifier_never_passes_through_the_browser(hall):
    gone = hall.door.begin()
    query = parse_qs(urlsplit(gone.url).query)
    assert set(query) == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
    }  # fmt: skip
    assert gone.browser not in gone.url


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"nonce": "another"}, "wrong nonce"),
        ({"nonce": None}, "wrong nonce"),
        ({"aud": "another-client"}, "wrong audience"),
        ({"aud": None}, "wrong audience"),
        ({"aud": ["another-client"]}, "wrong audience"),
        ({"aud": ["whorl", "another-client"]}, "wrong authorized party"),
        ({"azp": "another-client"}, "wrong authorized party"),
        ({"iss": "https://elsewhere.example"}, "wrong issuer"),
        ({"iss": None}, "wrong issuer"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"exp": None}, "no exp"),
        ({"exp": "tomorrow"}, "no exp"),
        ({"exp": True}, "no exp"),
        ({"iat": int(time.time()) + 3600}, "issued in the future"),
        ({"nbf": int(time.time()) + 3600}, "not valid yet"),
        ({"sub": None}, "no subject"),
        ({"sub": ""}, "no subject"),
        ({"sub": 5}, "no subject"),
        ({"sub": "somebody-else"}, "no account"),
    ],
)
def test_a_token_that_lies(hall, lie, reason):
    hall.provider.lie = lie
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == [reason]


def test_several_audiences_with_us_as_the_party(hall):
    hall.provider.lie = {"aud": ["another-client", "whorl"], "azp": "whorl"}
    assert hall.come().account.name == "jdoe"


def test_no_signature_is_none(hall):
    hall.provider.algorithm = "none"
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == ["algorithm not allowed"]


def test_a_public_key_used_as_a_secret(hall):
    """The confusion of HS256 with RS256: signed with what everybody knows."""
    public = hall.provider.keys[0].as_pem(private=False)
    now = int(time.time())
    claims = {"iss": hall.provider.issuer, "sub": "subject-1", "aud": "whorl", "iat": now, "exp": now + 300}
    gone = hall.door.begin()
    claims["nonce"] = parse_qs(urlsplit(gone.url).query)["nonce"][0]
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "one"}, claims)]
    signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    tag = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    hall.provider.raw_token = f"{signed}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"
    back = hall.provider.browser_goes(gone.url)
    assert isinstance(hall.door.finish(**back, browser=gone.browser), Refusal)
    assert hall.reasons() == ["algorithm not allowed"]


def test_another_key_of_the_same_name(hall):
    hall.provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == ["wrong signature"]


def test_a_key_that_the_provider_does_not_have(hall):
    hall.provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == ["unknown key"]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # providers still call it so
@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: ECKey.generate_key("P-256", {"kid": "two", "use": "sig"}), "ES256"),
        (lambda: RSAKey.generate_key(2048, {"kid": "two", "use": "sig"}), "PS256"),
        (lambda: OKPKey.generate_key("Ed25519", {"kid": "two", "use": "sig"}), "EdDSA"),
    ],
)
def test_a_new_key_of_the_provider_is_fetched(hall, make, algorithm):
    assert hall.come().token
    hall.provider.keys.append(make())
    hall.provider.key, hall.provider.algorithm = hall.provider.keys[1], algorithm
    hall.ahead = timedelta(seconds=40)
    assert hall.come().token


def test_unknown_keys_do_not_make_us_hammer_the_provider(hall):
    hall.provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    for _ in range(4):
        hall.come()
    assert hall.provider.asked.count("/keys") == 1
    assert hall.provider.asked.count("/.well-known/openid-configuration") == 1


def test_a_code_or_state_works_once_and_in_its_own_browser(hall):
    gone = hall.door.begin()
    back = hall.provider.browser_goes(gone.url)
    assert isinstance(hall.door.finish(**back, browser="another"), Refusal)
    assert isinstance(hall.door.finish(**back, browser=gone.browser), Refusal)  # it is used up by that
    gone = hall.door.begin()
    back = hall.provider.browser_goes(gone.url)
    assert hall.door.finish(**back, browser=gone.browser).token
    assert isinstance(hall.door.finish(**back, browser=gone.browser), Refusal)
    assert isinstance(hall.come(state="made up"), Refusal)
    assert isinstance(hall.come(code="made up"), Refusal)
    assert isinstance(hall.come(iss="https://elsewhere.example"), Refusal)


def test_what_anybody_can_make_up_does_not_fill_the_audit(hall):
    for _ in range(5):
        hall.door.finish(code="x", state="y", browser="z")
    assert hall.reasons() == []


def test_the_way_back_takes_too_long(hall):
    gone = hall.door.begin()
    back = hall.provider.browser_goes(gone.url)
    hall.ahead = timedelta(minutes=11)
    assert isinstance(hall.door.finish(**back, browser=gone.browser), Refusal)


def test_somebody_whose_account_is_disabled(hall):
    hall.directory.add("admin", by="system:test", grants=[Grant(Role.ADMINISTRATOR)])
    session = hall.come()
    hall.directory.disable("jdoe", by="admin")
    assert hall.sessions.find(session.token) is None
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == ["disabled"]


def test_a_claim_gives_no_role_of_itself(hall):
    hall.provider.lie = {"roles": ["administrator"], "groups": ["administrator"]}
    assert hall.come().account.roles == {Role.AUDITOR}


def test_a_claim_that_the_settings_map_gives_its_role_for_the_session(tmp_path, provider):
    hall = Hall(
        tmp_path,
        provider,
        role_claim="groups",
        role_map={"whorl-examiners": Role.EXAMINER, "owners": Role.REPOSITORY_OWNER},
    )
    provider.lie = {"groups": ["whorl-examiners", "administrator", "owners", 5]}
    session = hall.come()
    assert session.account.roles == {Role.AUDITOR, Role.EXAMINER, Role.REPOSITORY_OWNER}
    assert session.account.repositories == frozenset()  # an owner of nothing
    assert hall.sessions.find(session.token).account.roles == session.account.roles
    assert hall.sessions.renew(session.token).account.roles == session.account.roles
    assert hall.directory.find("jdoe").account.roles == {Role.AUDITOR}
    provider.lie = {"groups": "nothing"}
    assert hall.come().account.roles == {Role.AUDITOR}
    hall.database.close()


def test_a_second_factor_that_the_settings_ask_for(tmp_path, provider):
    hall = Hall(tmp_path, provider, required_amr="mfa")
    assert isinstance(hall.come(), Refusal)
    provider.lie = {"amr": ["pwd", "mfa"]}
    assert hall.come().token
    assert hall.reasons() == ["second factor missing"]
    hall.database.close()


@pytest.mark.parametrize(
    "broken",
    [
        {"issuer": "https://elsewhere.example"},
        {"authorization_endpoint": "http://elsewhere.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": 5},
    ],
)
def test_a_discovery_that_leads_elsewhere(hall, broken):
    hall.provider.discovery = broken
    assert isinstance(hall.door.begin(), Refusal)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("nonsense", "no token"), ("a.b.c", "no token"), ("." * 40_000, "too long"), ("é.é.é", "no token")],
)
def test_what_is_no_token(hall, raw, reason):
    hall.provider.raw_token = raw
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == [reason]


@pytest.mark.parametrize(
    "public",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"keys": 5}',
        b'{"keys": [{"kty": "RSA", "kid": "one"}]}',
        b"[" * 100_000,
        b" " * 300_000,
    ],
)
def test_keys_that_are_none(hall, public):
    hall.provider.public = public
    assert isinstance(hall.come(), Refusal)
    assert len(hall.reasons()) == 1


def test_a_provider_that_fails(hall):
    hall.provider.token_status = 500
    assert isinstance(hall.come(), Refusal)
    assert hall.reasons() == ["provider answered 500"]


def test_a_provider_that_is_away(tmp_path, provider):
    hall = Hall(tmp_path, provider)
    hall.door = OidcDoor(
        hall.database,
        settings=hall.settings.model_copy(update={"issuer": "http://127.0.0.1:9"}),
        sessions=hall.sessions,
    )
    assert isinstance(hall.door.begin(), Refusal)
    hall.database.close()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("issuer = 'http://id.county.example'", "https://"),
        ("redirect_uri = 'http://centre.county.example'", "https://"),
        ("scopes = ['email']", "openid"),
        ("role_claim = 'groups'", "go together"),
        ("role_map = {x = 'king'}", "role_map"),
        ("isuer = 'x'", "did you mean"),
    ],
)
def test_settings_that_are_not_safe(tmp_path, changed, words):
    lines = {
        "issuer": "'https://id.county.example'",
        "client_id": "'whorl'",
        "redirect_uri": "'https://c.example/back'",
    }
    name, _, value = changed.partition(" = ")
    text = "\n".join(f"{key} = {one}" for key, one in (lines | {name: value}).items())
    file = tmp_path / "centre.toml"
    file.write_text(f"version = 1\n[accounts.oidc]\n{text}\n")
    with pytest.raises(SettingsError, match=words):
        load_settings(MatcherSettings, file)
