"""The audit: who did or looked at what and why, in a chain that shows any change. See docs/audit.md."""

from matcher_service.auditing.errors import AuditError, BadAnchor, BadEntry, NoSigningKey
from matcher_service.auditing.recording import note, record, shell

__all__ = ["AuditError", "BadAnchor", "BadEntry", "NoSigningKey", "note", "record", "shell"]
