"""The public functions. Each imports what it needs when it is called.

Pictures are uint8 (height, width, 3) RGB arrays, AUs float in [0, 1]. A wrong argument raises
`ValueError`, or `UserError`, which is one, where a file or directory is wrong.
"""

import pathlib
import typing
from collections.abc import Mapping, Sequence

import numpy as np

from ganimation_tf.config import TrainConfig
from ganimation_tf.presets import PRESETS

if typing.TYPE_CHECKING:
    import tensorflow as tf

    from ganimation_tf.synthetic import Face
    from ganimation_tf.training.model import GANimation

PathLike = str | pathlib.Path


def training_dataset(
    data: PathLike, config: TrainConfig = PRESETS["film"], start_step: int = 0
) -> "tf.data.Dataset":
    """Endless batches for `GANimation.fit`.

        >>> batches = gan.training_dataset(data, gan.PRESETS["tiny"])
        >>> batch = next(iter(batches))
        >>> batch["image"].shape  # batch, critic steps, height, width, RGB
        TensorShape([8, 2, 32, 32, 3])

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        config: its batch size B, critic steps K, seed and what it says of targets and jitter.
        start_step: elements to leave out: where an interrupted training goes on.

    Returns:
        Dataset of dicts: `image` float32 (B, K, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, K, N) in [0, 1], and what else `fit` needs.

    Raises:
        UserError: if there is no whole dataset.
    """
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.training import dataset

    data = pathlib.Path(data)
    return dataset.training(data, Manifest.load(data), config, start_step)


def evaluation_dataset(
    data: PathLike, batch_size: int = 32, split: str = "eval"
) -> "tf.data.Dataset":
    """Each face of a split once, in order; the target is the AUs of the split's next face.

        >>> faces = gan.evaluation_dataset(data, batch_size=4)
        >>> next(iter(faces))["image"].shape
        TensorShape([4, 32, 32, 3])

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        split: `eval` or `train`.

    Returns:
        Dataset of dicts: `image` float32 (B, S, S, 3) in [-1, 1], `action_units` and
        `target_action_units` float32 (B, N) in [0, 1]. The last batch may be smaller.

    Raises:
        UserError: if there is no whole dataset.
    """
    from ganimation_tf.data.manifest import Manifest
    from ganimation_tf.training import dataset

    data = pathlib.Path(data)
    return dataset.evaluation(data, Manifest.load(data), batch_size=batch_size, split=split)


def train(
    data: PathLike,
    runs: PathLike,
    config: TrainConfig = PRESETS["film"],
    *,
    preset: str = "custom",
    steps: int | None = None,
    start_from: PathLike | None = None,
    new: bool = False,
    devices: Sequence[str] = (),
) -> pathlib.Path:
    """Trains, or goes on with an interrupted training, as `ganimation train` does.

        >>> run = gan.train(data, runs, gan.PRESETS["tiny"], preset="tiny", steps=2)
        >>> run.name
        '00000-tiny-32px-17au-batch8'

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        runs: the numbered run is made below it; an unfinished one there of the very same options,
            or else one of fewer steps, is gone on with.
        config: the recipe.
        preset: the name that the run bears.
        steps: generator updates; None: as many as the config says, or its epochs make.
        start_from: a run whose networks to start from.
        new: make a new run in any case.
        devices: such as `["GPU:0", "GPU:1"]`; none: all GPUs, else the CPU.

    Returns:
        The run's directory.

    Raises:
        UserError: if dataset, config and devices do not fit each other, or training diverges.
        KeyboardInterrupt: on Ctrl-C or SIGTERM; the state is saved.
    """
    from ganimation_tf.training import plan as plans
    from ganimation_tf.training import train as training

    start = start_from and pathlib.Path(start_from)
    plan = plans.make_plan(pathlib.Path(data), config, preset, steps, start or None)
    return training.train(plan, pathlib.Path(runs), new=new, chosen_devices=devices)


def load_run(run: PathLike, best: bool = False) -> "GANimation":
    """The trained model of a run, not compiled.

        >>> model = gan.load_run(run)
        >>> model.generator.count_params() > 0
        True

    Args:
        run: directory of a run of `ganimation train`.
        best: the networks that did best in evaluation, not the last ones.

    Raises:
        UserError: if it is no run or has no such networks yet.
    """
    from ganimation_tf.training import build

    return build.load_run(pathlib.Path(run), best)


