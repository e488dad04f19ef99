"""The firmware's version: the one place that says it."""

VERSION = "0.1.0"
"""Three numbers, compared as numbers: an older one is only installed when somebody asks for it."""
