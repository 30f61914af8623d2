"""The deformable head that photographs are fitted with: shapes, regions and the 68 points.

The head is ICT-FaceKit's (github.com/ICT-VGL/ICT-FaceKit, MIT). Its licence and the digest of its
arrays travel with whatever is made from it.
"""

import dataclasses
import functools
import hashlib
import io
import pathlib

import numpy as np

from ganimation_tf.synthetic.reanimation.corrections import corrected

SOCKET, GUMS, TEETH, TONGUE = range(4)
"""What a triangle of the mouth's interior shows."""

FOLD_STRENGTH = 0.75
"""Exponent of a fold's shade: the model's folds are sharper than a person's."""


@dataclasses.dataclass(frozen=True, eq=False)
class FaceModel:
    """A head of V vertices in centimetres: x to the person's left, y up, z towards the viewer.

    Attributes:
        neutral: float32 (V, 3), the mean person without expression.
        identity: float32 (K, V, 3), added for each unit of a person's coefficients, N(0, 1).
        expression: float32 (E, V, 3), added for each unit of an expression's coefficients, [0, 1].
        expression_names: E names, ARKit's with `_L` and `_R` for the person's left and right.
        skin: int32 (T, 3), triangles of the face's skin, counter-clockwise seen from outside.
        interior: int32 (M, 3), triangles of what is seen when the mouth opens.
        interior_part: uint8 (M,), `SOCKET`, `GUMS`, `TEETH` or `TONGUE` of each of these.
        landmarks: int32 (68,), the vertex of each point of the iBUG 300-W mark-up.
        lids: two closed loops of vertices, int32: the person's right eye, then the left.
        lips: int32, the closed loop of vertices at which the lips end inwards.
        licence: the text under which the shapes may be used.
    """

    neutral: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    skin: np.ndarray
    interior: np.ndarray
    interior_part: np.ndarray
    landmarks: np.ndarray
    lids: tuple[np.ndarray, np.ndarray]
    lips: np.ndarray
    licence: str

    def __post_init__(self):
        # In C order, whatever indexing or a file made of them: of another order each weighted sum
        # of shapes would first copy all of them, 20 MB.
        for name in ("identity", "expression"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.float32))

    @functools.cached_property
    def digest(self) -> str:
        """sha256 over shapes and topology, hexadecimal: two equal digests render alike."""
        state = hashlib.sha256(",".join(self.expression_names).encode())
        for array in (self.neutral, self.identity, self.expression, self.skin, self.interior):
            state.update(np.ascontiguousarray(array).tobytes())
        for array in (self.interior_part, self.landmarks):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    @functools.cached_property
    def shown(self) -> np.ndarray:
        """float32 (E, V, 3): `expression` as it is rendered."""
        return corrected(self.neutral, self.expression, self.expression_names)

    @functools.cached_property
    def skin_vertices(self) -> int:
        """The skin's vertices come first: 0 to this number, exclusive."""
        return int(self.skin.max()) + 1

    @functools.cached_property
    def spread(self) -> np.ndarray:
        """float32 (V, 68): how much each landmark's residual moves each vertex.

        A kernel interpolation between the landmarks, in a pose with open jaw and eyes, so that
        what moves the upper lip or lid does not move the lower one.
        """
        apart = self.neutral.astype(np.float64)
        for name, weight in (("jawOpen", 1.0), ("eyeWide_L", 1.0), ("eyeWide_R", 1.0)):
            if name in self.expression_names:
                apart = apart + weight * self.expression[self.expression_names.index(name)]
        points = apart[self.landmarks]
        at_points = _kernel(points, points) + 0.02 * np.eye(len(points))
        return (_kernel(apart, points) @ np.linalg.inv(at_points)).astype(np.float32)

    @functools.cached_property
    def lid_spread(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 (S, L) for each lid: how much each vertex of its loop moves the skin's."""
        spreads = []
        for lid in self.lids:
            rim = self.neutral[lid].astype(np.float64)
            at_rim = _kernel(rim, rim, 0.8) + 0.02 * np.eye(len(rim))
            skin = self.neutral[: self.skin_vertices]
            spreads.append((_kernel(skin, rim, 0.8) @ np.linalg.inv(at_rim)).astype(np.float32))
        return tuple(spreads)

    @functools.cached_property
    def upper_lids(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 (L,) in [0, 1] for each lid: 1 in the middle of the upper half of its loop, 0 at
        the corners and in the lower half."""
        lids = []
        for lid in self.lids:
            rim = self.neutral[lid]
            left, right = rim[rim[:, 0].argmin()], rim[rim[:, 0].argmax()]
            part = (rim[:, 0] - left[0]) / (right[0] - left[0])
            upper = rim[:, 1] > left[1] + part * (right[1] - left[1]) + 1e-6
            lids.append((upper * np.clip(8 * part * (1 - part), 0, 1)).astype(np.float32))
        return tuple(lids)

    @functools.cached_property
    def oval(self) -> np.ndarray:
        """float32 (S,) in [0, 1]: 1 in the face's oval, 0 from hairline, ears and jaw outwards."""
        skin = self.neutral[: self.skin_vertices]
        corners = self.neutral[self.landmarks[[36, 45, 8]]]
        middle = (corners[0] + corners[1]) / 2
        width = 1.35 * np.linalg.norm(corners[1] - corners[0]) / 2
        height = 0.95 * (middle[1] - corners[2, 1]) / 2
        down = (skin[:, 1] - middle[1] + 0.65 * height) / (1.25 * height)
        reach = np.hypot((skin[:, 0] - middle[0]) / width, down)
        return np.clip((1.15 - reach) / 0.35, 0, 1).astype(np.float32)

    @functools.cached_property
    def foldable(self) -> np.ndarray:
        """float32 (S,) in [0, 1]: how much of a fold's shade each vertex of the skin takes.

        Lids slide under the brow instead of folding on the surface: normals tell nothing there.
        """
        rims = self.neutral[np.concatenate(self.lids)]
        skin = self.neutral[: self.skin_vertices]
        distance = np.sqrt(((skin[:, None] - rims[None]) ** 2).sum(-1)).min(1)
        return (np.clip((distance - 0.35) / 1.0, 0, 1) * FOLD_STRENGTH).astype(np.float32)

    def save(self, path: pathlib.Path) -> None:
        """Writes a file for `reading.load_face_model`."""
        path.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes; shapes as float16, which is 0.01 mm."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            neutral=self.neutral,
            identity=self.identity.astype(np.float16),
            expression=self.expression.astype(np.float16),
            expression_names=np.array(self.expression_names),
            skin=self.skin,
            interior=self.interior,
            interior_part=self.interior_part,
            landmarks=self.landmarks,
            lids_right=self.lids[0],
            lids_left=self.lids[1],
            lips=self.lips,
            licence=np.array(self.licence),
        )
        return buffer.getvalue()


def head(model: FaceModel, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
    """float32 (V, 3) in centimetres."""
    shape = model.neutral + mixed(model.identity, identity)
    shape += mixed(model.expression, expression)
    return shape


def mixed(basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """float32 (V, 3): the weighted sum of shapes (K, V, 3).

    All of them, those of no weight too: the product reads the basis where it lies, and a copy of
    the rows that count takes many times as long.
    """
    flat = basis.reshape(len(basis), -1)
    return (weights.astype(np.float32) @ flat).reshape(basis.shape[1:])


def _kernel(points: np.ndarray, others: np.ndarray, length: float = 1.6) -> np.ndarray:
    """Matern 3/2 over the distance in centimetres: (N, 3), (M, 3) -> (N, M)."""
    distance = np.linalg.norm(points[:, None] - others[None], axis=-1) * (3**0.5 / length)
    return (1 + distance) * np.exp(-distance)
