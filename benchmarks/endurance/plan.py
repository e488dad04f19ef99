"""What goes wrong, and when: a list made from a seed, so that a campaign can be repeated and resumed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from random import Random
from typing import Any

from benchmarks.endurance import parameters as p


class Fault(StrEnum):
    """Kinds of faults."""

    EDGE_KILL = "edge_kill"
    MATCHER_KILL = "matcher_kill"
    BROKER_KILL = "broker_kill"
    OFFICER_KILL = "officer_kill"
    NET_RESET = "net_reset"
    NET_CUT = "net_cut"
    NET_SILENCE = "net_silence"
    NET_HALF_OPEN = "net_half_open"
    NET_DELAY = "net_delay"
    NET_GARBLE = "net_garble"
    DISK_FULL = "disk_full"
    CLOCK_JUMP = "clock_jump"


WORDS = {
    Fault.EDGE_KILL: "edge service killed",
    Fault.MATCHER_KILL: "matcher killed",
    Fault.BROKER_KILL: "broker killed",
    Fault.OFFICER_KILL: "officer's program killed",
    Fault.NET_RESET: "connections reset",
    Fault.NET_CUT: "network cut",
    Fault.NET_SILENCE: "network silent, then reset",
    Fault.NET_HALF_OPEN: "connections half open",
    Fault.NET_DELAY: "network slow",
    Fault.NET_GARBLE: "a byte changed on the way",
    Fault.DISK_FULL: "kiosk's disk full",
    Fault.CLOCK_JUMP: "kiosk's clock jumps by years",
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that goes wrong.

    Attributes:
        number: in the plan, from 0.
        kind: what.
        at: how many bookings are saved when it does.
        duration_s: after which it is undone.
        detail: whose network ("edge", "matcher"), how far the clock jumps, what else happens to the disk or the edge.
    """

    number: int
    kind: Fault
    at: int
    duration_s: float
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def plan_of(
    *, seed: int, submissions: int, without: frozenset[Fault] = frozenset(), haste: float = 1.0
) -> list[Incident]:
    """All incidents of a campaign, in their order. Durations are `haste` times as short."""
    random = Random(f"endurance {seed}")  # noqa: S311 - has to be repeatable
    drawn: list[tuple[int, Fault, float, str]] = []
    for kind in Fault:
        count = max(p.LEAST_OF_EACH, round(p.FAULTS_PER_10_000[kind] * submissions / 10_000))
        shortest, longest = p.DURATION_S[kind]
        for turn in range(count):
            share = _moment(random, kind)
            duration_s = random.uniform(shortest, longest) / haste
            drawn.append((max(1, int(share * submissions)), kind, duration_s, _detail(random, kind, turn)))
    drawn.sort(key=lambda incident: incident[:2])
    kept = [incident for incident in drawn if incident[1] not in without]
    return [
        Incident(number, kind, at, round(s, 3), detail) for number, (at, kind, s, detail) in enumerate(kept)
    ]


def _moment(random: Random, kind: Fault) -> float:
    """When, as a share of the campaign; never while the process is spared."""
    spared_from, spared_to = p.SPARED.get(kind, (0.0, 0.0))
    while True:
        share = random.uniform(0.0, p.LAST_FAULT_AT)
        if not spared_from <= share < spared_to:
            return share


def _detail(random: Random, kind: Fault, turn: int) -> str:
    if kind is Fault.CLOCK_JUMP:
        # Alone, with the connection lost while the clock is wrong, and with the service started by a wrong clock.
        return f"{random.choice(p.CLOCK_JUMPS)} {('reset', 'alone', 'kill')[turn % 3]}"
    if kind is Fault.DISK_FULL:
        # To the last byte, or with room for the first pages of what has to be written.
        left = (0, random.randrange(1, 12) * 4096)[turn % 2]
        return f"{left} {('alone', 'alone', 'kill')[turn % 3]}"
    if kind.startswith("net_"):
        return random.choice(("edge", "edge", "matcher"))
    return ""
