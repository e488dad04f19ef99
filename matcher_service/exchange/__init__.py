"""Exchange of files with other systems: ANSI/NIST-ITL and EBTS, WSQ, and the smaller template formats. docs/ebts.md."""

from matcher_service.exchange.errors import EbtsRefused, ImageRefused, NotAnswerable, Problem

__all__ = ["EbtsRefused", "ImageRefused", "NotAnswerable", "Problem"]
