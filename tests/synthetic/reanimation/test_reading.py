"""Reading the head: what is refused, and what comes back as it was written."""

import dataclasses

import numpy as np
import pytest

from ganimation_tf.errors import UserError
from ganimation_tf.synthetic.reanimation import load_face_model, read_obj_folder, reading, topology


def test_saved_model_is_the_same(model, tmp_path):
    model.save(tmp_path / "model.npz")
    again = load_face_model(tmp_path / "model.npz")
    assert again.digest == model.digest
    for name in ("interior_part", "lips", "landmarks", "skin"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert again.licence == model.licence


def test_digest_follows_the_shapes(model):
    other = dataclasses.replace(model, neutral=model.neutral + 1)
    assert other.digest != model.digest


def test_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, neutral=np.zeros((3, 3)))
    with pytest.raises(UserError, match=r"x\.npz: is no face model: the array identity is missing"):
        load_face_model(path)
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"x\.npz: cannot be read"):
        load_face_model(path)


def test_other_topology_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(
        path,
        neutral=np.zeros((5, 3)),
        identity=np.zeros((1, 5, 3)),
        expression=np.zeros((1, 5, 3)),
        expression_names=["jawOpen"],
        faces=np.zeros((2, 4), np.int32),
    )
    with pytest.raises(UserError, match="must have 26719 vertices and 26384 polygons, got"):
        load_face_model(path)


def test_incomplete_clone_is_refused_by_the_file(tmp_path):
    with pytest.raises(UserError, match=r"generic_neutral_mesh\.obj: is missing"):
        read_obj_folder(tmp_path)
    (tmp_path / "generic_neutral_mesh.obj").write_text("v 0 0 0\nf 1 1 1\n")
    with pytest.raises(UserError, match="must have 26719 vertices .* got 1 and 1"):
        read_obj_folder(tmp_path)


def test_obj_with_triangles_quads_and_texture(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("# x\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0.5\nvt 0 0\nf 1/1 2/1 3/1\nf 1 2 3 4\n")
    vertices, faces = reading.read_obj(path)
    np.testing.assert_array_equal(vertices[3], [0, 1, 0.5])
    np.testing.assert_array_equal(faces, [[0, 1, 2, -1], [0, 1, 2, 3]])


def test_quads_become_two_triangles_of_the_same_turn():
    actual = topology.triangles(np.array([[0, 1, 2, 3], [4, 5, 6, -1]]))
    assert actual.tolist() == [[0, 1, 2], [4, 5, 6], [0, 2, 3]]


def test_loops_are_the_outline_and_the_hole():
    number = np.arange(16).reshape(4, 4)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], 2)
    quads = np.delete(quads.reshape(9, 4), 4, axis=0)  # the one in the middle
    outline, hole = topology.loops(quads)
    assert len(outline) == 12
    assert set(hole.tolist()) == {5, 6, 9, 10}


def test_residual_of_a_landmark_moves_its_vertex(model):
    # Moving one landmark moves its own vertex nearly as far, and one 8 cm away hardly.
    spread = model.spread
    assert spread[model.landmarks[30], 30] > 0.9
    assert abs(spread[model.landmarks[30], 8]) < 0.1


def test_shapes_lie_in_memory_as_sums_read_them(model, tmp_path):
    turned = {name: np.asfortranarray(getattr(model, name)) for name in ("identity", "expression")}
    dataclasses.replace(model, **turned).save(tmp_path / "model.npz")
    read = reading.load_face_model(tmp_path / "model.npz")
    for name in turned:
        assert getattr(read, name).flags.c_contiguous
        np.testing.assert_allclose(getattr(read, name), turned[name], atol=1e-3)


def test_obj_files_equal_the_compact_file(photoreal_dir):
    vertices, faces = reading.read_obj(photoreal_dir / "ict_sample" / "generic_neutral_mesh.obj")
    with np.load(photoreal_dir / "ict_face_model.npz") as file:
        np.testing.assert_allclose(vertices, file["neutral"], atol=1e-5)
        np.testing.assert_array_equal(faces, file["faces"])
        np.testing.assert_array_equal(topology.LANDMARKS, file["landmarks_68"])
        jaw, _ = reading.read_obj(photoreal_dir / "ict_sample" / "jawOpen.obj", polygons=False)
        names = file["expression_names"].tolist()
        np.testing.assert_allclose(
            jaw - vertices, file["expression"][names.index("jawOpen")], atol=5e-3
        )
    assert topology.LICENCE.split() == [
        word.strip("#")
        for word in (photoreal_dir / "ict_sample" / "LICENSE").read_text().split()
        if word.strip("#")
    ]
