"""What a model must beat: edits that need no network, or one that has learnt nothing.

Each is an `edits.Editor`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.samples import Samples, requests
from ganimation_tf.faces.alignment import CropSpec

RIDGE = 1e-3
"""Added to the squares of the AUs' changes, per pair: AUs that never change alone stay small."""


@dataclasses.dataclass(frozen=True)
class Copy:
    """The input itself: squared error 1.0 of it, share 0.0."""

    action_units: Sequence[str]
    crop: CropSpec
    name: str = "the input itself"

    def edit(self, images: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray):
        """The images as they are."""
        return images

    def estimate(self, images: np.ndarray) -> None:
        """It does not look at AUs."""


@dataclasses.dataclass(frozen=True, eq=False)
class MeanEdit:
    """The average change of each AU, added to whatever face comes.

    Attributes:
        changes: float32 (N, size, size, 3), by how much pixels change per unit of each AU.
    """

    action_units: Sequence[str]
    crop: CropSpec
    changes: np.ndarray
    name: str = "the mean edit"

    @classmethod
    def fit(cls, samples: Samples) -> "MeanEdit":
        """By least squares of the pixels' changes on the AUs' changes, over all pairs.

        Args:
            samples: of the training split.

        Raises:
            UserError: if there are no pairs.
        """
        asked = requests(samples)
        if asked.truths[0] < 0:
            raise UserError("the mean edit is learnt from pairs, and the training split has none")
        change = asked.targets.astype(np.float64) - samples.action_units[asked.sources]
        squares = change.T @ change + RIDGE * len(change) * np.eye(change.shape[1])
        products = np.zeros((change.shape[1], samples.images[0].size))
        for begin in range(0, len(asked), 256):  # the pixels of a few pairs at a time
            rows = slice(begin, begin + 256)
            after = samples.images[asked.truths[rows]].astype(np.float64)
            pixels = (after - samples.images[asked.sources[rows]]) / 255
            products += change[rows].T @ pixels.reshape(len(pixels), -1)
        solved = np.linalg.solve(squares, products)
        changes = solved.reshape(-1, *samples.images.shape[1:]).astype(np.float32)
        return cls(samples.names, samples.crop, changes)

    def edit(self, images: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray):
        """The images and the average change of what is asked for."""
        change = np.tensordot(target_aus - source_aus, self.changes, axes=1)
        return np.clip(images + change, 0, 1)

    def estimate(self, images: np.ndarray) -> None:
        """It does not look at AUs."""


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A generator that takes and gives the [-1, 1] of the networks.

    Attributes:
        generator: a Keras model of `[image, action_units]`, as `networks` builds them.
        relative: whether it takes changes of the AUs.
    """

    action_units: Sequence[str]
    crop: CropSpec
    generator: Callable[..., Mapping[str, Any]]
    relative: bool
    name: str = "an untrained generator"

    def edit(
        self, images: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """`image` and `attention`."""
        wanted = target_aus - source_aus if self.relative else target_aus
        outputs = self.generator([images * 2 - 1, wanted.astype(np.float32)], training=False)
        return {
            "image": (np.asarray(outputs["image"], np.float32) + 1) / 2,
            "attention": np.asarray(outputs["attention"], np.float32),
        }

    def estimate(self, images: np.ndarray) -> None:
        """It has no critic that could look."""
