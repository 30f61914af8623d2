"""ICT-FaceKit's topology: which polygon of the head belongs to what."""

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.synthetic.reanimation.face_model import FaceModel

VERTICES = 26719
POLYGONS = 26384
SKIN = slice(0, 9230)
"""Polygons by number. Head and neck, eye sockets, eyeballs, tear fluid and lashes are not used:
what the photograph shows of them stays as it is."""
SOCKET = slice(11144, 13226)
GUMS = slice(14034, 16572)
TONGUE = slice(16572, 17006)
TEETH = slice(17006, 21496)

IDENTITIES = 100

UPPER_TEETH = 0.3
"""Centimetres by which the upper teeth are lowered."""

LANDMARKS = np.array(
    [1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088]
    + [3443, 268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857]
    + [1140, 2075, 1147, 4269, 3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721]
    + [3725, 3732, 5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702]
    + [5711, 5533, 6216, 6207, 6470, 5517, 5966],
    np.int32,
)
"""The vertex of each iBUG point, as ICT-FaceKit's `vertex_indices.json` has them."""

LICENCE = """MIT License

Copyright (c) 2020 USC Institute for Creative Technologies

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

EXPRESSIONS = (
    tuple(
        f"{name}_{side}"
        for name in (
            "browDown browInnerUp browOuterUp cheekPuff cheekRaiser cheekSquint eyeBlink "
            "eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeSquint eyeWide mouthDimple mouthFrown "
            "mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
        ).split()
        for side in "LR"
    )
    + tuple("jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft".split())
    + tuple("mouthPucker mouthRight mouthRollLower mouthRollUpper".split())
    + ("mouthShrugLower", "mouthShrugUpper")
)
"""The shapes that fitting and action units use; `PupilDilate` is not among them."""


def from_whole_head(arrays: dict[str, np.ndarray], where: str, licence: str) -> FaceModel:
    """The part of the head that is needed, with loops and regions found.

    Args:
        arrays: `neutral` (26719, 3), `identity` (K, ...), `expression` (E, ...),
            `expression_names` (E,) and `faces` (26384, 4), -1 in the fourth place for triangles.

    Returns:
        A `FaceModel`.

    Raises:
        UserError: naming `where` and what differs from ICT-FaceKit's topology.
    """
    _require_topology(arrays, where)
    names = [str(name) for name in arrays["expression_names"]]
    order = [names.index(name) for name in EXPRESSIONS]
    faces = arrays["faces"]
    skin = triangles(faces[SKIN])
    neutral = arrays["neutral"].astype(np.float32)
    neutral = neutral + _lowered_teeth(arrays, names)
    parts = [_facing(neutral, triangles(faces[part])) for part in (SOCKET, GUMS, TEETH, TONGUE)]
    interior = np.concatenate(parts)
    # Skin first, then what only the mouth's interior has.
    used = np.unique(np.concatenate([skin.ravel(), interior.ravel()]))
    is_skin = np.zeros(len(neutral), bool)
    is_skin[skin] = True
    used = np.concatenate([used[is_skin[used]], used[~is_skin[used]]])
    renumber = np.full(len(neutral), -1, np.int32)
    renumber[used] = np.arange(len(used))
    lids, lips = _openings(faces[SKIN], neutral)
    return FaceModel(
        neutral=neutral[used],
        identity=arrays["identity"][:, used].astype(np.float32),
        expression=arrays["expression"][order][:, used].astype(np.float32),
        expression_names=EXPRESSIONS,
        skin=renumber[skin],
        interior=renumber[interior],
        interior_part=np.repeat(
            np.arange(len(parts), dtype=np.uint8), [len(part) for part in parts]
        ),
        landmarks=renumber[LANDMARKS],
        lids=(renumber[lids[0]], renumber[lids[1]]),
        lips=renumber[lips],
        licence=licence,
    )


def _lowered_teeth(arrays: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """float32 (V, 3): the upper teeth moved down by `UPPER_TEETH`.

    In the model they end where the lips meet, so that no lip that opens shows them; in people
    they reach 2 to 4 mm lower.
    """
    teeth = np.unique(arrays["faces"][TEETH])
    teeth = teeth[teeth >= 0]
    jaw = np.linalg.norm(arrays["expression"][names.index("jawOpen")], axis=1)
    shift = np.zeros((VERTICES, 3), np.float32)
    shift[teeth[jaw[teeth] < 0.05], 1] = -UPPER_TEETH
    return shift


def triangles(polygons: np.ndarray) -> np.ndarray:
    """int32 (T, 3) from int (P, 4) with -1 in the fourth place of a triangle."""
    first = polygons[:, :3]
    second = polygons[polygons[:, 3] >= 0][:, [0, 2, 3]]
    return np.concatenate([first, second]).astype(np.int32)


def loops(polygons: np.ndarray) -> list[np.ndarray]:
    """The closed loops of vertices along which the surface ends, longest first."""
    edges: set[tuple[int, int]] = set()
    for polygon in polygons.tolist():
        corners = [corner for corner in polygon if corner >= 0]
        edges.update(zip(corners, corners[1:] + corners[:1], strict=True))
    following = {start: end for start, end in edges if (end, start) not in edges}
    outlines = []
    while following:
        loop = [min(following)]
        while loop[-1] in following:
            loop.append(following.pop(loop[-1]))
        outlines.append(np.array(loop[:-1], np.int32))
    return sorted(outlines, key=len, reverse=True)


def _require_topology(arrays: dict[str, np.ndarray], where: str) -> None:
    for name in ("neutral", "identity", "expression", "expression_names", "faces"):
        if name not in arrays:
            raise UserError(f"{where}: is no face model: the array {name} is missing")
    if arrays["neutral"].shape != (VERTICES, 3) or arrays["faces"].shape != (POLYGONS, 4):
        raise UserError(
            f"{where}: must have {VERTICES} vertices and {POLYGONS} polygons, "
            f"got {arrays['neutral'].shape} and {arrays['faces'].shape}"
        )
    for name in ("identity", "expression"):
        if arrays[name].ndim != 3 or arrays[name].shape[1:] != (VERTICES, 3):
            raise UserError(f"{where}: {name} must be (N, {VERTICES}, 3), got {arrays[name].shape}")
    missing = set(EXPRESSIONS) - {str(name) for name in arrays["expression_names"]}
    if missing:
        raise UserError(f"{where}: the expression {sorted(missing)[0]} is missing")


def _facing(neutral: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The triangles that a viewer in front may see, with room for a turned head."""
    a, b, c = (neutral[corners[:, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    return corners[normal[:, 2] > -0.35 * np.linalg.norm(normal, axis=1)]


def _openings(polygons: np.ndarray, neutral: np.ndarray):
    """The loops of the lids, right and left, and of the lips, by where the landmarks lie."""
    outlines = loops(polygons)[1:]  # the first is the outline of the face

    def nearest(points: slice) -> np.ndarray:
        centre = neutral[LANDMARKS[points]].mean(0)
        return min(outlines, key=lambda loop: np.linalg.norm(neutral[loop].mean(0) - centre))

    right, left, lips = nearest(slice(36, 42)), nearest(slice(42, 48)), nearest(slice(60, 68))
    return (right, left), lips
