"""How people write what a table's columns hold: the AUs, and the name of the image."""

import functools
import re
from collections.abc import Sequence

IMAGE_NAMES = (
    *("key", "image_path", "filepath", "file_path", "path", "filename", "file_name", "file"),
    *("image_name", "imagename", "image", "img", "photo"),
)
"""What a table may call its column of images, in lower case and with `_` for what separates words;
the first of them that is there."""

_NAMED = 8  # columns in a message

_LOOSE_UNIT = re.compile(
    r"(?:f?au|action[ _-]?unit)[ _-]?0?([1-9]\d?)(?:[ _-]?(?:r|intensity))?", re.IGNORECASE
)
_LIKE_A_UNIT = re.compile(r"(?<![a-z])(?:f?au[ _-]?|action[ _-]?unit[ _-]?s?)\d", re.IGNORECASE)
_OPENFACE_UNIT = re.compile(r"AU\d?\d_r", re.IGNORECASE)


def loose_unit(name: str) -> str | None:
    """The AU that a column's name means, however spelt; None if it means none."""
    match = _LOOSE_UNIT.fullmatch(name)
    return f"AU{int(match[1]):02}" if match else None


def exact_unit(name: str, template: str) -> str | None:
    """The AU of a name that follows a `Form.action_unit`; None if it does not."""
    match = _exact(template).fullmatch(name)
    return f"AU{int(match[1]):02}" if match else None


@functools.cache
def _exact(template: str) -> re.Pattern[str]:
    pattern = re.escape(template)
    for field, digits in (("name", r"AU(\d\d)"), ("number", r"([1-9]\d?)")):
        pattern = pattern.replace(re.escape(f"{{{field}}}"), digits)
    return re.compile(pattern)


def like_a_unit(name: str) -> bool:
    """Whether a column looks as if it were about an AU."""
    return bool(_LIKE_A_UNIT.search(name))


def as_openface(name: str) -> bool:
    """Whether a column has OpenFace's name of an intensity, which there goes from 0 to 5."""
    return bool(_OPENFACE_UNIT.fullmatch(name))


def image_column(header: Sequence[str]) -> str | None:
    """The column of a table that names the image; None if it has none."""
    by_name = {re.sub(r"[ .-]+", "_", name.lower()): name for name in reversed(header)}
    return next((by_name[name] for name in IMAGE_NAMES if name in by_name), None)


def listed(names: Sequence[str]) -> str:
    """Some columns, for a message."""
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])


def advice(header: Sequence[str]) -> str:
    """What may help where a file has columns of no source."""
    if any(map(loose_unit, header)):
        return f"a table names its images in a column `{IMAGE_NAMES[0]}`"
    like = [name for name in header if like_a_unit(name)]
    if not like:
        return "AUs are called AU12 in a table, AU12_r by OpenFace"
    if all(name.lower().endswith("_c") for name in like):
        return f"{listed(like)} say whether an AU is there, not how strong it is: AU12_r would"
    return f"{listed(like)} are no intensities that are known: a table calls them AU12"
