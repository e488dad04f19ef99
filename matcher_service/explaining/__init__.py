"""Why two prints got their score: figures (`explain`) and a picture (`drawing.draw`)."""

from matcher_service.explaining.explanation import Explanation, Side, Standing, explain
from matcher_service.explaining.meaning import CAUTION, Meaning, meaning_of
from matcher_service.explaining.parts import Part

__all__ = ["CAUTION", "Explanation", "Meaning", "Part", "Side", "Standing", "explain", "meaning_of"]
