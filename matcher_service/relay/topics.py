"""The state's side of the bridge: what is said to the centre above, under a name that no kiosk's topic has.

The bridge maps ``relay/v1/NAME/up/#`` here to ``fp/v1/NAME/up/#`` there, and ``down/#`` back. So what goes up does not
look to this centre like something that a kiosk sent it. Seals are made for the name above.
"""

from __future__ import annotations

from typing import Final

from interchange.topics import PREFIX, Down

RELAY_PREFIX: Final = "relay/v1"


def is_relay(topic: str) -> bool:
    """Whether a topic is on the bridge's side."""
    return topic.startswith(f"{RELAY_PREFIX}/")


def to_bridge(topic: str) -> str:
    """Here, of a topic of the centre above."""
    return RELAY_PREFIX + topic.removeprefix(PREFIX)


def from_bridge(topic: str) -> str:
    """Above, of a topic of the bridge here."""
    return PREFIX + topic.removeprefix(RELAY_PREFIX)


def bridge_state(name: str) -> str:
    """Where this broker says whether its bridge is up: "1" or "0", retained."""
    return f"{RELAY_PREFIX}/{name}/bridge"


def subscriptions(name: str) -> list[str]:
    """What a state listens to on its own broker."""
    return [*(f"{RELAY_PREFIX}/{name}/down/{kind}" for kind in Down), bridge_state(name)]
