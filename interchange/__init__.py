"""What both sides speak: minutiae, template codecs, topics and messages."""

from interchange import incits378, iso19794, templates
from interchange.errors import InterchangeError, MessageError, TemplateError
from interchange.minutiae import Minutiae, MinutiaType
from interchange.record import Record, record_of
from interchange.template_format import Impression, TemplateFormat

__all__ = [
    "Impression",
    "InterchangeError",
    "MessageError",
    "MinutiaType",
    "Minutiae",
    "Record",
    "TemplateError",
    "TemplateFormat",
    "incits378",
    "iso19794",
    "record_of",
    "templates",
]
