"""Bounds of the ABIS verbs. Where no origin is named, they are ours."""

from __future__ import annotations

from typing import Final

MAX_CBEFF_BYTES: Final = 1024 * 1024
"""Ten finger minutiae records of 255 minutiae are 21 KB in base64; images, which are not taken, are what is larger."""
MAX_CBEFF_ELEMENTS: Final = 5_000
"""A record of MOSIP's sample has 24 elements; ten fingers, two irises and a face are 320."""
MAX_CBEFF_DEPTH: Final = 12
MAX_FINGERS: Final = 10
FETCH_TIMEOUT_S: Final = 10.0
MAX_URL_CHARACTERS: Final = 500
MAX_GALLERY: Final = 1_000
"""Reference ids that one identify may name; the API's bodies end at 64 KiB anyway."""
DEFAULT_RESULTS: Final = 10
MAX_RESULTS: Final = 100
SEARCHED_RESULTS: Final = 100
"""Candidates asked of the gallery, before those that are not the client's own are taken out."""
LEAST_TARGET_FPIR: Final = 10
MOST_TARGET_FPIR: Final = 90
"""As the specification writes them: -10 log10 of the rate, so 1 in 10 to 1 in 1,000,000,000."""
ANSWER_KEPT_DAYS: Final = 7
"""For so long the same requestId gets the same answer."""
QUEUED_REQUESTS: Final = 200
"""Of one client, over MQTT."""
SEARCH_PATIENCE_S: Final = 120.0
STOP_WAIT_S: Final = 5.0
