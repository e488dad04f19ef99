"""Tuned numbers of relaying, units in the names."""

from __future__ import annotations

from typing import Final

TICK_S: Final = 0.5
"""How often the relay looks for what is due; the rules' own off switch has to work within a second."""

MAX_IN_FLIGHT: Final = 20
"""As many as a broker lets one client have under way (deploy/mosquitto)."""

HELD_RETRY_S: Final = 300.0
"""The pause after the centre would not trust us, or gave us no right: a person has to do something there first."""

PATIENCE_WITHOUT_EVIDENCE_S: Final = 60.0
"""What came signed has its signature in the store before; what has none by then came unsealed, or before relaying."""

SCAN_DECISIONS: Final = 2000
"""How many decisions are looked through at once, in some milliseconds."""

SCAN_SLICES: Final = 10
"""How many such slices a turn, after a start: a million decisions are through in half a minute."""

SCAN_BACK: Final = 500
"""How far back the newest decisions are looked through again: with several matchers numbers do not appear in order."""

SECOND_PATIENCE: Final = 12.0
"""How many times longer than for a first response is waited before a promised second one is asked for."""

MAX_OWED: Final = 200
"""How many submissions with a promised second response are asked for, the oldest first."""

BRIDGE_DOWN_S: Final = 60.0
"""How long the broker's word that its bridge is down is believed; then it is tried all the same."""

PASS_ROWS: Final = 200
"""How many passed replies are told again at once."""

PUBLISH_AGAIN_S: Final = 30.0
"""The pause before a reply to a kiosk that nobody took is published again."""

WARN_CERTIFICATE_DAYS: Final = 60
"""From when the state is told that its certificate for the centre runs out: two months to ask for a code."""

QUEUE: Final = 1000
"""Messages from the centre that wait for the relay's thread; more are dropped, and asked for again."""
