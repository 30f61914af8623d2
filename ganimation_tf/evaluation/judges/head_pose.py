"""Which way a head is turned: the face mesh against the canonical face that comes with it.

The canonical face and the 33 points that hardly move with an expression, with a weight each, lie
in the landmarker's bundle (`geometry_pipeline_metadata_landmarks.binarypb`; Apache-2.0).
"""

import functools
import zipfile

import numpy as np

from ganimation_tf.faces.landmarker import task_file
from ganimation_tf.protos.face_geometry_pb2 import Metadata

FILE = "geometry_pipeline_metadata_landmarks.binarypb"
_VERTEX = 5
"""Numbers of a vertex: x, y, z and its place in a texture."""


@functools.cache
def canonical_face() -> tuple[np.ndarray, np.ndarray]:
    """The canonical face and how much each of its points counts for the pose.

    Returns:
        float64 (468, 3): x to the picture's right, y up, z towards the viewer, in centimetres;
        float64 (468,) weights, most of them 0.

    Raises:
        UserError: if the landmarker is not installed.
    """
    with zipfile.ZipFile(task_file()) as bundle:
        metadata = Metadata.FromString(bundle.read(FILE))
    vertices = np.array(metadata.canonical_mesh.vertex_buffer).reshape(-1, _VERTEX)
    weights = np.zeros(len(vertices))
    for point in metadata.procrustes_landmark_basis:
        weights[point.landmark_id] = point.weight
    return vertices[:, :3], weights


def rotation(points: np.ndarray) -> np.ndarray:
    """The rotation that takes the canonical face nearest to a mesh (weighted Procrustes).

    Args:
        points: (478 or 468, 3), x, y and depth in pixels, y down and smaller depth nearer.

    Returns:
        float64 (3, 3), in the axes of the canonical face.
    """
    canonical, weights = canonical_face()
    seen = np.asarray(points, np.float64)[: len(canonical)] * (1, -1, -1)
    share = (weights / weights.sum())[:, None]
    seen, canonical = (one - (share * one).sum(0) for one in (seen, canonical))
    left, _, right = np.linalg.svd((share * seen).T @ canonical)
    # A reflection is no pose: the axis that fits least is turned round.
    upright = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    return left @ upright @ right


def angles(turn: np.ndarray) -> np.ndarray:
    """Pitch, yaw and roll of a rotation, float64 (3,) in radians.

    Positive pitch looks down, positive yaw to the picture's right, positive roll turns the head
    counter-clockwise in the picture: R = Rz(roll) Ry(yaw) Rx(pitch).
    """
    pitch = np.arctan2(turn[2, 1], turn[2, 2])
    yaw = np.arctan2(-turn[2, 0], np.hypot(turn[0, 0], turn[1, 0]))
    roll = np.arctan2(turn[1, 0], turn[0, 0])
    return np.array([pitch, yaw, roll])


def head_pose(meshes: np.ndarray) -> np.ndarray:
    """Pitch, yaw and roll of each head.

    Args:
        meshes: float (n, 478, 3) in pixels, NaN where there is no face.

    Returns:
        float64 (n, 3) in radians; NaN where there is no face.
    """
    rows = [
        angles(rotation(points)) if np.isfinite(points).all() else np.full(3, np.nan)
        for points in meshes
    ]
    return np.array(rows).reshape(-1, 3)
