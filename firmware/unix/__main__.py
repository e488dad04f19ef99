"""`micropython -m firmware.unix` and `python -m firmware.unix`; see main.py."""

from firmware.unix.main import main

main()
