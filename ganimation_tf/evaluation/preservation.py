"""What an edit is to leave alone: who it is, and which way the head is turned."""

from collections.abc import Sequence

import numpy as np

from ganimation_tf.evaluation.intervals import mean
from ganimation_tf.evaluation.judges import head_pose as pose
from ganimation_tf.evaluation.judges.identity import FaceNet, cosine, distance
from ganimation_tf.evaluation.judges.meshes import FaceMeshes
from ganimation_tf.evaluation.samples import Requests, Samples


def identity(
    network: FaceNet, samples: Samples, requests: Requests, images: np.ndarray
) -> tuple[dict[str, np.ndarray], float]:
    """Embeddings of edits beside those of their inputs.

    Args:
        images: uint8 (m, size, size, 3), the edits.

    Returns:
        `identity`, the cosine, and `identity_distance`, each float64 (m,); and the mean cosine of
        faces of different people, which no edit should come near.
    """
    known = network.embed(samples.images, samples.crop)
    before, after = known[requests.sources], network.embed(images, samples.crop)
    rows = {"identity": cosine(before, after), "identity_distance": distance(before, after)}
    return rows, _between_people(known, samples.people)


def head_pose(
    meshes: FaceMeshes, samples: Samples, requests: Requests, images: np.ndarray
) -> tuple[dict[str, np.ndarray], int]:
    """How far the head turns in an edit.

    Returns:
        `head_pose`, float64 (m,): root mean square of the change of pitch, yaw and roll in
        radians, NaN where no face is found; and in how many edits none is found, of inputs in
        which one is.
    """
    before = pose.head_pose(meshes.read(samples.images, samples.crop))[requests.sources]
    after = pose.head_pose(meshes.read(images, samples.crop))
    lost = np.isnan(after).any(1) & ~np.isnan(before).any(1)
    return {"head_pose": np.sqrt(((after - before) ** 2).mean(1))}, int(lost.sum())


def _between_people(embeddings: np.ndarray, people: Sequence[str]) -> float:
    names = np.asarray(people, str)
    cosines = np.asarray(embeddings, np.float64) @ embeddings.T
    return mean(cosines[names[:, None] != names[None]])
