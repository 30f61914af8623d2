"""Who says what an edit shows: judges that had no part in training the generator.

A judge of AUs is any object like `Judge`. `load` opens one by name; what each was trained on, its
licence and how to get it stand in its module and in docs/evaluation.md.
"""

import pathlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.faces.alignment import CropSpec


class Judge(Protocol):
    """Reads AUs off face crops."""

    @property
    def name(self) -> str:
        """One word, the prefix of its metrics."""

    @property
    def provenance(self) -> str:
        """What it is, trained on what, under which licence: a sentence for the report."""

    @property
    def action_units(self) -> Sequence[str]:
        """The N AUs that it reads."""

    @property
    def on_scale(self) -> bool:
        """Whether its readings are the intensities of the dataset.

        If not, they are only monotonic in them, and are fitted to the dataset's on faces that
        nobody edited.
        """

    def read(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """The AUs of faces.

        Args:
            images: uint8 (n, size, size, 3) RGB crops.
            crop: what they show.

        Returns:
            float64 (n, N); a row of NaN where it finds no face.
        """
        ...

    def trained_on(self, dataset: str) -> Collection[str]:
        """The people of a dataset, named by its digest, whom it was trained on."""
        ...


def _blendshapes(_: str) -> Judge:
    from ganimation_tf.evaluation.judges.blendshapes import BlendshapeJudge

    return BlendshapeJudge.load()


def _regressor(path: str) -> Judge:
    from ganimation_tf.evaluation.judges.regressor import RegressorJudge

    return RegressorJudge.load(pathlib.Path(path))


def _files(directory: str) -> Judge:
    from ganimation_tf.evaluation.judges.files import FilesJudge

    return FilesJudge(pathlib.Path(directory))


JUDGES: Mapping[str, Callable[[str], Judge]] = {
    "blendshapes": _blendshapes,
    "regressor": _regressor,
    "files": _files,
}
"""How to open a judge, by its name before `=`; the function is given what stands behind it."""


def load(name: str) -> Judge:
    """The judge `NAME` or `NAME=FILE`.

    Raises:
        UserError: if there is no such judge, or what it needs is not installed.
    """
    kind, _, argument = name.partition("=")
    if kind not in JUDGES:
        raise UserError(f"there is no judge {kind!r}; there is {', '.join(JUDGES)}")
    return JUDGES[kind](argument)
