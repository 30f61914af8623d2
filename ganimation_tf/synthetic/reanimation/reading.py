"""Face models from files: what `FaceModel.save` wrote, the whole head as one npz, OBJ files."""

import dataclasses
import pathlib

import numpy as np

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.synthetic.reanimation import topology
from ganimation_tf.synthetic.reanimation.face_model import FaceModel


def load_face_model(path: pathlib.Path) -> FaceModel:
    """A face model from `FaceModel.save`, or from the whole head of ICT-FaceKit as one npz.

    Raises:
        UserError: if the file cannot be read, lacks an array or has another topology.
    """
    path = pathlib.Path(path)
    arrays = files.read_arrays(path, "a face model")
    if "faces" in arrays:
        return topology.from_whole_head(arrays, str(path), topology.LICENCE)
    return _from_saved(arrays, str(path))


def _from_saved(arrays: dict[str, np.ndarray], where: str) -> FaceModel:
    names = [field.name for field in dataclasses.fields(FaceModel) if field.name != "lids"]
    missing = [name for name in (*names, "lids_right", "lids_left") if name not in arrays]
    if missing:
        raise UserError(f"{where}: is no face model: the array {missing[0]} is missing")
    return FaceModel(
        neutral=arrays["neutral"].astype(np.float32),
        identity=arrays["identity"].astype(np.float32),
        expression=arrays["expression"].astype(np.float32),
        expression_names=tuple(arrays["expression_names"].tolist()),
        skin=arrays["skin"],
        interior=arrays["interior"],
        interior_part=arrays["interior_part"],
        landmarks=arrays["landmarks"],
        lids=(arrays["lids_right"], arrays["lids_left"]),
        lips=arrays["lips"],
        licence=str(arrays["licence"]),
    )


def read_obj_folder(folder: pathlib.Path) -> FaceModel:
    """A `FaceModel` from ICT-FaceKit as cloned, or its folder `FaceXModel`.

    Raises:
        UserError: naming the first OBJ file that is missing or has another topology.
    """
    folder = pathlib.Path(folder)
    if (folder / "FaceXModel").is_dir():
        folder = folder / "FaceXModel"
    neutral, faces = read_obj(folder / "generic_neutral_mesh.obj")
    if neutral.shape != (topology.VERTICES, 3) or faces.shape != (topology.POLYGONS, 4):
        raise UserError(
            f"{folder / 'generic_neutral_mesh.obj'}: must have {topology.VERTICES} vertices "
            f"and {topology.POLYGONS} polygons, got {len(neutral)} and {len(faces)}"
        )
    identity_names = [f"identity{number:03d}" for number in range(topology.IDENTITIES)]
    shapes = {}
    for name in (*identity_names, *topology.EXPRESSIONS):
        vertices, _ = read_obj(folder / f"{name}.obj", polygons=False)
        if vertices.shape != neutral.shape:
            raise UserError(
                f"{folder / name}.obj: must have {topology.VERTICES} vertices, got {len(vertices)}"
            )
        # Rounded as the compact file has them: the same model from either.
        shapes[name] = (vertices - neutral).astype(np.float16)
    arrays = {
        "neutral": neutral,
        "faces": faces,
        "identity": np.stack([shapes[name] for name in identity_names]),
        "expression": np.stack([shapes[name] for name in topology.EXPRESSIONS]),
        "expression_names": np.array(topology.EXPRESSIONS),
    }
    return topology.from_whole_head(arrays, str(folder), topology.LICENCE)


def read_obj(path: pathlib.Path, polygons: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Vertices float32 (V, 3) and polygons int32 (P, 4) of a Wavefront OBJ file.

    Raises:
        UserError: if the file is missing or a line cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path}: is missing or cannot be read ({error.strerror})") from error
    with as_user_error(f"{path}: is no OBJ file of triangles and quads", ValueError):
        points = [line.split()[1:4] for line in lines if line.startswith("v ")]
        vertices = np.array(points, np.float32).reshape(-1, 3)
        corners = [
            [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
            for line in lines
            if polygons and line.startswith("f ")
        ]
        faces = np.array([(*corner, -1)[:4] for corner in corners], np.int32).reshape(-1, 4)
    return vertices, faces
