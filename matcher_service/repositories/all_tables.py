"""All tables of the centre, so that whoever opens the database knows every one, and what refers to what."""

from matcher_service.repositories import (
    abis_tables,
    account_tables,
    audit_tables,
    case_tables,
    device_tables,
    notice_tables,
<<<<<<< HEAD
    retention_tables,
=======
    osia_tables,
>>>>>>> 1ce7432debb1c977701deb18dcc4f01a4f14e470
    review_tables,
    routing_tables,
    schema,
)

__all__ = [
    "abis_tables",
    "account_tables",
    "audit_tables",
    "case_tables",
    "device_tables",
    "notice_tables",
<<<<<<< HEAD
    "retention_tables",
=======
    "osia_tables",
>>>>>>> 1ce7432debb1c977701deb18dcc4f01a4f14e470
    "review_tables",
    "routing_tables",
    "schema",
]
