"""How well a quality foretells failures: error versus discard, ours beside NFIQ 2's.

``python -m benchmarks.discard DIR`` leaves out the pairs of mates with the lowest quality, more and more of them, and
counts how many of the remaining ones fail (error versus discard characteristic, ISO/IEC 29794-1; Grother
and Tabassi, "Performance of biometric quality measures", IEEE TPAMI 29(4), 2007). A pair is as good as the worse of
its two prints.
"""