def export(
    run: PathLike,
    model_dir: PathLike,
    version: int | None = None,
    format: str = "saved_model",
    best: bool = False,
) -> pathlib.Path:
    """Writes a run's networks for TensorFlow Serving, or in another format, and checks them.

        >>> gan.export(run, models, format="litert").name
        '1'

    Args:
        model_dir: the version is written below it, whole or not at all.
        version: its number; None: the next free one.
        format: `saved_model`, `litert`, `onnx` or `openvino`.
        best: the networks that did best in evaluation, not the last ones.

    Returns:
        `model_dir/<version>`.

    Raises:
        UserError: if the run has no such networks, the version exists, or nothing can be written.
        SelfCheckError: if what was written does not compute what the networks compute.
    """
    from ganimation_tf.export import versions

    return versions.export_run(run, model_dir, version, format, best)


def align_face(
    photo: np.ndarray,
    landmarks: np.ndarray | None = None,
    size: int = 128,
    margin: float = 0.15,
) -> tuple[np.ndarray, np.ndarray]:
    """The upright crop of a face: the one that training sees and that a model is to be given.

        >>> face = gan.render_face({"AU12": 1.0}, size=192)
        >>> crop, transform = gan.align_face(face.image, face.landmarks, size=64)
        >>> crop.shape
        (64, 64, 3)

    Args:
        photo: uint8 (height, width, 3).
        landmarks: float (68, 2), x and y in pixels in iBUG's order, or (5, 2): eyes, nose, mouth
            corners, left before right in the picture. None: a detector finds the face (extra
            `faces`).
        size: S, side of the crop in pixels.
        margin: added on each side of the face's square, as a fraction of its side.

    Returns:
        uint8 (S, S, 3), and float64 (2, 3) that takes a crop pixel to the photo's, for
        `paste_face`.

    Raises:
        ValueError: if the landmarks have another shape or mark no face in the photo.
        UserError: if no face is found.
    """
    from ganimation_tf.faces import alignment

    if landmarks is None:
        from ganimation_tf.faces import detector

        landmarks = detector.find_face(photo)
    landmarks = np.asarray(landmarks, np.float64)
    five = landmarks.shape == (5, 2)
    of = alignment.anchors_from_five_points if five else alignment.anchors_from_landmarks
    transform = alignment.crop_transform(of(landmarks), alignment.CropSpec(size, margin))
    return alignment.crop(photo, transform, size), transform


def paste_face(photo: np.ndarray, face: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The photo with a crop put back where `align_face` took it from, its edge faded.

        >>> drawn = gan.render_face({"AU12": 1.0}, size=192)
        >>> crop, transform = gan.align_face(drawn.image, drawn.landmarks, size=64)
        >>> gan.paste_face(drawn.image, crop, transform).shape
        (192, 192, 3)

    Args:
        photo: uint8 (height, width, 3).
        face: uint8 (S, S, 3).
        transform: float (2, 3) of `align_face`.

    Returns:
        uint8 (height, width, 3).
    """
    from ganimation_tf.faces import alignment

    return alignment.paste(photo, face, transform)


def render_face(
    action_units: Mapping[str, float] | np.ndarray, person: int = 0, size: int = 192
) -> "Face":
    """A drawn face with exactly these AUs, and where its landmarks lie.

        >>> smile = gan.render_face({"AU12": 1.0, "AU06": 0.6}, person=3)
        >>> smile.image.shape, smile.landmarks.shape
        ((192, 192, 3), (68, 2))

    Args:
        action_units: name to intensity in [0, 1], the others 0; or float (17,), in the order of
            `ACTION_UNITS`.
        person: which person; the same number draws the same one.
        size: side of the picture in pixels, at least 32.

    Returns:
        `image` uint8 (size, size, 3) and `landmarks` float32 (68, 2), x and y in pixels.

    Raises:
        ValueError: if an AU is unknown or its intensity is not in [0, 1].
    """
    from ganimation_tf import synthetic
    from ganimation_tf.action_units import OPENFACE

    if isinstance(action_units, Mapping):
        if unknown := sorted(action_units.keys() - set(OPENFACE)):
            raise ValueError(f"{unknown[0]!r} is not one of the AUs {' '.join(OPENFACE)}")
        action_units = np.array([action_units.get(name, 0.0) for name in OPENFACE])
    identity, pose, _ = synthetic.reproduce(0, person, 0)
    return synthetic.render(identity, np.asarray(action_units), size, pose)
