"""Photos of the tiny head with their annotations, for tests of what re-animates folders of them."""

import pathlib

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.faces import images
from ganimation_tf.synthetic import openface
from ganimation_tf.synthetic.reanimation.fitting import Camera, turn
from tiny_head import project, tiny_head

SIDE = 256


def landmarks(yaw: float = 6.0) -> np.ndarray:
    """float64 (68, 2): the head's points in a picture of `SIDE` pixels."""
    model = tiny_head()
    camera = Camera(turn(np.radians([0.0, yaw, 0.0])), 10.0, np.array([128.0, 132.0]))
    return project(model, camera, model.neutral)


def save(folder: pathlib.Path, portraits: dict[str, np.ndarray | None]) -> None:
    """Writes `model.npz`, and `photos/` and `csv/` for each name with the landmarks it has.

    Args:
        folder: where to.
        portraits: landmarks (68, 2) by name; None: the photo has no annotation.
    """
    for name in ("photos", "csv"):
        (folder / name).mkdir(parents=True)
    tiny_head().save(folder / "model.npz")
    for number, (name, points) in enumerate(portraits.items()):
        photo = np.random.default_rng(number).integers(90, 200, (SIDE, SIDE, 3)).astype(np.uint8)
        (folder / "photos" / f"{name}.png").write_bytes(images.encode_png(photo))
        if points is not None:
            text = openface.to_csv(points, np.zeros(len(OPENFACE)))
            (folder / "csv" / f"{name}.csv").write_text(text)
