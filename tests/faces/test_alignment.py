"""Face geometry against transforms that can be worked out by hand."""

import numpy as np
import pytest

from ganimation_tf.faces import alignment
from ganimation_tf.faces.decoded import Reduction

SPEC = alignment.CropSpec(size=101, margin=0.0)
"""Its square is 2.4 distances between the eyes wide: 100 / 2.4 crop pixels for each."""


def five_points(unit: float = 100.0, at=(300.0, 200.0), degrees: float = 0.0) -> np.ndarray:
    """An average face with that distance between the eyes, turned clockwise."""
    points = np.array([(-0.5, 0), (0.5, 0), (0, 0.6), (-0.4, 1.04), (0.4, 1.04)]) * unit
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + at


def transform_of(points: np.ndarray, spec=SPEC) -> np.ndarray:
    return alignment.crop_transform(alignment.anchors_from_five_points(points), spec)


def gradient_image(height: int = 60, width: int = 80) -> np.ndarray:
    """Red is x, green is y, blue is 7: bilinear sampling of it is exact."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 7)], axis=-1).astype(np.uint8)


def test_crop_transform_by_hand():
    # Scale: 100 source pixels between the eyes over 100 / 2.4 crop pixels is 2.4. The crop's
    # middle pixel 50 is the face's centre, 0.72 * 100 under the eyes at (300, 200).
    np.testing.assert_allclose(
        transform_of(five_points()),
        [[2.4, 0, 300 - 50 * 2.4], [0, 2.4, 272 - 50 * 2.4]],
        atol=1e-9,
    )


def test_margin_widens_the_crop_on_each_side():
    wide = transform_of(five_points(), alignment.CropSpec(size=101, margin=0.25))
    assert alignment.scale_of(wide) == pytest.approx(2.4 * 1.5)
    assert wide @ (50, 50, 1) == pytest.approx((300, 272))


@pytest.mark.parametrize("degrees", [-170, -30, 0, 30, 90])
def test_roll_is_undone(degrees):
    points = five_points(degrees=degrees)
    transform = transform_of(points)
    assert alignment.roll_of(transform) == pytest.approx(degrees)
    assert alignment.scale_of(transform) == pytest.approx(2.4)
    inverse = np.linalg.inv(np.vstack([transform, (0, 0, 1)]))[:2]
    eyes = np.column_stack([points[:2], (1, 1)]) @ inverse.T
    unit = 100 / 2.4
    expected = [(50 - unit / 2, 50 - 0.72 * unit), (50 + unit / 2, 50 - 0.72 * unit)]
    np.testing.assert_allclose(eyes, expected)


def test_least_squares_beats_its_neighbours_on_a_face_that_no_similarity_fits():
    anchors = np.array([(10.0, 20), (60, 25), (30, 90)])
    best = alignment.crop_transform(anchors, SPEC)
    unit = 100 / 2.4
    template = np.column_stack(
        [(alignment.ANCHORS - alignment.FACE_CENTER) * unit + 50, np.ones(3)]
    )

    def error(transform):
        return np.square(template @ transform.T - anchors).sum()

    assert error(best) > 1
    a, b, x, y = best[0, 0], best[1, 0], best[0, 2], best[1, 2]
    for step in np.concatenate([np.eye(4), -np.eye(4)]) * 1e-3:
        c, d, u, v = np.add((a, b, x, y), step)
        assert error(np.array([[c, -d, u], [d, c, v]])) > error(best)


def landmarks() -> np.ndarray:
    points = np.zeros((68, 2))
    left, right, _, left_corner, right_corner = five_points()
    ring = np.array([(-20, 0), (-8, -6), (8, -6), (20, 0), (8, 6), (-8, 6)])
    points[36:42], points[42:48] = left + ring, right + ring
    points[48], points[54] = left_corner, right_corner
    return points


def test_landmarks_and_five_points_reduce_to_the_same_anchors():
    np.testing.assert_allclose(
        alignment.anchors_from_landmarks(landmarks()),
        alignment.anchors_from_five_points(five_points()),
    )


def test_a_wider_mouth_does_not_move_the_crop():
    stretched = landmarks()
    stretched[48] -= (25, 0)
    stretched[54] += (25, 0)
    before, after = (
        alignment.crop_transform(alignment.anchors_from_landmarks(p), SPEC)
        for p in (landmarks(), stretched)
    )
    np.testing.assert_allclose(after, before)


@pytest.mark.parametrize(
    ("reduce", "shape"),
    [(alignment.anchors_from_landmarks, (68, 2)), (alignment.anchors_from_five_points, (5, 2))],
)
def test_anchors_refuse_wrong_shapes_and_nan(reduce, shape):
    with pytest.raises(ValueError, match=rf"must have shape \({shape[0]}, 2\), got \(4, 2\)"):
        reduce(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="must be finite"):
        reduce(np.full(shape, np.nan))


def test_one_point_three_times_is_no_face():
    with pytest.raises(ValueError, match="must be distinct points"):
        alignment.crop_transform(np.full((3, 2), 5.0), SPEC)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 7}, "at least 8 pixels, got 7"),
        ({"margin": -0.1}, r"margin must be in \[0, 2\], got -0.1"),
        ({"margin": 2.1}, r"margin must be in \[0, 2\], got 2.1"),
    ],
)
def test_crop_spec_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        alignment.CropSpec(**arguments)


def test_crop_with_a_shift_copies_pixels():
    image = gradient_image()
    crop = alignment.crop(image, np.array([[1.0, 0, 12], [0, 1.0, 5]]), 16)
    np.testing.assert_array_equal(crop, image[5:21, 12:28])


def test_crop_beyond_the_edge_is_filled_by_reflection():
    crop = alignment.crop(gradient_image(), np.array([[1.0, 0, -3], [0, 1.0, -2]]), 8)
    assert crop[0, :, 0].tolist() == [3, 2, 1, 0, 1, 2, 3, 4]
    assert crop[:, 0, 1].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]


def test_crop_turns_the_picture():
    # Crop x runs down the source, crop y to its left: a quarter turn.
    crop = alignment.crop(gradient_image(), np.array([[0, -1.0, 40], [1.0, 0, 10]]), 8)
    assert crop[0, 0].tolist() == [40, 10, 7]
    assert crop[0, 7].tolist() == [40, 17, 7]
    assert crop[7, 0].tolist() == [33, 10, 7]


@pytest.mark.parametrize("factor", [2.0, 3.0, 4.5])
def test_reduced_sampling_shifts_nothing(factor):
    """Averages of a ramp are the ramp: the value tells where a crop pixel was sampled."""
    image = gradient_image(120, 120) * np.uint8(2)  # means of 2, 3 or 4 columns are whole numbers
    crop = alignment.crop(image, np.array([[factor, 0, 12], [0, factor, 21]]), 20).astype(int)
    ramp = 2 * factor * np.arange(20)
    np.testing.assert_allclose(crop[5, :, 0], 24 + ramp, atol=0.6)  # 0.3 of a source pixel
    np.testing.assert_allclose(crop[:, 5, 1], 42 + ramp, atol=0.6)


def test_reduced_sampling_does_not_alias():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    crop = alignment.crop(stripes, np.array([[4.0, 0, 2], [0, 4.0, 2]]), 14)
    assert np.abs(crop.astype(int) - 100).max() <= 2


def test_paste_undoes_crop_and_changes_nothing_outside():
    image = gradient_image(100, 120)
    angle = np.radians(20)
    cosine, sine = 1.5 * np.cos(angle), 1.5 * np.sin(angle)
    transform = np.array([[cosine, -sine, 40], [sine, cosine, 15]])
    back = alignment.paste(image, alignment.crop(image, transform, 32), transform)
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - image).max() <= 2


def test_paste_shows_the_face_inside_and_the_photo_outside():
    image = np.full((60, 60, 3), 50, np.uint8)
    face = np.full((20, 20, 3), 200, np.uint8)
    pasted = alignment.paste(image, face, np.array([[1.0, 0, 30], [0, 1.0, 10]]))
    assert (pasted[:10] == 50).all() and (pasted[:, :30] == 50).all()
    assert (pasted[30:] == 50).all() and (pasted[:, 50:] == 50).all()
    assert (pasted[12:28, 32:48] == 200).all()
    # One pixel inside the edge of a ramp that is two wide: half of each.
    assert pasted[20, 31].tolist() == [125, 125, 125]


def test_crop_of_a_reduced_copy_is_the_crop_of_the_photo():
    image = gradient_image(120, 120) * np.uint8(2)
    halved = image.reshape(60, 2, 60, 2, 3).mean((1, 3)).astype(np.uint8)
    transform = np.array([[3.0, 0.5, 12], [-0.5, 3.0, 21]])
    whole = alignment.crop(image, transform, 20).astype(int)
    reduced = alignment.crop(halved, transform, 20, Reduction(2)).astype(int)
    assert np.abs(whole - reduced).max() <= 2


def test_crop_reads_only_the_part_it_needs():
    """A photo wider than OpenCV's 32,767 pixels, of which the crop needs a few."""
    image = np.zeros((4, 40000, 3), np.uint8)
    image[:, 39990:] = 200
    crop = alignment.crop(image, np.array([[1.0, 0, 39986], [0, 1.0, -2]]), 8)
    assert crop[:, :, 0].tolist() == [[0, 0, 0, 0, 200, 200, 200, 200]] * 8


