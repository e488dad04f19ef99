"""OSIA's subscriptions, topics and tasks, posted to a real HTTP receiver that does what a test says.

One long file on purpose: one receiver, and each way in which it may answer.
"""

import asyncio
import base64
import functools
import hmac
import importlib.util
import json
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from hardware.bench.made_up import made_up_minutiae
from interchange import iso19794
from interchange.record import record_of
from matcher_service import notify
from matcher_service.api.app import make_app
from matcher_service.api.tokens import Tokens, add_token
from matcher_service.notify import parameters as posting
from matcher_service.notify.settings import NotifySettings
from matcher_service.notify.webhooks import Webhooks, signature
from matcher_service.osia import parameters
from matcher_service.osia.delivering import OsiaDelivery
from matcher_service.osia.desk import OsiaDesk
from matcher_service.osia.settings import OsiaClient, OsiaSettings, Scope
from matcher_service.osia.working import OsiaWork
from matcher_service.repositories.osia_tables import OsiaEncounter, OsiaMessage, OsiaTask
from matcher_service.repositories.schema import Encounter

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
REPOSITORY = notify_centre.REPOSITORY
PATIENCE_S = 30.0
LOOPBACK = ("127.0.0.0/8",)
EVERY = get_args(Scope)
WHERE = {"repository": REPOSITORY, "purpose": "a test"}
SETTINGS = OsiaSettings(
    clients=(
        OsiaClient(token="registry", scopes=EVERY, jurisdictions=("US-MO",), **WHERE),
        OsiaClient(token="neighbour", scopes=EVERY, **WHERE),
        OsiaClient(token="elsewhere", scopes=EVERY, repository="other", purpose="a test"),
        OsiaClient(token="reader", **WHERE),
    )
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(posting, "BACKOFF_FIRST_S", 0.1)
    monkeypatch.setattr(posting, "BACKOFF_LONGEST_S", 0.2)
    monkeypatch.setattr(parameters, "POLL_S", 0.05)
    monkeypatch.setattr(parameters, "COLLECT_S", 0.1)
    monkeypatch.setattr(parameters, "LEAST_COUNTDOWN_S", 0)
    monkeypatch.setattr(parameters, "HELD_AGAIN_S", 0.1)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return seen


class Receiver:
    """`how` is a status, or "hang"."""

    def __init__(self):
        self.how, self.posts, self.stopping = 204, [], threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.posts.append(SimpleNamespace(path=self.path, headers=headers, body=body))
                if receiver.how == "hang":
                    receiver.stopping.wait(PATIENCE_S)
                    return
                self.send_response(receiver.how)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, kind="Notification"):
        return [json.loads(one.body) for one in self.posts if one.headers.get("message-type") == kind]

    def events(self):
        return [json.loads(one["message"]) for one in self.told()]

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


class Finds:
    """A gallery that finds one identity."""

    def __init__(self, identity):
        self.identity, self.before = identity, lambda: None

    def search(self, repository, prints, *, limit):
        self.before()
        return [SimpleNamespace(key=self.identity, score=9.0)], 1

    def close(self):
        pass


class RealClock:
    @property
    def now(self):
        return datetime.now(UTC)


