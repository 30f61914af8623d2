"""Who says which Action Units a face shows: a file for each annotator behind one interface.

To add an annotator, write a module with an `annotator.Annotator` and name it in `ANNOTATORS`.
"""

import functools
import importlib
import typing
from collections.abc import Mapping

if typing.TYPE_CHECKING:
    from ganimation_tf.annotations.annotator import Annotator

AUTO = "auto"
"""In place of an annotator's name: it is told by the columns of its files."""

SURE = 0.8
"""The least confidence of a face that is no guess, unless the user says another."""

ANNOTATORS: Mapping[str, str] = {
    "openface": "openface.PHOTOS",
    "openface-video": "openface.VIDEOS",
    "openface3": "openface3.ANNOTATOR",
    "pyfaceau": "pyfaceau.ANNOTATOR",
    "py-feat": "py_feat.ANNOTATOR",
    "libreface": "libreface.PHOTOS",
    "libreface-video": "libreface.VIDEOS",
    "table": "plain.ANNOTATOR",
    "ganimation": "ganimation.ANNOTATOR",
}
"""Where in this package each annotator is; by name only, so that a help text loads none of them."""


@functools.cache
def load(name: str) -> "Annotator":
    """The annotator of this name, a key of `ANNOTATORS`."""
    module, _, attribute = ANNOTATORS[name].partition(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
