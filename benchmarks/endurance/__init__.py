"""The endurance campaign: bookings by the thousand while everything fails that can; none lost, twice or unanswered.

`python -m benchmarks.endurance --help`; what is done and what came of it: docs/endurance.md.
"""