class Place:
    """A made-up centre with an OSIA client that knows its person as p-1."""

    def __init__(self, folder):
        self.centre = notify_centre.Centre(folder)
        self.centre.activate()
        self.centre.clock = RealClock()
        self.database = self.centre.database
        self.tokens = {one.token: add_token(folder / "tokens", one.token) for one in SETTINGS.clients}
        self.file = Tokens.read(folder / "tokens")
        self.galleries = Finds(self.centre.person)
        with self.database.write() as session:
            encounter = session.scalar(
                select(Encounter.id).where(Encounter.identity_id == self.centre.person)
            )
            session.add(
                OsiaEncounter(
                    client="registry", person_id="p-1", encounter_id="e-1", kind="REGISTRATION",
                    identity_id=self.centre.person, encounter=encounter,
                )
            )  # fmt: skip
        self.work = None
        self.open()

    def open(self, settings=SETTINGS):
        self.desk = OsiaDesk(
            self.database, settings, galleries=self.galleries, fpir=0.1, verify_fmr=1e-4,
            sealer=self.centre.sealer, networks=LOOPBACK,
        )  # fmt: skip
        self.app = make_app(database=self.database, tokens=self.file, osia=self.desk)

    def start(self, *, tokens=None, networks=LOOPBACK, timeout_s=3.0):
        self.delivery = OsiaDelivery(
            self.database,
            self.desk.clients,
            self.desk.outbox,
            webhooks=Webhooks(NotifySettings(webhook_timeout_s=timeout_s, webhook_networks=networks)),
            secret_of=(tokens or self.file).secret_of,
        )
        self.work = OsiaWork(self.desk, self.delivery)
        self.work.start()

    def stop(self):
        if self.work is not None:
            self.work.stop()
            self.work = None

    def ask(self, verb, path, *, who="registry", tree=None, text=None, **query):
        async def exchange():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                headers = {"Authorization": f"Bearer {self.tokens[who]}"}
                return await client.request(
                    verb, path, params=query, json=tree, content=text, headers=headers
                )

        return asyncio.run(exchange())

    def subscribe(self, receiver, topic, who="registry", policy="0,100"):
        """And confirm."""
        before = len(receiver.told("SubscriptionConfirmation"))
        made = self.ask(
            "POST", "/v1/subscriptions", who=who, topic=topic, address=receiver.url, policy=policy
        )
        assert made.status_code == 200, made.text
        wait_until(lambda: len(receiver.told("SubscriptionConfirmation")) > before)
        token = receiver.told("SubscriptionConfirmation")[-1]["token"]
        assert self.ask("GET", "/v1/subscriptions/confirm", who=who, token=token).status_code == 200
        return made.json()

    def states(self, model=OsiaMessage):
        with self.database.read() as session:
            return [one.state for one in session.scalars(select(model).order_by(model.id))]

    def status(self, task):
        return self.ask("GET", f"/v1/tasks/{task}/status").json()


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.stop()
    made.database.close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@functools.cache
def fingers(seed):
    record = iso19794.encode(record_of(made_up_minutiae(seed), position=2))
    return [
        {
            "biometricType": "FINGER",
            "biometricSubType": "RIGHT_INDEX",
            "template": base64.b64encode(record).decode(),
        }
    ]


def encounter(seed):
    return {"status": "ACTIVE", "encounterType": "REGISTRATION", "biometricData": fingers(seed)}


# -- subscriptions


def test_nothing_but_a_token_goes_out_before_it_came_back(place, receiver):
    place.start()
    where = {"topic": "encounters", "address": receiver.url, "policy": "3600,3"}
    made = place.ask("POST", "/v1/subscriptions", **where).json()
    assert (made["active"], made["policy"], made["protocol"]) == (False, "3600,3", "http")
    assert place.ask("POST", "/v1/subscriptions", **where).json()["uuid"] == made["uuid"]
    path = "/v1/persons/p-2/encounters"
    assert place.ask("POST", f"{path}/e-1", tree=encounter(11), transactionId="t-1").status_code == 201
    (asked,) = wait_until(lambda: receiver.told("SubscriptionConfirmation"))
    assert asked["topic"] == "encounters"
    confirm = "/v1/subscriptions/confirm"
    assert place.ask("GET", confirm, token="guessed").status_code == 400
    assert place.ask("GET", confirm, who="neighbour", token=asked["token"]).status_code == 400
    assert place.ask("GET", confirm, token=asked["token"]).status_code == 200
    assert place.ask("GET", confirm, token=asked["token"]).status_code == 400
    assert place.ask("POST", f"{path}/e-2", tree=encounter(12), transactionId="t-2").status_code == 201
    assert place.ask("DELETE", "/v1/persons/p-2", transactionId="t-3").status_code == 204
    wait_until(lambda: len(receiver.told()) == 3)
    assert sorted((one["event"], one["encounterId"]) for one in receiver.events()) == [
        ("encounter.deleted", "e-1"),
        ("encounter.deleted", "e-2"),
        ("encounter.inserted", "e-2"),
    ]
    # Signed with what only the holder of the token and the centre know; with OSIA's headers.
    post = next(one for one in receiver.posts if one.headers["message-type"] == "Notification")
    key = sha256(place.tokens["registry"].encode()).digest()
    secret = hmac.new(key, b"whorl webhook v1", sha256).digest()
    at, number = int(post.headers["whorl-timestamp"]), post.headers["message-id"]
    assert post.headers["whorl-signature"] == signature(secret, timestamp=at, number=number, body=post.body)
    assert post.headers["subscription-id"] == made["uuid"]
    assert place.ask("GET", "/v1/subscriptions").json() == [{**made, "active": True}]
    assert place.ask("GET", "/v1/subscriptions", who="neighbour").json() == []
    # What was taken is not kept.
    wait_until(lambda: set(place.states()) == {"received"})
    with place.database.read() as session:
        assert {one.body for one in session.scalars(select(OsiaMessage))} == {None}
    gone = f"/v1/subscriptions/{made['uuid']}"
    assert place.ask("DELETE", gone, who="neighbour").status_code == 404
    assert place.ask("DELETE", gone).status_code == 204
    assert place.ask("POST", f"{path}/e-3", tree=encounter(13), transactionId="t-4").status_code == 201
    assert place.ask("GET", "/v1/subscriptions").json() == []
    assert len(place.states()) == 4


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"address": "https://10.0.0.1/"}, 400),
        ({"address": "https://169.254.169.254/latest"}, 400),
        ({"address": "http://client.example/"}, 400),
        ({"address": "https://user:word@client.example/"}, 400),
        ({"protocol": "email"}, 400),
        ({"policy": "3600,-1"}, 400),
        ({"policy": "1e3,4"}, 400),
        ({"topic": "no such"}, 400),
        ({"topic": "identifications", "who": "neighbour"}, 403),
        ({"who": "reader"}, 403),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(place, query, status):
    whole = {"topic": "encounters", "address": "https://client.example/in", **query}
    answer = place.ask("POST", "/v1/subscriptions", **whole)
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert place.states() == []


