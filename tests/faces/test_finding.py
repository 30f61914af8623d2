"""Faces found in drawn pictures, whose landmarks are known."""

import numpy as np
import pytest

from ganimation_tf import synthetic
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, finding
from ganimation_tf.faces.finding import FaceFinder


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


def drawn(person: int, size: int) -> synthetic.Face:
    identity, pose, units = synthetic.reproduce(0, person, 0)
    return synthetic.render(identity, units, size, pose)


def placed(places, canvas=(720, 1280)) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture with faces of (person, size, left, top), and the anchors of each."""
    picture = np.full((*canvas, 3), 170, np.uint8)
    anchors = []
    for person, size, left, top in places:
        face = drawn(person, size)
        picture[top : top + size, left : left + size] = face.image
        anchors.append(alignment.anchors_from_landmarks(face.landmarks) + [left, top])
    return picture, anchors


@pytest.mark.parametrize("size", [700, 256, 96])
def test_a_face_is_found_where_it_is_whatever_its_size(finder, size):
    picture, (anchors,) = placed([(1, size, 300, 10)])
    (face,) = finder.find(picture)
    apart = np.hypot(*(face.anchors - anchors).T) / np.hypot(*(anchors[1] - anchors[0]))
    # A drawn face is none that the network was trained on.
    assert apart.max() < 0.15
    assert face.score > 0.9


def test_the_largest_comes_first_and_all_are_found(finder):
    places = [(1, 128, 20, 20), (2, 256, 300, 200), (3, 160, 800, 400)]
    picture, anchors = placed(places)
    faces = finder.find(picture)
    assert len(faces) == 3
    for face, wanted in zip(faces, (anchors[1], anchors[2], anchors[0]), strict=True):
        assert np.hypot(*(face.anchors.mean(0) - wanted.mean(0))) < face.between_eyes / 4


def test_fifty_faces(finder):
    places = [(n, 128, n % 10 * 128, n // 10 * 140) for n in range(50)]
    picture, _ = placed(places)
    assert len(finder.find(picture)) >= 48


def test_a_large_photo_is_searched_as_well_as_a_small_one(finder):
    picture, (anchors,) = placed([(1, 512, 2600, 1500)], (2400, 3600))
    (face,) = finder.find(picture)
    assert np.abs(face.anchors - anchors).max() < face.between_eyes * 0.15


@pytest.mark.parametrize("value", [0, 255])
def test_no_face(finder, value):
    assert finder.find(np.full((240, 320, 3), value, np.uint8)) == []
    assert finder.find(np.full((3, 5, 3), value, np.uint8)) == []


def test_noise_is_no_face(finder):
    rng = np.random.default_rng(0)
    assert finder.find(rng.integers(0, 256, (480, 640, 3), np.uint8)) == []


def test_a_face_is_followed_to_its_next_place_and_lost_where_it_is_not(finder):
    picture, _ = placed([(1, 256, 300, 200)])
    moved, (anchors,) = placed([(1, 256, 312, 208)])
    (face,) = finder.find(picture)
    again = finder.follow(moved, face)
    assert np.abs(again.anchors - anchors).max() < again.between_eyes * 0.15
    assert finder.follow(np.full_like(picture, 170), face) is None


def test_faces_are_chosen_by_number_place_or_all(finder):
    picture, _ = placed([(1, 128, 20, 20), (2, 256, 300, 200)])
    large, small = faces = finder.find(picture)
    assert finding.choose(faces, "largest", "a") == [large]
    assert finding.choose(faces, "all", "a") == [large, small]
    assert finding.choose(faces, "2", "a") == [small]
    assert finding.choose(faces, "84,84", "a") == [small]
    for which, text in (
        ("3", "a: 2 faces were found, there is no number 3"),
        ("0", "there is no number 0"),
        ("1000,10", "a: there is no face at 1000,10"),
        ("left", "a face is largest, all, a number or X,Y; got 'left'"),
        ("1,x", "a face is largest, all, a number or X,Y; got '1,x'"),
    ):
        with pytest.raises(UserError, match=text):
            finding.choose(faces, which, "a")
    with pytest.raises(UserError, match="a: no face was found"):
        finding.choose([], "all", "a")
