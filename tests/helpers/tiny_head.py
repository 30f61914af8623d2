"""A head small enough to compute with: the layout of the real one, its shapes made up."""

import numpy as np

from ganimation_tf.synthetic.reanimation import topology
from ganimation_tf.synthetic.reanimation.face_model import GUMS, FaceModel
from ganimation_tf.synthetic.reanimation.fitting import Camera

STEP = 0.5
COLUMNS, ROWS = 33, 37  # x from -8 to 8, y from -8 to 10 centimetres

_RIGHT_HALF = [(-7.4, 3.7), (-7.3, 1.5), (-6.9, -0.5), (-6.6, -2.4), (-5.7, -4.5), (-4.3, -6.2)]
_RIGHT_HALF += [(-3.0, -6.9), (-1.5, -7.3)]
_BROW = [(-5.8, 5.2), (-4.9, 6.0), (-3.8, 6.3), (-2.4, 6.2), (-1.2, 5.9)]
_NOSE = [(0, 3.7), (0, 2.6), (0, 1.6), (0, 0.5), (-1.2, -1.1), (-0.6, -1.1), (0, -1.2)]
_NOSE += [(0.6, -1.1), (1.2, -1.1)]
_EYE = [(-4.5, 3.5), (-4.0, 4.0), (-2.5, 4.0), (-2.0, 3.5), (-2.5, 3.0), (-4.0, 3.0)]
_MOUTH = [(-2.5, -3.5), (-1.5, -2.5), (-0.5, -2.5), (0, -2.5), (0.5, -2.5), (1.5, -2.5)]
_MOUTH += [(2.5, -3.5), (1.5, -4.5), (0.5, -4.5), (0, -4.5), (-0.5, -4.5), (-1.5, -4.5)]
_MOUTH += [(-2.0, -3.5), (-1.0, -3.0), (0, -3.0), (1.0, -3.0), (2.0, -3.5), (1.0, -4.0)]
_MOUTH += [(0, -4.0), (-1.0, -4.0)]


def _mirrored(points):
    return [(-x, y) for x, y in points]


PLACES = np.array(
    _RIGHT_HALF
    + [(0, -7.5)]
    + _mirrored(_RIGHT_HALF)[::-1]
    + _BROW
    + _mirrored(_BROW)[::-1]
    + _NOSE
    + _EYE
    + [_mirrored(_EYE)[k] for k in (3, 2, 1, 0, 5, 4)]
    + _MOUTH
)


def tiny_head() -> FaceModel:
    """A vaulted grid with openings for eyes and mouth, a few modes, and one wall behind."""
    x, y = np.meshgrid(np.arange(COLUMNS) * STEP - 8, np.arange(ROWS) * STEP - 8)
    grid = np.stack([x.ravel(), y.ravel(), _vault(x, y).ravel()], 1)
    number = np.arange(COLUMNS * ROWS).reshape(ROWS, COLUMNS)
    quads = np.stack([number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]], 2)
    centre = grid[quads].mean(2)
    eyes = (np.abs(np.abs(centre[..., 0]) - 3.25) < 1.2) & (np.abs(centre[..., 1] - 3.5) < 0.5)
    mouth = (np.abs(centre[..., 0]) < 2.0) & (np.abs(centre[..., 1] + 3.5) < 0.5)
    skin = quads[~(eyes | mouth)]
    wall = np.array([[-4, -7, 6], [4, -7, 6], [4, 0, 6], [-4, 0, 6]], float)
    vertices = np.concatenate([grid, wall])
    outline, *openings = topology.loops(skin)
    lips = min(openings, key=lambda loop: grid[loop, 1].mean())
    right = min(openings, key=lambda loop: grid[loop, 0].mean())
    left = max(openings, key=lambda loop: grid[loop, 0].mean())
    first = len(grid)
    identity, expression = _shapes(vertices)
    return FaceModel(
        neutral=vertices.astype(np.float32),
        identity=identity,
        expression=expression,
        expression_names=topology.EXPRESSIONS,
        skin=topology.triangles(skin),
        interior=np.array([[0, 1, 2], [0, 2, 3]], np.int32) + first,
        interior_part=np.full(2, GUMS, np.uint8),
        landmarks=np.array(
            [np.hypot(*(grid[:, :2] - place).T).argmin() for place in PLACES], np.int32
        ),
        lids=(right, left),
        lips=lips,
        licence="none",
    )


def project(model: FaceModel, camera: Camera, shape: np.ndarray) -> np.ndarray:
    """float64 (68, 2): the landmarks of a shape (V, 3)."""
    return camera.project(shape[model.landmarks].astype(np.float64))[0]


def _vault(x, y):
    return 11 * np.sqrt(np.maximum(1 - (x / 11) ** 2 - (y / 14) ** 2, 0))


def _shapes(vertices):
    """Smooth made-up modes, and four expressions whose effect is known by arithmetic."""
    x, y, _ = vertices.T
    rng = np.random.default_rng(0)

    def smooth(scale):
        waves = rng.normal(size=(3, 4))
        phase = np.stack([np.sin(x / 4), np.cos(y / 4), np.sin(y / 3), np.cos(x / 3)])
        return (waves @ phase).T * scale

    identity = np.stack([smooth(0.15) for _ in range(6)])
    expression = np.zeros((len(topology.EXPRESSIONS), *vertices.shape))
    index = topology.EXPRESSIONS.index
    expression[index("jawOpen"), :, 1] = -2.0 * (y < -3.25)
    for side, half in (("L", x > 0), ("R", x < 0)):
        upper = (y >= 3.75) & (y <= 4.25) & half & (np.abs(np.abs(x) - 3.25) <= 1.3)
        expression[index(f"eyeBlink_{side}"), upper, 1] = -1.0
        brow = (y > 5) & half
        expression[index(f"browInnerUp_{side}"), brow, 1] = 0.5
        corner = np.exp(-((np.abs(x) - 2.5) ** 2 + (y + 3.5) ** 2) / 2) * half
        expression[index(f"mouthSmile_{side}"), :, 1] = corner
    # What the compact file rounds to stays as it is.
    return identity.astype(np.float16).astype(np.float32), expression.astype(np.float16).astype(
        np.float32
    )
