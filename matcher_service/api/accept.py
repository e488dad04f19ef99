"""Which of two kinds of answer a caller would rather have (RFC 9110, 12.5.1)."""

from __future__ import annotations

from matcher_service.api.messages import SVG

JSON = "application/json"


def prefers_svg(accept: str) -> bool | None:
    """Whether the picture is preferred to JSON, which wins a tie; None if neither is accepted."""
    weights = {kind: _weight(accept, kind) for kind in (JSON, SVG)}
    if max(weights.values()) <= 0:
        return None
    return weights[SVG] > weights[JSON]


def _weight(accept: str, kind: str) -> float:
    """The weight of the most specific range that covers `kind`; 0 if none does."""
    best, specific = 0.0, -1
    for entry in accept.split(","):
        name, *parameters = [part.strip().lower() for part in entry.split(";")]
        covers = {kind: 2, f"{kind.partition('/')[0]}/*": 1, "*/*": 0}.get(name, -1)
        if covers > specific:
            best, specific = _q(parameters), covers
    return best


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
