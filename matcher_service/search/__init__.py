"""Comparison of prints and search of a repository.

`compare` scores two prints; `prepare` and `compare_prepared` do the same for prints compared often; `Gallery`
searches a submission among many. Scores are explained by `explain_prepared` and given a colour by `colour`.
"""

from matcher_service.search.compare import Comparison, compare, compare_prepared, explain_prepared
from matcher_service.search.decision import Colour, colour, fuse
from matcher_service.search.gallery import Candidate, Gallery, PrintScore
from matcher_service.search.template import Template, prepare

__all__ = [
    "Candidate",
    "Colour",
    "Comparison",
    "Gallery",
    "PrintScore",
    "Template",
    "colour",
    "compare",
    "compare_prepared",
    "explain_prepared",
    "fuse",
    "prepare",
]
