"""The kiosk's touch page: what the officer sees and taps, served on the loopback to the kiosk's own screen.

Images and templates of a booking live in memory until it is saved, and nowhere else; no name, number or image is
in an address, a log line or a topic.
"""
