"""A finder of faces that knows where they are."""

import numpy as np

from ganimation_tf.faces import alignment
from ganimation_tf.faces.finding import Face


class FixedFinder:
    """Finds two faces in the left and right half of every photo that is not black."""

    def find(self, photo):
        height, width = photo.shape[:2]
        if not photo.any():
            return []
        faces = []
        for centre in (width / 4, 3 * width / 4):
            eye = width / 12
            anchors = alignment.ANCHORS * eye + [centre, height / 3]
            turns = np.linspace(0, 2 * np.pi, 478)
            outline = np.stack([np.cos(turns), np.sin(turns), 0 * turns], 1) * 1.4 * eye
            points = outline + [centre, height / 3 + 0.7 * eye, 0]
            faces.append(Face(points.astype(np.float32), anchors, 1.0))
        return faces
