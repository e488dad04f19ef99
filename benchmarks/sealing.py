"""What sealing costs: one submission of four fingers, signed and sealed by the kiosk, opened and judged by the matcher.

python -m benchmarks.sealing --rounds 500
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from edge_service.clock import SystemClock
from edge_service.provisioning import IdentityFolder, SealedChannel
from edge_service.spool import Spool
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message
from interchange.provisioning import BrokerAddress, ProvisionRequest
from interchange.provisioning_code import ProvisioningCode
from interchange.topics import Up, up
from matcher_service.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.repositories import Database, Registry
from matcher_service.sealing import Seals

if TYPE_CHECKING:
    from collections.abc import Callable

DEVICE = "kiosk-1"


def main(arguments: list[str] | None = None) -> None:
    """Print one JSON line and a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=500)
    rounds = max(20, parser.parse_args(arguments).rounds)
    with tempfile.TemporaryDirectory(prefix="whorl-sealing-") as name:
        result = measure(Path(name), rounds)
    sys.stdout.write(json.dumps(result) + "\n")
    for key, value in result.items():
        sys.stdout.write(f"  {key:<22} {value}\n")


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Milliseconds, medians and 95th percentiles, and bytes."""
    create_centre(folder / "authority", addresses=["127.0.0.1"], matchers=["matcher-1"])
    database = Database(f"sqlite:///{folder}/m.db")
    authority, registry = Authority(folder / "authority"), Registry(database)
    keyring = CentreKeyring(folder / "authority")
    seals = Seals(registry=registry, keyring=keyring, authority=authority)
    registrar = Registrar(
        authority=authority,
        registry=registry,
        keyring=keyring,
        broker=BrokerAddress(host="127.0.0.1", port=1),
    )
    spool = Spool(folder / "spool.db", device=DEVICE)
    channel = _admitted(registrar, folder / "identity", SystemClock(store=spool))
    topic = up(DEVICE, Up.SUBMISSION)
    payload = encode_message(made_up_submission(DEVICE, {at: made_up_minutiae(at) for at in (2, 3, 7, 8)}))
    sealed = channel.wrap(topic, payload)
    assert seals.open(topic, DEVICE, sealed).payload == payload
    seal_ms = _times(lambda: channel.wrap(topic, payload), rounds)
    open_ms = _times(lambda: seals.open(topic, DEVICE, sealed), rounds)
    spool.close()
    database.close()
    return {
        "rounds": rounds,
        "payload_bytes": len(payload),
        "sealed_bytes": len(sealed),
        "seal_ms_median": _round(statistics.median(seal_ms)),
        "seal_ms_p95": _round(statistics.quantiles(seal_ms, n=20)[-1]),
        "open_ms_median": _round(statistics.median(open_ms)),
        "open_ms_p95": _round(statistics.quantiles(open_ms, n=20)[-1]),
    }


def _admitted(registrar: Registrar, folder: Path, clock: SystemClock) -> SealedChannel:
    code = ProvisioningCode.read(
        registrar.invite(DEVICE, "MO0100000", valid=timedelta(hours=1), by="benchmark")
    )
    identity = IdentityFolder(folder)
    pending = identity.prepare(code.secret_sha256)
    answer = registrar.provision(
        ProvisionRequest(
            secret=code.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
        ),
        address="127.0.0.1",
    )
    identity.install(
        name=answer.name,
        ori=answer.ori,
        broker=answer.broker,
        certificate=answer.certificate,
        ca=answer.ca,
        centre=[answer.centre],
    )
    return SealedChannel(identity, clock=clock)


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    spent: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return spent


def _round(value: float) -> float:
    return round(value, 3)


if __name__ == "__main__":
    main()
