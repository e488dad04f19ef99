"""How much memory the kiosk's service holds through a thousand bookings with its page open; see `__main__`."""