def test_subscriptions_and_topics_are_bounded(place, monkeypatch):
    monkeypatch.setattr(parameters, "MAX_SUBSCRIPTIONS", 1)
    monkeypatch.setattr(parameters, "MAX_TOPICS", 1)
    where = {"topic": "encounters", "address": "https://client.example/1"}
    assert place.ask("POST", "/v1/subscriptions", **where).status_code == 200
    where["address"] = "https://client.example/2"
    assert place.ask("POST", "/v1/subscriptions", **where).status_code == 400
    assert place.ask("POST", "/v1/topics", name="one").status_code == 200
    assert place.ask("POST", "/v1/topics", name="two").status_code == 400
    assert place.ask("POST", "/v1/topics", name="a / b").status_code == 400


def test_a_topic_of_a_client_is_for_its_repository_and_the_products_own_are_nobodys(place, receiver):
    place.start()
    topic = place.ask("POST", "/v1/topics", name="duplicates").json()
    assert place.ask("POST", "/v1/topics", who="neighbour", name="duplicates").json() == topic
    names = [one["name"] for one in place.ask("GET", "/v1/topics").json()]
    assert names == ["encounters", "identifications", "duplicates"]
    assert topic not in place.ask("GET", "/v1/topics", who="elsewhere").json()
    place.subscribe(receiver, "duplicates", who="neighbour")
    path = f"/v1/topics/{topic['uuid']}/publish"
    assert place.ask("POST", path, text="see record 7", subject="look").status_code == 200
    (told,) = wait_until(receiver.told)
    assert (told["message"], told["subject"], told["topic"]) == ("see record 7", "look", "duplicates")
    for text in (b"", b"\xff", b"a" * 20_000):
        assert place.ask("POST", path, text=text).status_code == 400
    assert place.ask("POST", path, text="a", who="elsewhere").status_code == 404
    own = place.ask("GET", "/v1/topics").json()[1]["uuid"]
    assert place.ask("POST", f"/v1/topics/{own}/publish", text="a lie").status_code == 403
    assert place.ask("DELETE", f"/v1/topics/{own}").status_code == 403
    gone = f"/v1/topics/{topic['uuid']}"
    assert place.ask("DELETE", gone, who="neighbour").status_code == 404
    assert place.ask("DELETE", gone).status_code == 204
    assert place.ask("GET", "/v1/subscriptions", who="neighbour").json() == []


# -- identifications


