"""Extraction of minutiae from the image of one impression, by a small TFLite network."""

from edge_service.extraction.errors import ExtractionError, ImageRefused, ModelRefused, RuntimeMissing
from edge_service.extraction.extractor import Extractor
from edge_service.extraction.image_file import read_image

__all__ = ["ExtractionError", "Extractor", "ImageRefused", "ModelRefused", "RuntimeMissing", "read_image"]
