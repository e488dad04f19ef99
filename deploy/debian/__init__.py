"""Builds the Debian packages: `python -m deploy.debian`. Described in README.md beside this file."""