def test_an_identification_is_told_once_a_person_confirmed_it_and_taken_back_also_after_the_end(
    place, receiver
):
    place.start()
    made = place.subscribe(receiver, "identifications")
    tcn, task = place.centre.searched()
    time.sleep(0.5)  # long enough for five looks
    assert receiver.told() == []
    place.centre.decide(task, "one")
    (told,) = wait_until(receiver.events)
    assert (told["event"], told["personId"]) == ("identification.made", "p-1")
    assert "no finding of status" in told["caution"]
    assert tcn not in str(receiver.posts)
    number = place.centre.rows()[0].identification_id
    challenge = place.centre.do(notify.open_challenge, number, by="one", grounds="not him")
    wait_until(lambda: len(receiver.told()) == 2)
    place.centre.do(notify.close_challenge, challenge, upheld=False, by="one", words="looked at again")
    wait_until(lambda: len(receiver.told()) == 3)
    assert place.ask("DELETE", f"/v1/subscriptions/{made['uuid']}").status_code == 204
    place.centre.retract(number)
    wait_until(lambda: len(receiver.told()) == 4)
    events = receiver.events()
    assert [one["event"].split(".")[1] for one in events] == ["made", "frozen", "stands", "retracted"]
    assert events[3]["cause"] == "wrong_hit"
    assert len({one["reference"] for one in events}) == 1
    _, second = place.centre.searched()
    place.centre.decide(second, "one")
    time.sleep(0.5)
    assert len(receiver.told()) == 4


def test_what_may_not_be_told_now_waits_and_who_lost_the_right_hears_nothing(place, receiver):
    place.start()
    place.subscribe(receiver, "identifications")
    place.stop()
    _, number = place.centre.confirmed()
    challenge = place.centre.do(notify.open_challenge, number, by="one", grounds="not him")
    away = OsiaClient(token="registry", scopes=EVERY, jurisdictions=("US-MO-037",), **WHERE)
    silent = away.model_copy(update={"jurisdictions": ("US-MO",), "scopes": ("abis.identify",)})
    for clients in (SETTINGS.clients, (away,), (silent,), ()):
        place.open(OsiaSettings(clients=clients))
        place.start()
        time.sleep(0.4)  # long enough for four looks
        place.stop()
        if clients is SETTINGS.clients:
            place.centre.do(
                notify.close_challenge, challenge, upheld=False, by="one", words="looked at again"
            )
    place.open()
    place.start(tokens=Tokens({}))  # the token is withdrawn
    wait_until(lambda: "queued" in place.states())
    time.sleep(0.4)
    place.stop()
    assert receiver.told() == []
    place.start()
    assert wait_until(receiver.events)[0]["event"] == "identification.made"


# -- delivery


@pytest.mark.parametrize("how", [500, 307, "hang"])
def test_what_is_not_taken_is_posted_again_until_the_policy_ends(place, receiver, how):
    place.start(timeout_s=1.0 if how == "hang" else 3.0)
    place.subscribe(receiver, "encounters", policy="0,2")
    other = Receiver()
    try:
        place.subscribe(other, "encounters")
        receiver.how = how
        path = "/v1/persons/p-2/encounters/e-1"
        assert place.ask("POST", path, tree=encounter(21), transactionId="t-1").status_code == 201
        wait_until(other.told)
        wait_until(lambda: "dead" in place.states())
        assert len(receiver.told()) == 3
        assert place.ask("POST", "/v1/topics", name="one").status_code == 200
    finally:
        other.close()


def test_an_address_that_became_private_is_not_posted_to(place, receiver):
    place.start(networks=())
    place.ask("POST", "/v1/subscriptions", topic="encounters", address=receiver.url)
    wait_until(lambda: place.delivery.counts["not_taken"] >= 2)
    assert receiver.posts == []


# -- tasks


def test_a_callback_gets_the_result_and_the_status_says_where_it_is(place, receiver):
    asked = {"filter": {}, "biometricData": fingers(1)}
    query = {"callback": receiver.url + "?desk=1", "transactionId": "t:1"}
    taken = place.ask("POST", "/v1/identify/ALL", tree=asked, **query)
    assert taken.status_code == 202
    task = taken.json()["taskId"]
    assert place.status(task) == "PENDING"
    assert place.ask("GET", f"/v1/tasks/{task}/status", who="neighbour").status_code == 404
    verified = place.ask("POST", "/v1/verify/ALL/p-1", tree=asked, **query).json()["taskId"]
    created = place.ask("POST", "/v1/persons", tree=encounter(31), **query).json()["taskId"]
    again = place.ask("POST", "/v1/persons", tree=encounter(31), **query).json()["taskId"]
    place.start()
    wait_until(lambda: {place.status(one) for one in (task, verified, created, again)} == {"COMPLETED"})
    results = {parse_qs(urlsplit(one.path).query)["taskId"][0]: one for one in receiver.posts}
    assert json.loads(results[task].body) == [{"personId": "p-1", "rank": 1, "score": 9.0}]
    assert parse_qs(urlsplit(results[task].path).query) == {
        "desk": ["1"], "transactionId": ["t:1"], "taskId": [task]
    }  # fmt: skip
    assert json.loads(results[verified].body)["decision"] is True
    made = json.loads(results[created].body)
    path = f"/v1/persons/{made['personId']}/encounters/{made['encounterId']}"
    assert place.ask("GET", path, transactionId="t-2").status_code == 200
    assert json.loads(results[again].body)["code"] == 409
    kinds = [results[one].headers["content-type"] for one in (created, again)]
    assert kinds == ["application/json", "application/error+json"]
    assert place.ask("POST", f"/v1/tasks/{task}/redeliver").status_code == 409
    with place.database.read() as session:
        assert {one.asked for one in session.scalars(select(OsiaTask))} == {None}


