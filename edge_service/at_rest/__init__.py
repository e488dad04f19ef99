"""Files of the kiosk that are sealed at rest: SQLite, opened safely, migrated, set aside when damaged, never deleted.

The spool and the kiosk's notes are such files. What is in them of a person is sealed with the spool key (`keys`),
each value bound to its file, table, column and row (`vault`); what makes the file work (states, times, TCNs, counts)
is plain.
"""

from edge_service.at_rest.file import quarantined
from edge_service.at_rest.format import Format, SealedColumn
from edge_service.at_rest.keys import KeyFile, key_file_of
from edge_service.at_rest.sealed_file import SealedFile
from edge_service.at_rest.store import SealedStore
from edge_service.at_rest.vault import OVERHEAD_BYTES, Unreadable, Vault

__all__ = [
    "OVERHEAD_BYTES",
    "Format",
    "KeyFile",
    "SealedColumn",
    "SealedFile",
    "SealedStore",
    "Unreadable",
    "Vault",
    "key_file_of",
    "quarantined",
]
