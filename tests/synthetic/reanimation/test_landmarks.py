"""MediaPipe's points to the 68."""

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation.landmarks import MEDIAPIPE_TO_IBUG, ibug_from_mediapipe


def test_takes_points_by_number():
    points = np.stack([np.arange(478), 1000 + np.arange(478), np.zeros(478)], 1)
    found = ibug_from_mediapipe(points)
    assert found.shape == (68, 2)
    assert found[36].tolist() == [33, 1033]  # right outer eye corner
    assert found[45].tolist() == [263, 1263]
    assert found[8].tolist() == [152, 1152]  # chin
    assert found[2].tolist() == [112.5, 1112.5]  # between 93 and 132


def test_two_mirrored_points_each():
    # Mediapipe's mesh is symmetrical: chin, lips and nose lie on its axis.
    assert len(MEDIAPIPE_TO_IBUG) == 68
    axis = {8: 152, 27: 168, 33: 2, 51: 0, 57: 17, 62: 13, 66: 14}
    for point, number in axis.items():
        assert MEDIAPIPE_TO_IBUG[point] == (number, number)


@pytest.mark.parametrize("shape", [(67, 2), (478,), (478, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"points must have shape \(478, 2\)"):
        ibug_from_mediapipe(np.zeros(shape))


def test_lies_where_openface_finds_the_same_points(photoreal_dir):
    from ganimation_tf.faces.landmarks import read_landmarks

    with np.load(photoreal_dir / "mediapipe.npz") as file:
        files, points = file["files"].tolist(), file["points"]
    errors = []
    for name, found in zip(files[:20], points, strict=False):
        path = photoreal_dir / "openface_csv" / name.replace(".jpg", ".csv")
        if path.exists():
            truth = read_landmarks(path)
            eyes = np.linalg.norm(truth[45] - truth[36])
            errors.append(np.linalg.norm(ibug_from_mediapipe(found) - truth, axis=1)[17:] / eyes)
    assert np.mean(errors) < 0.06