def test_tasks_survive_the_end_of_the_process_and_results_can_be_had_again(place, receiver, monkeypatch):
    receiver.how = 500
    query = {"callback": receiver.url, "transactionId": "t-1"}
    asked = {"biometricData": fingers(1)}

    def end():
        raise SystemExit

    place.galleries.before = end  # as if the process ended in the middle of it
    task = place.ask("POST", "/v1/identify/ALL", tree=asked, **query).json()["taskId"]
    with pytest.raises(SystemExit):
        place.desk.tasks.run_next(place.desk.perform)
    assert not place.desk.tasks.run_next(place.desk.perform)  # it is taken
    place.galleries.before = lambda: None
    monkeypatch.setattr(posting, "WEBHOOK_GIVE_UP_HOURS", 0)
    monkeypatch.setattr(posting, "LEAST_ATTEMPTS", 2)
    place.start()
    wait_until(lambda: place.status(task) == "RESPONSE_ERROR")
    assert len(receiver.posts) >= 2
    assert place.ask("POST", f"/v1/tasks/{task}/redeliver", who="neighbour").status_code == 404
    place.stop()
    assert place.ask("POST", f"/v1/tasks/{task}/redeliver").status_code == 204
    assert place.status(task) == "RESPONSE_RETRY"
    receiver.how = 204
    place.open()
    place.start()
    wait_until(lambda: place.status(task) == "COMPLETED")
    assert json.loads(receiver.posts[-1].body)[0]["personId"] == "p-1"


def test_tasks_are_bounded_and_what_is_wrong_is_said_at_once(place, monkeypatch):
    monkeypatch.setattr(parameters, "MAX_TASKS", 1)
    query = {"callback": "https://client.example/in", "transactionId": "t-1"}
    asked = {"biometricData": fingers(1)}
    assert place.ask("POST", "/v1/verify/ALL/nobody", tree=asked, **query).status_code == 404
    assert place.ask("POST", "/v1/identify/elsewhere", tree=asked, **query).status_code == 403
    assert place.ask("POST", "/v1/identify/ALL", tree={}, **query).status_code == 400
    assert place.ask("POST", "/v1/identify/ALL", tree=asked, who="reader", **query).status_code == 403
    bad = query | {"callback": "https://10.0.0.1/"}
    assert place.ask("POST", "/v1/identify/ALL", tree=asked, **bad).status_code == 400
    assert place.ask("GET", "/v1/galleries", **query).status_code == 400
    taken = "/v1/persons/p-1/encounters/e-1"
    assert place.ask("POST", taken, tree=encounter(1), **query).status_code == 409
    assert place.ask("POST", "/v1/identify/ALL", tree=asked, **query).status_code == 202
    assert place.ask("POST", "/v1/identify/ALL", tree=asked, **query).status_code == 429


def test_what_is_over_is_thrown_away(place, receiver, monkeypatch):
    place.start()
    place.subscribe(receiver, "encounters")
    place.ask("POST", "/v1/subscriptions", topic="encounters", address="https://client.example/in")
    wait_until(lambda: "received" in place.states())
    place.stop()
    monkeypatch.setattr(parameters, "KEEP_DAYS", 0)
    monkeypatch.setattr(parameters, "CONFIRM_WITHIN_HOURS", 0)
    assert place.delivery.purge() >= 2
    assert [one["active"] for one in place.ask("GET", "/v1/subscriptions").json()] == [True]
