"""`Animator` on a model whose edits are known by arithmetic, and on real photos."""

import numpy as np
import pytest

from analytic_model import SIZE, UNITS, AnalyticModel
from ganimation_tf.animation import timeline
from ganimation_tf.animation.animator import Animator
from ganimation_tf.errors import UserError
from ganimation_tf.expression_parsing import parse
from ganimation_tf.faces import images


@pytest.fixture
def model():
    return AnalyticModel()


@pytest.fixture
def animator(model):
    return Animator(model)


@pytest.fixture
def crop():
    return np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


def test_an_edit_moves_the_crop_and_keeps_what_is_not_named(animator, model, crop):
    edited = animator.edit(crop, {"AU12": 1}, source=[0.1, 0.5, 0.3])
    np.testing.assert_array_equal(edited[:, :-1], crop[:, 1:])  # half of two pixels
    ((source, target),) = model.rendered
    np.testing.assert_allclose(source, [0.1, 0.5, 0.3], atol=1e-6)
    np.testing.assert_allclose(target, [0.1, 1.0, 0.3], atol=1e-6)


def test_no_change_is_the_crop_itself(animator, crop):
    edited = animator.edit(crop, {"AU12": 0.5}, source={"AU12": 0.5})
    np.testing.assert_array_equal(edited, crop)


def test_the_source_is_estimated_when_it_is_not_given(animator, model, crop):
    animator.edit(crop, ["AU06=0.7", "AU45-=0.1"])
    ((source, target),) = model.rendered
    mean = crop.mean((0, 1)) / 255
    np.testing.assert_allclose(source, mean, atol=1e-5)
    np.testing.assert_allclose(target, [0.7, mean[1], mean[2] - 0.1], atol=1e-5)
    np.testing.assert_allclose(animator.estimate(crop), mean, atol=1e-5)


def test_neutralise_takes_every_au_away(animator, model, crop):
    animator.neutralise(crop)
    np.testing.assert_array_equal(model.rendered[0][1], [0, 0, 0])


def test_a_sweep_goes_through_one_au(animator, model, crop):
    frames = animator.sweep(crop, "smile", steps=5)
    assert len(frames) == 5
    targets = np.array([target for _, target in model.rendered])
    np.testing.assert_allclose(targets[:, 1], [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    assert np.ptp(targets[:, [0, 2]], axis=0).max() < 1e-6


def test_a_sweep_of_two_is_its_ends(animator, model, crop):
    assert len(animator.sweep(crop, "AU12", steps=2)) == 2
    np.testing.assert_allclose([target[1] for _, target in model.rendered], [0, 1], atol=1e-6)


@pytest.mark.parametrize("steps", [1, 0, -3])
def test_a_sweep_has_two_ends(animator, model, crop, steps):
    with pytest.raises(UserError, match=f"steps must be at least 2, got {steps}"):
        animator.sweep(crop, "AU12", steps)
    assert model.rendered == []


def test_frames_that_return_are_computed_once(animator, model, crop):
    line = timeline.there_and_back(parse(["AU12=1"]), 16, 8)
    frames = list(animator.animate(crop, line, frames_per_second=8))
    assert len(frames) == 16
    np.testing.assert_array_equal(frames[1], frames[15])
    assert len(model.rendered) <= 11  # 9 of 16 differ, but for rounding of the cosine


def test_a_string_names_an_expression(animator, model, crop):
    animator.edit(crop, "happiness:0.5", source=[0, 0, 0.2])
    np.testing.assert_allclose(model.rendered[0][1], [0.4, 0.5, 0.2], atol=1e-6)


def test_properties_and_close(animator, model):
    assert animator.image_size == SIZE and animator.action_units == UNITS
    with animator:
        pass
    assert model.closed


BAD = [
    (np.zeros((SIZE, SIZE, 3), np.float32), "must be uint8 (height, width, 3) RGB, got float32"),
    (np.zeros((SIZE, SIZE), np.uint8), "must be uint8 (height, width, 3) RGB, got uint8 (32, 32)"),
    (np.zeros((40, 32, 3), np.uint8), "has 32 x 32 pixels, got 32 x 40; for a photo"),
    ([[1]], "must be uint8 (height, width, 3) RGB, got list"),
]


@pytest.mark.parametrize(("picture", "text"), BAD, ids=[text for _, text in BAD])
def test_pictures_that_are_no_crops(animator, picture, text):
    with pytest.raises(ValueError) as caught:
        animator.edit(picture, {"AU12": 1}, source=[0, 0, 0])
    assert text in str(caught.value)


@pytest.mark.parametrize("source", [[0, 0], [0, 0, 1.5], [0, 0, np.nan]])
def test_sources_that_are_no_aus(animator, crop, source):
    with pytest.raises(ValueError, match="source AUs must be 3 numbers in"):
        animator.edit(crop, {"AU12": 1}, source=source)


def test_no_face_in_a_photo(animator):
    with pytest.raises(UserError, match="photo: no face was found"):
        animator.edit_photo(np.full((90, 120, 3), 200, np.uint8), {"AU12": 1})


@pytest.mark.faces
def test_a_photo_keeps_all_that_is_not_face(animator, faces_dir):
    photo = images.decode(sorted((faces_dir / "imgs").glob("hmd_*.jpg"))[0].read_bytes())
    edited = animator.edit_photo(photo, {"AU12": 1})
    changed = (edited != photo).any(-1)
    rows, columns = np.nonzero(changed)
    assert 0.05 < changed.mean() < 0.6
    assert rows.min() > 10 and columns.min() > 10 and columns.max() < photo.shape[1] - 10


@pytest.mark.faces
def test_each_of_two_faces_by_number_place_or_all(animator, faces_dir):
    path = faces_dir / "forms" / "inputs" / "multi_composite_two_faker.jpg"
    photo = images.decode(path.read_bytes())
    first, second = (face.anchors.mean(0) for face in animator.find(photo, "all"))

    def moved(which):
        edited = animator.edit_photo(photo, {"AU12": 1}, face=which)
        changed = (edited != photo).any(-1)
        return [bool(changed[int(y), int(x)]) for x, y in (first, second)]

    assert moved("largest") == moved("1") == [True, False]
    assert moved("2") == moved(f"{second[0]:.0f},{second[1]:.0f}") == [False, True]
    assert moved("all") == [True, True]
    for which, text in (("3", "2 faces were found"), ("x", "largest, all, a number or X,Y")):
        with pytest.raises(UserError, match=text):
            animator.find(photo, which)
