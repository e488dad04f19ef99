"""Extraction of minutiae from the image of one impression, by a small TFLite network."""

from edge_service.extraction.errors import ExtractionError, ImageRefused, ModelRefused, RuntimeMissing
from edge_service.extraction.extractor import Extractor

__all__ = ["ExtractionError", "Extractor", "ImageRefused", "ModelRefused", "RuntimeMissing"]
