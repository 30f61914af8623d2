"""A face model fitted to 68 landmarks: camera, person and expression by least squares."""

import dataclasses

import numpy as np

from ganimation_tf.synthetic.reanimation.face_model import FaceModel

ITERATIONS = 6
LANDMARK_SIGMA = 0.015
"""How far a landmark may lie off, in distances between the outer eye corners."""
JAW_SIGMA = 0.04
"""The same for the jaw: its points slide along the outline of a turned head."""
EXPRESSION_SIGMA = 0.12
"""How far the expression may differ from what is already known of it, in units of a shape."""


@dataclasses.dataclass(frozen=True, eq=False)
class Camera:
    """Weak perspective: turned, flattened, scaled, moved.

    Attributes:
        rotation: float64 (3, 3), head to viewer, y up.
        scale: pixels per centimetre.
        shift: float64 (2,), pixel at which the head's origin lies.
    """

    rotation: np.ndarray
    scale: float
    shift: np.ndarray

    def project(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels float (V, 2), y down, and turned vertices (V, 3) in centimetres."""
        turned = vertices @ self.rotation.T.astype(vertices.dtype)
        flat = turned[:, :2] * np.array([self.scale, -self.scale], vertices.dtype)
        return flat + self.shift.astype(vertices.dtype), turned

    @property
    def yaw(self) -> float:
        """Degrees by which the head is turned, to the viewer's right positive."""
        return float(np.degrees(np.arctan2(self.rotation[0, 2], self.rotation[2, 2])))

    @property
    def pitch(self) -> float:
        """Degrees by which the head is raised."""
        return float(np.degrees(np.arcsin(np.clip(self.rotation[1, 2], -1, 1))))


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """What `fit` found.

    Attributes:
        camera: how the head is seen.
        identity: float64 (K,), the person's coefficients.
        expression: float64 (E,), the expression's.
        residual: float64 (68, 2), pixels from the model's points to the landmarks.
        error: mean length of these in distances between the outer eye corners.
    """

    camera: Camera
    identity: np.ndarray
    expression: np.ndarray
    residual: np.ndarray
    error: float


def fit(model: FaceModel, landmarks: np.ndarray, expression: np.ndarray) -> Fit:
    """The head whose 68 points lie where the landmarks are.

    Gauss-Newton on camera and coefficients together. Without a known expression a smile is
    mistaken for a wide mouth: 68 points do not tell the two apart.

    Args:
        landmarks: float (68, 2) in pixels.
        expression: float (E,), the expression that the face is thought to have.
    """
    landmarks = np.asarray(landmarks, np.float64)
    basis = np.concatenate([model.identity, model.expression])[:, model.landmarks]
    basis = basis.astype(np.float64)
    mean = model.neutral[model.landmarks].astype(np.float64)
    people = len(model.identity)
    known = np.concatenate([np.zeros(people), expression])
    prior_weight = np.concatenate([np.ones(people), np.full(len(expression), 1 / EXPRESSION_SIGMA)])
    eyes = np.linalg.norm(landmarks[45] - landmarks[36])
    sigma = np.full(68, LANDMARK_SIGMA)
    sigma[:17] = JAW_SIGMA
    weight = np.repeat(1 / (sigma * eyes), 2)
    coefficients = known.copy()
    camera = _first_camera(mean + np.tensordot(known, basis, 1), landmarks, sigma)
    for _ in range(ITERATIONS):
        shape = mean + np.tensordot(coefficients, basis, 1)
        points, turned = camera.project(shape)
        jacobian = np.concatenate(
            [_camera_jacobian(camera, points, turned), _shape_jacobian(camera, basis)], 1
        )
        design = np.concatenate(
            [jacobian * weight[:, None], np.diag([0.0] * 6 + [*prior_weight])[6:]]
        )
        target = np.concatenate(
            [(landmarks - points).ravel() * weight, prior_weight * (known - coefficients)]
        )
        step = np.linalg.solve(
            design.T @ design + 1e-9 * np.eye(design.shape[1]), design.T @ target
        )
        camera = _moved(camera, step[:6])
        coefficients = coefficients + step[6:]
        coefficients[people:] = np.clip(coefficients[people:], -0.2, 1.2)
    points, _ = camera.project(mean + np.tensordot(coefficients, basis, 1))
    residual = landmarks - points
    error = float(np.linalg.norm(residual, axis=1).mean() / eyes)
    return Fit(camera, coefficients[:people], coefficients[people:], residual, error)


def turn(axis_angle: np.ndarray) -> np.ndarray:
    """float64 (3, 3): the rotation about an axis by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(axis_angle))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(axis_angle, np.float64) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _first_camera(shape: np.ndarray, landmarks: np.ndarray, sigma: np.ndarray) -> Camera:
    """The nearest scaled rotation to the affine camera of least squares."""
    weight = 1 / sigma[:, None]
    design = np.concatenate([shape, np.ones((68, 1))], 1)
    upright = landmarks * [1, -1]
    affine = np.linalg.lstsq(design * weight, upright * weight, rcond=None)[0].T
    left, scales, right = np.linalg.svd(affine[:, :3], full_matrices=False)
    rows = left @ right
    rotation = np.stack([rows[0], rows[1], np.cross(rows[0], rows[1])])
    return Camera(rotation, float(scales.mean()), affine[:, 3] * [1, -1])


def _camera_jacobian(camera: Camera, points: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """(136, 6): by small turns about x, y, z, log scale, and shift."""
    x, y, z = turned.T
    scale = camera.scale
    jacobian = np.zeros((68, 2, 6))
    jacobian[:, 0, 1], jacobian[:, 0, 2] = scale * z, -scale * y
    jacobian[:, 1, 0], jacobian[:, 1, 2] = scale * z, -scale * x
    jacobian[:, :, 3] = points - camera.shift
    jacobian[:, 0, 4] = jacobian[:, 1, 5] = 1
    return jacobian.reshape(136, 6)


def _shape_jacobian(camera: Camera, basis: np.ndarray) -> np.ndarray:
    """(136, K + E)."""
    flat = (basis @ camera.rotation[:2].T) * [camera.scale, -camera.scale]
    return flat.reshape(len(basis), 136).T


def _moved(camera: Camera, step: np.ndarray) -> Camera:
    # A step of more than a third of a radian has left the range where the model is linear.
    angle = step[:3] * min(1.0, 0.35 / max(float(np.linalg.norm(step[:3])), 1e-12))
    return Camera(
        turn(angle) @ camera.rotation,
        camera.scale * float(np.exp(np.clip(step[3], -0.5, 0.5))),
        camera.shift + step[4:],
    )
