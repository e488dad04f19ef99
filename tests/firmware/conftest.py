"""The firmware's tests run on MicroPython too: what they share is found by path there, and so it is here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
