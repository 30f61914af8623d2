"""Which way up a picture is: one EXIF tag, the same for every command and the server."""

from PIL import Image

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture's pixels are to be turned; the one place where it is looked
for, as OpenCV and so OpenFace do: not XMP."""

AS_STORED = 1

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the value of the tag."""

FROM_RIGHT, FROM_BOTTOM = (2, 3, 6, 7), (3, 4, 7, 8)
"""Values with which the left, the top edge was the right or the lower one as it was stored."""


def read(block: bytes) -> int:
    """What an EXIF block says; its other tags are not looked at, many files have damaged ones."""
    tags = Image.Exif()
    try:
        tags.load(block)
        return known(tags.get(ORIENTATION))
    except Exception:  # a damaged block can raise nearly anything out of the parser
        return AS_STORED


def known(value: object) -> int:
    """A value of the tag, `AS_STORED` for one that means nothing."""
    return value if isinstance(value, int) and value in TURNS else AS_STORED
