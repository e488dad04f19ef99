"""The kiosk's package tried on the kiosk's architecture: an arm64 Debian under emulation. See docs/arm64.md."""
