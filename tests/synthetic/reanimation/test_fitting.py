"""Known coefficients are projected and found again."""

import numpy as np
import pytest

from ganimation_tf.synthetic.reanimation.face_model import head
from ganimation_tf.synthetic.reanimation.fitting import Camera, fit, turn
from tiny_head import project


def test_turn_is_a_rotation_by_the_angle():
    np.testing.assert_allclose(
        turn(np.radians([0, 0, 90.0])), [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12
    )
    np.testing.assert_allclose(turn(np.zeros(3)), np.eye(3))


def test_projects_with_y_down_and_tells_yaw_and_pitch():
    camera = Camera(turn(np.radians([0, 20.0, 0])), 2.0, np.array([5.0, 7.0]))
    points, _ = camera.project(np.array([[0.0, 3.0, 0.0]]))
    np.testing.assert_allclose(points, [[5, 1]], atol=1e-12)
    assert camera.yaw == pytest.approx(20)
    assert camera.pitch == pytest.approx(0)


def test_finds_the_camera_of_the_mean_face(model, camera):
    fitted = fit(model, project(model, camera, model.neutral), _none(model))
    assert fitted.error < 1e-6
    assert fitted.camera.yaw == pytest.approx(6, abs=1e-3)
    assert fitted.camera.scale == pytest.approx(10, rel=1e-4)
    np.testing.assert_allclose(fitted.identity, 0, atol=1e-3)


def test_person_and_known_expression_are_found(model, camera):
    identity = np.array([1.0, -0.5, 0.3, 0, 0, 0.8])
    expression = _none(model)
    expression[model.expression_names.index("mouthSmile_L")] = 0.7
    shape = head(model, identity, expression)
    fitted = fit(model, project(model, camera, shape), expression)
    assert fitted.error < 0.004
    assert fitted.camera.yaw == pytest.approx(6, abs=3)
    smile = model.expression_names.index("mouthSmile_L")
    assert fitted.expression[smile] == pytest.approx(0.7, abs=0.05)


def test_residual_is_what_is_left(model, camera):
    landmarks = project(model, camera, model.neutral)
    landmarks += np.random.default_rng(1).normal(0, 2, (68, 2))
    fitted = fit(model, landmarks, _none(model))
    shape = head(model, fitted.identity, fitted.expression)
    again = project(model, fitted.camera, shape) + fitted.residual
    np.testing.assert_allclose(again, landmarks, atol=1e-3)
    eyes = np.linalg.norm(landmarks[45] - landmarks[36])
    assert fitted.error == pytest.approx(np.linalg.norm(fitted.residual, axis=1).mean() / eyes)


def _none(model):
    return np.zeros(len(model.expression_names))
