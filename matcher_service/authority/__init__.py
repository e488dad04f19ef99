"""The centre's small certificate authority: who may speak at the broker, and under which name."""

from interchange.certificates import certificate_request, new_key
from matcher_service.authority.authority import Authority
from matcher_service.authority.errors import AuthorityError, BadRequest
from matcher_service.authority.requests import Role

__all__ = ["Authority", "AuthorityError", "BadRequest", "Role", "certificate_request", "new_key"]
