"""Synthetic fingerprints for the demo, the tests and the training: nobody's prints, made from a seed, truth known.

In the manner of SFinGe (Cappelli; Handbook of Fingerprint Recognition, ch. 6): class and singularities give the flow
of the ridges, filters that follow it grow the pattern from seeds, and the spirals of its phase are the minutiae.
`master` makes a finger; `touch` is one touch of it on a sensor with the minutiae that it shows; `impression` is the
image of an easy one alone. `models.synthetic.crowd` has strangers without images.

The same arguments give the same result on the same machine; elsewhere, or with other versions of numpy and numba,
it may differ in the last grey level of a few pixels.
"""

from models.synthetic.impression import impression
from models.synthetic.looks import LOOKS
from models.synthetic.master import Master, master
from models.synthetic.touch import Touch, touch

__all__ = ["LOOKS", "Master", "Touch", "impression", "master", "touch"]
