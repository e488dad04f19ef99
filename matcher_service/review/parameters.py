"""Tuned numbers of review."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# Until when a task is to be decided, by the priority of its submission (`routing.parameters.PRIORITIES`). RPIS (0):
# somebody stands at the desk and waits; half an hour by judgement. CAR (1): two hours, CNA (2): a day; the times in
# which the FBI undertook to answer criminal prints, and those for which nobody waits.
DUE_WITHIN: Final = {0: timedelta(minutes=30), 1: timedelta(hours=2), 2: timedelta(hours=24)}
DUE_WITHIN_ELSE: Final = timedelta(hours=24)

# How long a claim lasts that nobody renews: longer than the comparison of ten fingers with a handful of candidates
# takes, by judgement; an examiner who went home blocks a task no longer than that.
CLAIM_LASTS: Final = timedelta(minutes=45)
# A claim that was made later than now was made by a clock that was wrong, or before ours was put right.
CLOCK_TOLERANCE: Final = timedelta(minutes=2)

# Known strangers among the candidates of a task. Dror, Wertheim, Fraser-Mackenzie and Walajtys, "The impact of
# human-technology cooperation and distributed cognition in forensic science" (J. Forensic Sci. 57(2), 2012), moved
# mates and strangers about in the lists that examiners were given: strangers near the top were wrongly identified
# more often, and nobody noticed, because in daily work nobody knows the truth. A stranger whom we put there is a
# comparison whose truth we know. At least one in each task, so that every decision is measured; a number that
# changes, so that counting the candidates tells nothing; few, because each costs an examiner minutes.
SEEDED_LEAST: Final = 1
SEEDED_MOST: Final = 3
# How often another place in the repository is tried where a stranger lacks the fingers that were submitted.
SEED_TRIES: Final = 8

MIN_REASON_CHARACTERS: Final = 3
MAX_REASON_CHARACTERS: Final = 500  # the column's

QUEUE_SHOWN: Final = 200  # more than anybody reads
# Open tasks that are asked about, at each tending, whether they are still allowed: about a second's work. Whoever
# claims, looks or decides asks anyway.
TENDED_AT_ONCE: Final = 500

# What is switched off leaves the queue, and what is late reaches supervisors, within a minute.
TEND_EVERY_S: Final = 60.0

CONFIDENCE_Z: Final = 1.959964  # of the 95 % interval of an error rate

# Sheets with one print: units of the page for a millimetre of skin, the same for all, so that sizes can be compared.
SHEET_PER_MM: Final = 22.0
SHEET_MARGIN: Final = 20.0
