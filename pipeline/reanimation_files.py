"""The files that re-animation needs on each worker, known by what is in them.

They are kept in memory by their digests, too: a worker that lives on from job to job may meet
another file under the same name.
"""

import functools
import pathlib

from ganimation_tf.errors import UserError
from ganimation_tf.faces.landmarker import FaceLandmarker
from ganimation_tf.synthetic.reanimation import FaceModel, load_face_model
from ganimation_tf.synthetic.reanimation.sources import FoundFaces
from pipeline import files

NamedFile = tuple[str, str]
"""Path, and digest of what is there."""


@functools.lru_cache(maxsize=1)
def face_model(path: str, digest: str) -> FaceModel:
    """The face model in a file.

    Raises:
        UserError: if it is not the one of this digest.
    """
    model = read_model(path)
    _require_same("face model", path, model.digest, digest)
    return model


@functools.lru_cache(maxsize=1)
def finder(model: NamedFile, landmarker: str | None, digest: str) -> FoundFaces:
    """What finds faces and reads them.

    Args:
        model: path and digest of the face model.
        landmarker: path of the landmarker's file; None: that of the installed distribution.
        digest: of the landmarker.

    Raises:
        UserError: if a file is not the one of its digest.
    """
    landmarks = read_landmarker(landmarker)
    where = landmarker or "the installed landmarker"
    _require_same("landmarker", where, landmarks.digest, digest)
    return FoundFaces(face_model(*model), landmarks)


def read_model(path: str) -> FaceModel:
    """The face model in a file.

    Raises:
        UserError: if it is none.
    """
    with files.local_copy(path) as local:
        return load_face_model(pathlib.Path(local))


def read_landmarker(path: str | None) -> FaceLandmarker:
    """The landmarker in a file; None: that of the installed distribution.

    Raises:
        UserError: if there is none, or it is none.
    """
    if path is None:
        return FaceLandmarker.load(threads=1)
    with files.local_copy(path) as local:
        return FaceLandmarker.load(local, threads=1)


def _require_same(what: str, where: str, digest: str, wanted: str) -> None:
    if digest != wanted:
        raise UserError(
            f"{where}: this worker has another {what} there than the submitting machine, "
            f"{digest[:12]} instead of {wanted:.12}"
        )
