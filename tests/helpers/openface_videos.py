"""Small videos and what OpenFace's `FeatureExtraction` writes of them, invented."""

import pathlib
from collections.abc import Mapping

import cv2
import numpy as np

from openface_files import HEADER, csv_text, row

VIDEO_HEADER = ["frame", "face_id", "timestamp", "confidence", "success", *HEADER[2:]]


def frame_row(
    frame: int | str, face: str = "0", success: str = "1", **values: str | float
) -> dict[str, str]:
    """A row as FeatureExtraction and FaceLandmarkVidMulti write it; frames count from 1."""
    extra = {"frame": str(frame), "face_id": face, "timestamp": "0.0", "success": success}
    return row(**values) | extra


def level(index: int) -> int:
    """The gray of the frame of index i."""
    return 20 + 10 * index


def write_video(path: pathlib.Path, count: int = 8) -> None:
    """A video of ten frames a second, at most 23, each of its `level`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 180))
    assert writer.isOpened()
    for index in range(count):
        writer.write(np.full((180, 160, 3), level(index), np.uint8))
    writer.release()


def write_clip(root: pathlib.Path, name: str, *rows: Mapping[str, str]) -> None:
    """`root/csv/NAME.csv` with these rows."""
    path = root / "csv" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(*rows, header=VIDEO_HEADER))
