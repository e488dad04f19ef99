"""Numbers of the console."""

from __future__ import annotations

# A form's longest answer is a reason of some hundred characters; a document's hash is 64.
MAX_FORM_BYTES = 64 * 1024
MAX_FORM_FIELDS = 200
# A form comes in one piece, on any line that can show the page.
BODY_PATIENCE_S = 10.0
# What a person reads on one page; the rest is behind "older".
ROWS_SHOWN = 50
PLACES_SHOWN = 100
# A message after a change: it is cut, not lost, above this. Cookies end at 4096 bytes.
MAX_FLASH_CHARACTERS = 400
MAX_NEXT_CHARACTERS = 300
# People at one centre, each with a handful of connections.
MOST_CONNECTIONS = 128
KEEP_ALIVE_S = 15
STOP_WAIT_S = 5
# The page of the public report is a few hundred kB with its pictures.
MAX_PUBLIC_REPORT_BYTES = 8 * 1024 * 1024
MOST_REPORT_MONTHS_INSIDE = 24
