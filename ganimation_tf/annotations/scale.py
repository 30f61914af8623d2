"""The top of a table's intensity scale, where the user does not say it: 1, unless it cannot be."""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ganimation_tf import inputs
from ganimation_tf.action_units import OPENFACE_MAXIMUM
from ganimation_tf.annotations import spellings
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.rows import OVER, read_rows
from ganimation_tf.errors import UserError

_LOOKED_AT = 2000  # rows of a file


class Highest(NamedTuple):
    """The highest intensity that was seen: its value, its column and `file row N`."""

    value: float
    column: str
    where: str


def highest(
    files: Iterable[tuple[str, str]], form: Form, action_units: Sequence[str], opener: inputs.Opener
) -> Highest | None:
    """The highest intensity in the first rows of some files.

    Args:
        files: (path, name) of each; what cannot be read is for the job to say.
        form: of the files.
        action_units: the AUs whose columns are looked at.
        opener: opens a file.
    """
    highest_yet: Highest | None = None
    for path, file in files:
        try:
            rows = read_rows(path, form, action_units, opener)
            for row in itertools.islice(rows, _LOOKED_AT):
                for column in row.columns.intensities:
                    try:
                        (value,) = row.numbers([column])
                    except (AnnotationError, IndexError):
                        continue
                    if highest_yet is None or value > highest_yet.value:
                        name = row.columns.names[column]
                        highest_yet = Highest(float(value), name, f"{file} row {row.number}")
        except AnnotationError:
            continue
    return highest_yet


def by_names(seen: Highest | None, maximum: float) -> float:
    """The top of the scale: OpenFace's where columns are called so and go beyond `maximum`."""
    if seen is None or not spellings.as_openface(seen.column):
        return maximum
    return OPENFACE_MAXIMUM if OVER * maximum < seen.value <= OPENFACE_MAXIMUM else maximum


def scale_of(seen: Highest | None, maximum: float) -> tuple[float, str | None]:
    """The top of the scale, and what is to be said of it.

    Args:
        seen: the highest intensity.
        maximum: what the scale is, unless what was seen contradicts.

    Raises:
        UserError: if it is another that cannot be told.
    """
    if seen is None:
        return maximum, None
    value, column, where = seen
    option = "--action-units-maximum says the top of the scale"
    if value <= OVER * maximum:
        if not spellings.as_openface(column):
            return maximum, None
        note = (
            f"{column} is OpenFace's name of intensities from 0 to {OPENFACE_MAXIMUM:g}; here none "
            f"is above {value:g}, so the scale is taken to end at {maximum:g}; {option}"
        )
        return maximum, note
    told = by_names(seen, maximum)
    if told != maximum:
        note = f"{column} reaches {value:g}: the scale is taken for OpenFace's, 0 to 5; {option}"
        return told, note
    raise UserError(
        f"{where}: {column} is {value:g}, above {maximum:g}; {option}: 5 for FACS's A to E, 100 "
        "for percent"
    )