@pytest.mark.parametrize("shift", [(-20, 0), (80, 0), (0, -20), (0, 60), (np.nan, 0)])
def test_crop_refuses_what_shows_nothing_of_the_image(shift):
    transform = np.array([[1.0, 0, shift[0]], [0, 1.0, shift[1]]])
    with pytest.raises(ValueError, match="the crop lies outside the 80 x 60 image"):
        alignment.crop(gradient_image(), transform, 8)


def test_crop_refuses_to_be_a_desert():
    with pytest.raises(ValueError, match="the crop is 70000 pixels wide, the image 80 x 60"):
        alignment.crop(gradient_image(), np.array([[1e4, 0, -9], [0, 1e4, -9]]), 8)


def test_crop_that_is_almost_all_reflection():
    """The image's four pixels repeat to and fro: 0 1 2 3 2 1 0 1 ..."""
    image = np.tile(np.arange(4, dtype=np.uint8)[None, :, None], (4, 1, 3))
    crop = alignment.crop(image, np.array([[1.0, 0, -12], [0, 1.0, 0]]), 16)
    assert crop[5, :, 0].tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3]


def test_far_anchors_are_refused():
    with pytest.raises(ValueError, match="within 1e[+]06 pixels"):
        alignment.crop_transform(np.array([(0, 0), (1e300, 0), (0, 9)]), SPEC)


def test_anchors_from_box():
    # An average face, from BOX_ANCHORS: 0.267 of 200 right of 10, 0.399 of 100 below 20.
    anchors = alignment.anchors_from_box(np.array([10, 20, 200, 100]))
    np.testing.assert_allclose(anchors, [(63.4, 59.9), (156.6, 59.9), (110, 94.8)])


@pytest.mark.parametrize("box", [(0, 0, 0, 9), (0, 0, 9, -9), (0, 0, np.inf, 9), (1, 2, 3)])
def test_anchors_from_box_refuses(box):
    with pytest.raises(ValueError, match="box must"):
        alignment.anchors_from_box(np.array(box, float))
