"""Synthetic fingerprints for the demo and the tests: nobody's prints, made from a seed.

A simple generator in the manner of SFinGe (Cappelli, Erol, Maio and Maltoni, ICPR 2000): singularities give the
orientation of the ridges, oriented filters grow a ridge pattern from scattered seeds, and an impression is the
pattern as one touch of a sensor shows it. `master` makes a finger, `impression` one touch of it.
"""

from models.synthetic.impression import impression
from models.synthetic.master import Master, master

__all__ = ["Master", "impression", "master"]
