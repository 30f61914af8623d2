"""What an edit is to leave alone: who it is, and which way the head is turned."""

from collections.abc import Sequence

import numpy as np

from ganimation_tf import progress
from ganimation_tf.evaluation import parts
from ganimation_tf.evaluation.intervals import mean, root_mean_square
from ganimation_tf.evaluation.judges import head_pose as pose
from ganimation_tf.evaluation.judges.identity import FaceNet, cosine, distance
from ganimation_tf.evaluation.judges.meshes import FaceMeshes
from ganimation_tf.evaluation.samples import Requests, Samples


def identity(
    network: FaceNet,
    samples: Samples,
    requests: Requests,
    images: np.ndarray,
    batches: progress.Batches = progress.batches,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Embeddings of edits beside those of their inputs.

    Args:
        images: uint8 (m, size, size, 3), the edits.
        batches: how they and the inputs are gone through.

    Returns:
        `identity`, the cosine, and `identity_distance`, each float64 (m,); and two means to see
        them by: `identity_of_others`, the cosine of different people, and, where it is known,
        `identity_of_truth`, that of input and truth.
    """

    def embed(pictures: np.ndarray) -> np.ndarray:
        return parts.concatenated(
            lambda some: network.embed(some, samples.crop), pictures, "faces compared", batches
        )

    known = embed(samples.images)
    before, after = known[requests.sources], embed(images)
    rows = {"identity": cosine(before, after), "identity_distance": distance(before, after)}
    figures = {"identity_of_others": _between_people(known, samples.people)}
    if requests.truths[0] >= 0:
        figures["identity_of_truth"] = mean(cosine(before, known[requests.truths]))
    return rows, figures


def head_pose(
    meshes: FaceMeshes,
    samples: Samples,
    requests: Requests,
    images: np.ndarray,
    batches: progress.Batches = progress.batches,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """How far the head turns in an edit; the arguments are as for `identity`.

    Returns:
        `head_pose`, float64 (m,): root mean square of the change of pitch, yaw and roll in
        radians, NaN where no face is found; and `head_pose_no_face`, in how many edits none is
        found, of inputs in which one is, and, where it is known, `head_pose_of_truth`: what
        expressions alone do to the reading.
    """

    def angles(pictures: np.ndarray) -> np.ndarray:
        return parts.concatenated(
            lambda some: pose.head_pose(meshes.read(some, samples.crop)),
            pictures,
            "head poses read",
            batches,
        )

    known = angles(samples.images)
    before, after = known[requests.sources], angles(images)
    lost = np.isnan(after).any(1) & ~np.isnan(before).any(1)
    figures = {"head_pose_no_face": float(lost.sum())}
    if requests.truths[0] >= 0:
        figures["head_pose_of_truth"] = root_mean_square(_turns(before, known[requests.truths]))
    return {"head_pose": _turns(before, after)}, figures


def _turns(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Root mean square of the change of three angles, (n, 3) and (n, 3) to (n,)."""
    return np.sqrt(((after - before) ** 2).mean(1))


def _between_people(embeddings: np.ndarray, people: Sequence[str]) -> float:
    """Mean cosine of two different people's pictures, embeddings being of length 1.

    By sums: all pairs less those of each person, as there are too many to be listed.
    """
    _, person = np.unique(np.asarray(people, str), return_inverse=True)
    embeddings = np.asarray(embeddings, np.float64)
    sums = np.zeros((person.max() + 1, embeddings.shape[1]))
    np.add.at(sums, person, embeddings)
    pairs = len(embeddings) ** 2 - int((np.bincount(person) ** 2).sum())
    total = sums.sum(0)
    return float((total @ total - (sums**2).sum()) / pairs) if pairs else float("nan")
