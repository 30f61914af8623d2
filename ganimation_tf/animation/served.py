"""An animated face: the AU vectors of its frames, the frames from a server, the file.

No module of this package that needs TensorFlow is used here.
"""

import math
import pathlib
import tempfile
from collections.abc import Sequence

import cv2
import numpy as np

from ganimation_tf.faces import images
from ganimation_tf.media import contact_sheet
from serving.client.sync import GanimationClient

ROWS_PER_REQUEST = 8
REQUESTS = 2
"""At a time: the next one travels and waits while the server computes."""

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


def edit_frames(client: GanimationClient, face: bytes, units: np.ndarray) -> list[np.ndarray]:
    """One frame for each AU vector.

    Args:
        face: the encoded face crop.
        units: float32 (F, N) in [0, 1].

    Returns:
        F uint8 (S, S, 3).
    """
    pictures = client.edit_stream(((face, row) for row in units), REQUESTS, ROWS_PER_REQUEST)
    return [images.decode(png) for png in pictures]


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


def encode_mp4(frames: Sequence[np.ndarray]) -> bytes:
    """An MPEG-4 video of one pass through the frames.

    OpenCV's wheels have no encoder for H.264. A side with an odd number of pixels gets one more,
    which the codec needs.

    Args:
        frames: uint8 (H, W, 3) of one size.

    Raises:
        RuntimeError: if this build of OpenCV has no MPEG-4 encoder.
    """
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "animation.mp4"  # the writer takes no buffer
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        size = (width + width % 2, height + height % 2)
        writer = cv2.VideoWriter(str(path), codec, 1000 / FRAME_MILLISECONDS, size)
        if not writer.isOpened():
            raise RuntimeError("this build of OpenCV cannot write MPEG-4 video")
        for frame in frames:
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
            writer.write(cv2.cvtColor(even, cv2.COLOR_RGB2BGR))
        writer.release()
        return path.read_bytes()


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
