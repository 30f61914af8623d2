import numpy as np
import pytest

from ganimation_tf.errors import UserError
from ganimation_tf.faces.landmarks import COLUMNS, read_landmarks
from openface_files import write


def face(first: float, confidence: float = 0.98, number: int = 0):
    return [number, confidence, *np.arange(first, first + 136)]


def test_columns_are_read_by_name(tmp_path):
    shuffled = COLUMNS[68:] + COLUMNS[:68]  # y before x
    points = read_landmarks(write(tmp_path / "a.csv", [face(0.5)], shuffled))
    assert points.shape == (68, 2)
    assert points[0].tolist() == [68.5, 0.5]
    assert points[67].tolist() == [135.5, 67.5]


def test_of_several_faces_the_most_confident_is_taken(tmp_path):
    rows = [face(0, 0.4), face(1000, 0.98, 1), face(2000, 0.0, 2)]
    assert read_landmarks(write(tmp_path / "a.csv", rows))[0, 0] == 1000


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: None, "a.csv: cannot be read as CSV"),
        (lambda path: path.write_bytes(b""), "x_0 is missing; found 0 of 136 landmark columns"),
        (lambda path: path.write_bytes(b"\xff\xfe\0"), "a.csv: cannot be read as CSV"),
        (lambda path: write(path, [], COLUMNS[1:]), "x_0 is missing; found 135 of 136"),
        (lambda path: write(path, []), "has a header and no face"),
        (lambda path: write(path, [face(0)], extra=("frame", "confidence")), "is the annotation"),
        (lambda path: write(path, [[0, 0.9, "nan", *range(135)]]), "row 2: x_0 must be a number"),
        (lambda path: write(path, [face(0)[:-1]]), "row 2: y_67 must be a number, got ''"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, make, text):
    make(tmp_path / "a.csv")
    with pytest.raises(UserError, match=text):
        read_landmarks(tmp_path / "a.csv")


@pytest.mark.faces
def test_landmarks_of_a_real_annotation_lie_in_the_photo(faces_dir):
    (path, *_) = sorted((faces_dir / "openface_csv").glob("hmd_*.csv"))
    points = read_landmarks(path)
    assert ((points > 0) & (points < 320)).all()
    assert points[36:42, 0].mean() < points[42:48, 0].mean()  # the picture's left eye is first
