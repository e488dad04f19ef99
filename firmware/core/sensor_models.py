"""The sensors this firmware knows, and the size of their images.

A wrong size is a nasty error: with the rows cut at the wrong place the picture shows the finger two or three
times over. So a sensor that says it is something else is refused, and the bytes of every image are counted.
"""

from firmware.core import codes

MODELS = (
    (codes.MODEL_R307, "R307", 256, 288, 500),
    (codes.MODEL_R503, "R503", 192, 192, 508),
    (codes.MODEL_AS608, "AS608", 256, 288, 500),
    (codes.MODEL_ZFM20, "ZFM-20", 256, 288, 500),
)
"""Code, name, width and height in pixels, pixels per inch. From the modules' manuals; 508 dpi is printed in the
R503's, 500 in the optical ones'."""


def model_by_code(code: int) -> "tuple[int, str, int, int, int] | None":
    """The row of that code; None when there is none."""
    for model in MODELS:
        if model[0] == code:
            return model
    return None


def model_by_size(image_bytes: int) -> "tuple[int, str, int, int, int] | None":
    """A row made up for an image of that many bytes, two pixels a byte; None when it is no known model's size.

    Several models share a size, and only the size is known: the row has the geometry, but no model's code.
    """
    for _, _, width, height, dpi in MODELS:
        if width * height == image_bytes * 2:
            return (codes.MODEL_OTHER, "", width, height, dpi)
    return None


def model_by_product(name: bytes, width: int, height: int) -> "tuple[int, str, int, int, int] | None":
    """The row behind a module's product information: the name may go on ("R503-RGB"), the size must be right."""
    for model in MODELS:
        key = model[1].encode()
        if name[: len(key)] == key and (width, height) == (model[2], model[3]):
            return model
    return None
