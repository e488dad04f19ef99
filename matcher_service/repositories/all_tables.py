"""All tables of the centre, so that whoever opens the database knows every one, and what refers to what."""

from matcher_service.repositories import (
    abis_tables,
    account_tables,
    audit_tables,
    case_tables,
    device_tables,
    image_tables,
    notice_tables,
    osia_tables,
    relay_tables,
    retention_tables,
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
    "image_tables",
    "notice_tables",
    "osia_tables",
    "relay_tables",
    "retention_tables",
    "review_tables",
    "routing_tables",
    "schema",
]
