"""Why genuine pairs fail: the ones with the lowest scores, drawn, measured and explained in words.

``python -m benchmarks.worst_pairs DIR --out FOLDER``. A failed comparison does not know how its prints lie on each
other; other impressions of the same finger do (`motion`), and so the area in common, the minutiae that should have
been found in both, and the distortion can be told (`measures`) and named (`diagnosis`).
"""
