"""An animated face: the AU vectors of its frames, the frames from a server, the file.

No module of this package that needs TensorFlow is used here.
"""

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ganimation_tf import action_units, contact_sheet, images
from serving.client import GanimationClient

ROWS_PER_REQUEST = 8
FRAME_MILLISECONDS = 80
SHEET_COLUMNS = 9

LOOP = "loop"
RAMP = "ramp"


def amounts(frames: int, course: str) -> np.ndarray:
    """How far each frame is from the source (0) to the target (1).

    Args:
        course: `LOOP` goes there and back along a cosine, and its last frame is one step before
            its first; `RAMP` goes there in equal steps.

    Returns:
        float64 (frames,).
    """
    if course == LOOP:
        return (1 - np.cos(2 * math.pi * np.arange(frames) / frames)) / 2
    return np.linspace(0.0, 1.0, frames)


def target_of(
    source: np.ndarray, chosen: Mapping[str, float], names: Sequence[str], rest: str
) -> np.ndarray:
    """The AU vector to go to.

    Args:
        source: float32 (N,) in [0, 1], the face's own AUs.
        chosen: the intensities that are asked for.
        names: the N names.
        rest: what the other AUs do: "source" stays, "zero" goes to 0.

    Returns:
        float32 (N,).
    """
    wanted = action_units.vector(chosen, names)
    if rest == "zero":
        return wanted
    return np.where([name in chosen for name in names], wanted, source).astype(np.float32)


def edit_frames(client: GanimationClient, face: bytes, units: np.ndarray) -> list[np.ndarray]:
    """One frame for each AU vector.

    Args:
        face: the encoded face crop.
        units: float32 (F, N) in [0, 1].

    Returns:
        F uint8 (S, S, 3).
    """
    frames = []
    for start in range(0, len(units), ROWS_PER_REQUEST):
        rows = units[start : start + ROWS_PER_REQUEST]
        frames += [images.decode(png) for png in client.edit([face] * len(rows), rows)]
    return frames


def fit(image: np.ndarray, longest_side: int) -> np.ndarray:
    """The picture reduced so that no side is longer; a smaller one stays as it is."""
    height, width = image.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def enlarge(image: np.ndarray, times: int) -> np.ndarray:
    """The picture with each side `times` as long."""
    if times == 1:
        return image
    return cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)


def encode_sheet(
    source: np.ndarray,
    frames: Sequence[np.ndarray],
    units: np.ndarray,
    source_units: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
) -> bytes:
    """A PNG of the input and its frames, each labelled with the AUs that were asked for.

    Args:
        source: uint8 (H, W, 3), as the frames.
        units: float (F, N), of the frames.
        source_units: float (N,), of the input.
        names: the N names.
        chosen: those to write below the pictures.
    """

    def label(row: np.ndarray) -> str:
        return "\n".join(f"{name} {row[names.index(name)]:.2f}" for name in chosen)

    tiles = [source, *frames]
    labels = [label(source_units) + "\ninput", *(label(row) for row in units)]
    columns = math.ceil(len(tiles) / math.ceil(len(tiles) / SHEET_COLUMNS))
    return images.encode_png(contact_sheet.grid(tiles, columns, labels))
