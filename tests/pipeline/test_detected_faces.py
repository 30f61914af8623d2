"""Sources without geometry, cropped by the detector's points, against OpenFace's landmarks.

The same photos and intensities, rewritten as LibreFace and the published layout have them.
"""

import csv
import pickle
import shutil

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.libreface import FORM
from jobs import kept, preprocess, split_of

pytestmark = [pytest.mark.slow, pytest.mark.faces]

NAMES = [
    "hmd_female_asian_b49dceef-ee93-456e-9871-b83d393c1c0c",
    "hmd_female_black_532db30e-4d13-4336-a887-a4ed8c046e0b",
    "hmd_male_latino_cc5a727d-0bf6-4587-b76e-5c9d6ab80dcc",
    "hmd_male_white_0987e7cb-31e4-4900-a2ca-17dd60f8145c",
    "sd15_netral_netral_43",
    "sd15_senang_senang_77",
]
LIBREFACE = tuple(f"AU{n:02}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))


@pytest.fixture
def inputs(tmp_path, faces_dir):
    """`imgs`, and the annotations `openface`, `libreface` and `published` of them."""
    for name in ("imgs", "openface", "libreface", "published"):
        (tmp_path / name).mkdir()
    arrays = {}
    for name in NAMES:
        shutil.copy(faces_dir / f"imgs/{name}.jpg", tmp_path / "imgs")
        path = shutil.copy(faces_dir / f"openface_csv/{name}.csv", tmp_path / "openface")
        with open(path, newline="") as file:
            (fields,) = csv.DictReader(file, skipinitialspace=True)
        columns = {FORM.column(unit): fields[f"{unit}_r"] for unit in LIBREFACE}
        with open(tmp_path / f"libreface/{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerow(columns)
        arrays[name] = np.array([float(fields[f"{unit}_r"]) for unit in OPENFACE])
    (tmp_path / "published/aus_openface.pkl").write_bytes(pickle.dumps(arrays))
    for list_name, names in (("train_ids.csv", NAMES[:4]), ("test_ids.csv", NAMES[4:])):
        text = "".join(f"{name}.jpg\n" for name in names)
        (tmp_path / "published" / list_name).write_text(text)
    return tmp_path


def corners(transform: np.ndarray) -> np.ndarray:
    """float64 (4, 2): those of a 32 pixel crop, in the photo."""
    return np.array([(0, 0, 1), (31, 0, 1), (31, 31, 1), (0, 31, 1)]) @ transform.T


@pytest.mark.parametrize(("source", "units"), [("libreface", LIBREFACE), ("published", OPENFACE)])
def test_the_detector_crops_as_landmarks_do(inputs, source, units):
    by_key = kept(
        preprocess(inputs / "imgs", inputs / source, inputs / "found", "--detector", "mtcnn")
    )
    expected = kept(preprocess(inputs / "imgs", inputs / "openface", inputs / "expected"))
    assert sorted(by_key) == sorted(expected) == sorted(NAMES)
    chosen = [OPENFACE.index(unit) for unit in units]
    for name, record in by_key.items():
        wanted = expected[name]
        np.testing.assert_array_equal(record.action_units, wanted.action_units[chosen])
        places, right = corners(record.transform), corners(wanted.transform)
        side = np.linalg.norm(right[1] - right[0])
        # Of 18 such faces the worst is off by 4.6 % of the crop's side, most by less than 2 %.
        assert np.abs(places - right).max() < 0.06 * side, name


def test_the_published_lists_are_the_split(inputs):
    output = preprocess(
        inputs / "imgs", inputs / "published", inputs / "out", "--detector", "mtcnn"
    )
    expected = {name: "train" for name in NAMES[:4]} | {name: "eval" for name in NAMES[4:]}
    assert split_of(output) == expected
