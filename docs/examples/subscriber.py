# ruff: noqa: INP001 - an example to be copied, not a package
"""A small subscriber: takes notifications off its topics, keeps how things stand, and gives a receipt for each.

    python subscriber.py keys --folder keys
    python subscriber.py listen --name field-office --folder keys --store cases.db --host centre.county.example

The folder holds sealing.key and signing.key (ours, secret), centre-keys.json (from `matcher-service subscribers keys`)
and, for TLS, ca.pem, tls.pem, tls.key. Needs the packages `whorl` (for `interchange`) and `paho-mqtt`.
See docs/notification.md.
"""

from __future__ import annotations

import argparse
import hmac
import json
import logging
import sqlite3
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interchange.envelope import seal, unseal
from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import InterchangeError
from interchange.messages import decode_message, encode_message
from interchange.notices import Correction, Hit, Receipt, RetractionNotice
from interchange.topics import Notice, notify_topic, parse_notify

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("subscriber")

OLDEST_POST_S = 300
_MODELS: dict[Notice, type[Hit | RetractionNotice | Correction]] = {
    Notice.HIT: Hit,
    Notice.RETRACTION: RetractionNotice,
    Notice.CORRECTION: Correction,
}


class BadPostError(Exception):
    """A post to the webhook that is not the centre's, or too old."""


class Inbox:
    """What we were told, in a file. `take` is all there is: give it what came, send back what it returns."""

    def __init__(self, *, name: str, folder: Path, store: Path) -> None:
        self.name = name
        self._sealing = PrivateKey.read((folder / "sealing.key").read_bytes())
        self._signing = PrivateKey.read((folder / "signing.key").read_bytes())
        centre = json.loads((folder / "centre-keys.json").read_text(encoding="ascii"))
        self._centre_signs = [PublicKey.read(pem.encode()) for pem in centre["signing"]]
        self._centre_opens = PublicKey.read(centre["sealing"][0].encode())
        self._store = sqlite3.connect(store, check_same_thread=False)
        self._store.executescript(
            "PRAGMA synchronous = FULL;"
            "CREATE TABLE IF NOT EXISTS said (number TEXT PRIMARY KEY, kind TEXT, hit TEXT, made_at TEXT, json TEXT);"
        )

    def take(self, topic: str, payload: bytes) -> bytes:
        """Open a message, keep it, and return the receipt for `receipt_topic`. Raises InterchangeError.

        The same number may come twice: it is kept once, and its receipt is given each time.
        """
        parsed = parse_notify(topic)
        opened = unseal(payload, receiver=[self._sealing], signers=self._centre_signs, context=topic).payload
        told = decode_message(_MODELS[parsed.kind], opened)
        hit = told.number if isinstance(told, Hit) else told.answers
        with self._store:  # written before the receipt is given
            self._store.execute(
                "INSERT OR IGNORE INTO said VALUES (?, ?, ?, ?, ?)",
                (told.number, told.kind, hit, told.made_at.isoformat(), opened.decode()),
            )
        receipt = Receipt(
            number=told.number, content_sha256=sha256(opened).hexdigest(), received_at=datetime.now(UTC)
        )
        return seal(
            encode_message(receipt),
            signer=self._signing,
            receiver=self._centre_opens,
            context=self.receipt_topic,
        )

    @property
    def receipt_topic(self) -> str:
        """Where receipts go."""
        return notify_topic(self.name, Notice.RECEIPT)

    def standing(self, number: str) -> str:
        """How a hit stands: "unknown", "standing", "frozen" or "retracted".

        A retraction ends it for good, in whichever order the messages came; of corrections the newest counts.
        """
        said = self._store.execute(
            "SELECT kind, json FROM said WHERE hit = ? ORDER BY made_at, rowid", (number,)
        ).fetchall()
        kinds = [kind for kind, _ in said]
        if "retraction" in kinds:
            return "retracted"
        if "hit" not in kinds:
            return "unknown"
        corrections = [json.loads(text)["state"] for kind, text in said if kind == "correction"]
        return "frozen" if corrections and corrections[-1] == "frozen" else "standing"

    def hits(self) -> list[str]:
        """Numbers of all hits that we know of."""
        return [row[0] for row in self._store.execute("SELECT DISTINCT hit FROM said ORDER BY hit")]


def check_post(secret: str, headers: Mapping[str, str], body: bytes, *, now_s: float | None = None) -> str:
    """Whether a post to our webhook is the centre's: its topic, for `Inbox.take`. Raises BadPostError.

    `headers` by their names in lower case.
    """
    number, stamp = headers.get("whorl-id", ""), headers.get("whorl-timestamp", "")
    expected = hmac.new(secret.encode(), f"{stamp}.{number}.".encode() + body, sha256).hexdigest()
    if not hmac.compare_digest(f"v1={expected}", headers.get("whorl-signature", "")):
        raise BadPostError("its signature is wrong")
    age_s = (time.time() if now_s is None else now_s) - int(stamp)
    if abs(age_s) > OLDEST_POST_S:
        raise BadPostError("it is too old, or a clock is wrong")
    return headers.get("whorl-topic", "")


def make_keys(folder: Path) -> None:
    """Our two pairs; the .pem files go to the centre."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("sealing", "signing"):
        key = PrivateKey.generate()
        secret = folder / f"{name}.key"
        secret.touch(mode=0o600, exist_ok=False)
        secret.write_bytes(key.pem)
        (folder / f"{name}.pem").write_bytes(key.public.pem)


def connect(inbox: Inbox, *, host: str, port: int, tls: Path | None) -> Any:  # noqa: ANN401 - paho's client
    """A client that hands all it gets to the inbox. The broker keeps what comes while we are away."""
    from paho.mqtt import client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions

    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=inbox.name, protocol=mqtt.MQTTv5, manual_ack=True
    )
    if tls is not None:
        client.tls_set(str(tls / "ca.pem"), str(tls / "tls.pem"), str(tls / "tls.key"))

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe([(notify_topic(inbox.name, kind), SubscribeOptions(qos=1)) for kind in _MODELS])

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        try:
            receipt = inbox.take(message.topic, bytes(message.payload))
        except InterchangeError as error:
            log.error("not accepted: %s", error)  # noqa: TRY400 - a message of somebody else's, not a fault here
        else:
            client.publish(inbox.receipt_topic, receipt, qos=1)
        client.ack(message.mid, message.qos)

    client.on_connect, client.on_message = on_connect, on_message
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 14 * 24 * 3600
    client.connect(host, port, clean_start=False, properties=properties)
    return client


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("keys", "listen", "list"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--store", type=Path, default=Path("cases.db"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--plain", action="store_true", help="without TLS: a broker on this machine only")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    if given.what == "keys":
        make_keys(given.folder)
        return
    inbox = Inbox(name=given.name, folder=given.folder, store=given.store)
    if given.what == "list":
        for number in inbox.hits():
            print(number, inbox.standing(number))  # noqa: T201 - a command line
        return
    tls = None if given.plain else given.folder
    connect(inbox, host=given.host, port=given.port, tls=tls).loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main()
