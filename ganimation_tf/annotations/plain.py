"""A plain table, for annotations of any other origin: CSV or Parquet.

`key` and one column for each AU, `AU01` and so on (`AU1`, `au_01`, `AU01_r` and `AU01_intensity`
mean the same); and, where they are known, `face`, `confidence`,
`subject`, the box `left, top, width, height` and the landmarks `x_0 ... y_67` in pixels, the pose
`pitch, yaw, roll` in degrees, and of synthetic faces `forms.PAIR` and `forms.ANCHORS`. The scale of
the intensities is [0, 1] unless the user says another.
"""

import dataclasses
from collections.abc import Sequence

from ganimation_tf.annotations import libreface, spellings
from ganimation_tf.annotations.annotator import Annotator, Request
from ganimation_tf.annotations.forms import ANCHORS, PAIR, Form
from ganimation_tf.annotations.table import Table

FORM = Form(
    name="table",
    action_unit="{name}",
    maximum=1.0,
    loose=True,
    confidence="confidence",
    face="face",
    success="success",
    image="key",
    subject="subject",
    pair=PAIR,
    anchors=ANCHORS,
    box=("left", "top", "width", "height"),
    pose=("pitch", "yaw", "roll"),
)


@dataclasses.dataclass(frozen=True)
class PlainTable(Table):
    """A table whose rows may name subjects."""

    assigns: bool = True

    @property
    def relative_to_root(self) -> bool:
        """So is the table's `key`."""
        return True


def _tells(header: Sequence[str]) -> bool:
    if FORM.image not in header and libreface.FORM.action_units(header):
        return False  # nobody knows what else it may write
    return spellings.image_column(header) is not None and bool(FORM.action_units(header))


def _reader(request: Request) -> PlainTable:
    return PlainTable(
        FORM,
        request.action_units,
        request.maximum,
        request.open,
        images_root=request.images_root,
    )


ANNOTATOR = Annotator(FORM, _tells, _reader)
