"""Small photos and OpenFace CSV files, invented, for tests of the preprocessing."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.forms import LANDMARKS as COLUMNS

HEADER = [
    "face",
    "confidence",
    *(f"{axis}_{i}" for axis in "xy" for i in range(68)),
    *(f"{name}_r" for name in OPENFACE),
    *(f"{name}_c" for name in OPENFACE),
]
EYES_AND_MOUTH = ((60.0, 70.0), (100.0, 70.0), (80.0, 111.6))
"""An average face: eyes 40 pixels apart, the mouth 1.04 times that below them."""


def landmarks(points: Sequence[tuple[float, float]] = EYES_AND_MOUTH) -> np.ndarray:
    """float (68, 2): a face with these centres of left eye, right eye and mouth."""
    left, right, mouth = np.array(points)
    unit = np.hypot(*(right - left))
    landmarks = np.tile((left + right) / 2, (68, 1))
    circle = np.array([[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3])
    landmarks[:17] += np.stack([np.linspace(-1, 1, 17), np.linspace(0, 2, 17)], axis=1) * unit
    landmarks[36:42] = left + circle * unit / 8
    landmarks[42:48] = right + circle * unit / 8
    landmarks[48:68] = mouth
    landmarks[[48, 54]] += np.array([[-1, 0], [1, 0]]) * (right - left) / 2
    return landmarks


def row(
    face: str = "0",
    confidence: float = 0.98,
    points: Sequence[tuple[float, float]] = EYES_AND_MOUTH,
    **values: str | float,
) -> dict[str, str]:
    """One face's fields by column; `values` replaces some, such as AU12_r=2.5."""
    fields = dict.fromkeys(HEADER, "0.00")
    fields |= {"face": face, "confidence": f"{confidence}"}
    for i, (x, y) in enumerate(landmarks(points)):
        fields |= {f"x_{i}": f"{x:.2f}", f"y_{i}": f"{y:.2f}"}
    return fields | {name: str(value) for name, value in values.items()}


def csv_text(
    *rows: Mapping[str, str], header: Sequence[str] = HEADER, separator: str = ", "
) -> str:
    """The text of a CSV file with these rows; fields outside `header` are left out."""
    lines = [header, *([fields[name] for name in header] for fields in rows)]
    return "".join(separator.join(line) + "\n" for line in lines)


def picture(width: int = 160, height: int = 180) -> np.ndarray:
    """uint8 (height, width, 3): two gradients."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8)


def write_photo(path: pathlib.Path, pixels: np.ndarray | None = None) -> None:
    """Writes a picture to `path`, in the format that its suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture() if pixels is None else pixels).save(path)


def write_faces(root: pathlib.Path, keys: Sequence[str]) -> None:
    """`root/photos/KEY.jpg` with `root/csv/KEY.csv` for each key, all usable."""
    for number, key in enumerate(keys):
        write_photo(root / "photos" / f"{key}.jpg")
        path = root / "csv" / f"{key}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(csv_text(row(AU12_r=number % 6)))


def write_landmarks(path: pathlib.Path, points: np.ndarray) -> pathlib.Path:
    """A CSV as `FaceLandmarkImg -2Dfp` writes it, of one face; points are float (68, 2)."""
    names = ["face", "confidence", *COLUMNS]
    values = ["0", "0.9", *map(str, points.T.ravel())]
    path.write_text(f"{', '.join(names)}\n{', '.join(values)}\n")
    return path
