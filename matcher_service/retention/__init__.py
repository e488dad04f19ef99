"""How long what is kept is kept, and how it is destroyed: keys of people, policies, expungement, certificates."""

from matcher_service.repositories.sealed_records import (
    Part,
    is_sealed,
    open_part,
    open_record,
    payload_of,
    seal_part,
    sealed_record,
)
from matcher_service.retention.errors import (
    BadCertificate,
    RecordErased,
    RecordKeyError,
    RetentionError,
    RetentionRefused,
)

__all__ = [
    "BadCertificate",
    "Part",
    "RecordErased",
    "RecordKeyError",
    "RetentionError",
    "RetentionRefused",
    "is_sealed",
    "open_part",
    "open_record",
    "payload_of",
    "seal_part",
    "sealed_record",
]
