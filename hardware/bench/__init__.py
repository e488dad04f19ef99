"""Stand-ins for hardware that ship with the product, for tests, demonstrations and development."""
