"""What is remembered of portraits between the two passes over them."""

import pathlib
import pickle

import numpy as np

import tiny_portraits
from ganimation_tf.synthetic.reanimation import Appearance, load_face_model, sources, writing


def usable(name, subject, yaw):
    known = sources.KnownFace(np.zeros((68, 2)), np.zeros(4))
    appearance = Appearance(np.full((3, 3), 128.0), yaw, 0.0, 10.0)
    return writing.Usable(name, pathlib.Path(f"{name}.png"), known, subject, appearance)


def test_both_of_a_couple_are_one_subject_in_all_their_photos():
    portraits = [
        usable("a1", "ada", 0),
        usable("b1", "bob", 1),
        usable("b2", "bob", -20),
        usable("c1", "cy", 5),
        usable("d1", "dot", 4.5),
        usable("e1", "eve", 90),
    ]
    coupled = writing.exchange_skins(portraits)
    assert [one.partner for one in coupled] == [1, 0, None, 4, 3, None]
    assert [one.subject for one in coupled] == ["ada", "ada", "ada", "cy", "cy", "eve"]
    assert writing.couples_of(coupled) == [("a1", "b1"), ("c1", "d1")]
    assert writing.couples_of(portraits) == []


def test_no_pixel_is_held_of_a_portrait(tmp_path):
    tiny_portraits.save(tmp_path, {"ada": tiny_portraits.landmarks()})
    model = load_face_model(tmp_path / "model.npz")
    source = sources.AnnotatedFaces(tmp_path / "csv", tmp_path / "photos", model)
    request = writing.Request(model, count=8, size=64, seed=0)
    photos = writing.photos_in(tmp_path / "photos")
    (one,), rejected = writing.usable_portraits(photos, source, request)
    assert rejected == [] and one.subject == "ada" and one.partner is None
    assert len(pickle.dumps(one)) < 5000  # the photo has 196,608 bytes, the face model more
