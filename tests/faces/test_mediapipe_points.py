import numpy as np
import pytest

from ganimation_tf.annotations.photo import face_in
from ganimation_tf.faces.mediapipe_points import EYE_CORNERS, LANDMARKS_68, landmarks_68


def test_takes_points_by_number():
    points = np.stack([np.arange(478), 1000 + np.arange(478), np.zeros(478)], 1)
    actual = landmarks_68(points)
    assert actual.shape == (68, 2)
    assert actual[[36, 45]].tolist() == [[number, 1000 + number] for number in EYE_CORNERS]
    assert actual[8].tolist() == [152, 1152]  # chin
    assert np.array_equal(landmarks_68(np.stack([points, points])), np.stack([actual, actual]))


def test_chin_nose_and_lips_lie_on_the_axis_of_the_mesh():
    axis = {8: 152, 27: 168, 30: 4, 33: 2, 51: 0, 57: 17, 62: 13, 66: 14}
    assert {point: int(LANDMARKS_68[point]) for point in axis} == axis
    assert len(set(LANDMARKS_68.tolist())) == 68


@pytest.mark.parametrize("shape", [(67, 2), (478,), (478, 4), (468, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="points must have shape"):
        landmarks_68(np.zeros(shape))


def test_lies_where_openface_finds_the_same_points(photoreal_dir):
    with np.load(photoreal_dir / "mediapipe.npz") as file:
        files, points = file["files"].tolist(), file["points"]
    errors = []
    for name, one in zip(files, points, strict=True):
        path = photoreal_dir / "openface_csv" / name.replace(".jpg", ".csv")
        if path.exists():
            truth = face_in(path, photoreal_dir / "portraits" / name).landmarks
            eyes = np.linalg.norm(truth[45] - truth[36])
            errors.append(np.linalg.norm(landmarks_68(one) - truth, axis=1) / eyes)
    errors = np.median(errors, axis=0)
    assert errors[17:].mean() < 0.03  # brows, eyes, nose, lips
    assert errors[:17].mean() < 0.06  # OpenFace's jaw follows the outline, the mesh does not
