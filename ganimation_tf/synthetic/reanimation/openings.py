"""Eyes and mouth: what is seen where the skin is open, and lids that close over it.

All of it paints into the samples of a frame: float32 (height, width, 3) in [0, 255]. A box is
left, top, right, bottom in samples.
"""

from collections.abc import Callable

import cv2
import numpy as np

from ganimation_tf.synthetic.reanimation import mouth
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.rasterizer import interpolate, rasterize

LASH_SHADE = 0.5
"""How much of the light lashes of a closed lid take away."""
BARE_LID = 0.85
"""The most that a lid under a raised brow takes of plain skin."""
TOOTH_GAP, CLOSED_GAP = 0.4, 0.75
"""Centimetres between teeth that are filled, and how far."""

Box = tuple[int, int, int, int]
Paint = Callable[[Box], np.ndarray]


def show(image: np.ndarray, open_share: np.ndarray, outline: np.ndarray, paint: Paint) -> None:
    """Blends what `paint` returns for a box into the opening within `outline`.

    Args:
        open_share: float32 (height, width), the share of each sample that no skin covers.
        outline: float (N, 2), the closed loop at which the skin ends.
    """
    box = _box(outline, 2, image.shape)
    if box is None:
        return
    left, top, right, bottom = box
    opening = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(opening, [_fixed(outline, left, top)], 1, shift=4)
    opening = cv2.dilate(opening, np.ones((3, 3), np.uint8))
    alpha = open_share[top:bottom, left:right] * opening
    if alpha.max() <= 0:
        return
    region = image[top:bottom, left:right]
    region += (paint(box) - region) * alpha[..., None]


def cover_eye(image: np.ndarray, outline: np.ndarray, closed: float, paint: Paint) -> None:
    """Blends the skin of a closed lid over the place where the eye is open at rest.

    Args:
        outline: float (N, 2), the lids' loop of the eye at rest.
        closed: in [0, 1].
    """
    reach = 0.12 * float(np.ptp(outline[:, 0]))
    box = _box(outline, 3 * reach, image.shape)
    if box is None:
        return
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.float32)
    for rise in (0.0, 0.8 * reach):  # lashes stand above the open eye's edge
        cv2.fillPoly(mask, [_fixed(outline, left, top + rise)], 1.0, shift=4)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.6 * reach, 0.3)) * min(1.0, 2.5 * closed)
    region = image[top:bottom, left:right]
    region += (paint(box) - region) * mask[..., None]


def brow_above(lid: np.ndarray, brow: np.ndarray) -> np.ndarray:
    """float (4,): how far a brow is above each landmark of its lid, as `cover_lashes` has them."""
    return lid[:, 1] - np.interp(lid[:, 0], brow[:, 0], brow[:, 1])


def cover_lashes(
    image: np.ndarray, lid: np.ndarray, brow: np.ndarray, rest: np.ndarray, paint: Paint
) -> None:
    """Blends skin over what lies between a lid and its brow, as far as both have come apart.

    In the photo lashes stand before that skin: the mesh would draw them out to the brow.

    Args:
        lid: float (4, 2), landmarks along the upper lid.
        brow: float (5, 2), those along the brow.
        rest: `brow_above` of the face without expression.
    """
    above = brow_above(lid, brow)
    grown = float((above / np.maximum(rest, 1.0)).mean()) - 1
    width = float(np.ptp(lid[:, 0]))
    share = min(BARE_LID, 2 * (grown - 0.1))
    low, high = lid.copy(), lid.copy()
    low[:, 1] -= 0.3 * above
    high[:, 1] -= 0.75 * above
    outline = np.concatenate([low, high[::-1]])
    box = _box(outline, 0.3 * width, image.shape)
    if share <= 0 or box is None:
        return
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.float32)
    cv2.fillPoly(mask, [_fixed(outline, left, top)], share, shift=4)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.08 * width, 0.5))
    region = image[top:bottom, left:right]
    region += (paint(box) - region) * mask[..., None]


def draw_lashes(image: np.ndarray, edge: np.ndarray, closed: float) -> None:
    """Darkens the edge of a closing upper lid.

    Args:
        edge: float (4, 2), the landmarks along it from corner to corner.
        closed: in [0, 1].
    """
    chord = edge[3] - edge[0]
    width = max(float(np.linalg.norm(chord)), 1e-3)
    # A parabola through the four points.
    at = np.clip((edge - edge[0]) @ chord / width**2, 0, 1)
    design = np.stack([np.ones(4), at, at**2], 1)
    terms = np.linalg.lstsq(design, edge, rcond=None)[0]
    along = np.linspace(0, 1, 12)
    curve = np.stack([np.ones(12), along, along**2], 1) @ terms
    box = _box(curve, 0.2 * width, image.shape)
    if box is None:
        return
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.uint8)
    thickness = max(1, round(0.05 * width))
    cv2.polylines(mask, [_fixed(curve, left, top)], False, 255, thickness, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.02 * width, 0.5))
    shade = np.float32(LASH_SHADE / 255 * min(1.0, 2.2 * closed))
    image[top:bottom, left:right] *= 1 - mask[..., None] * shade


def warp_patch(patch: np.ndarray, transform: np.ndarray, box: Box) -> np.ndarray:
    """float32 (height, width, 3) of the box.

    Args:
        transform: float (2, 3), sample -> pixel of the patch.
    """
    left, top, right, bottom = box
    shifted = transform.copy()
    shifted[:, 2] += transform[:, :2] @ (left, top)
    return cv2.warpAffine(
        patch,
        shifted,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)


def paint_mouth(
    model: FaceModel,
    points: np.ndarray,
    turned: np.ndarray,
    white: np.ndarray,
    box: Box,
) -> np.ndarray:
    """float32 (height, width, 3) of the box: teeth, gums, tongue and the dark behind them.

    Args:
        points: float32 (V, 2), vertices in samples.
        turned: float32 (V, 3), vertices as the camera sees them, in centimetres.
        white: as `mouth.colors` takes it.
    """
    left, top, right, bottom = box
    shape = (bottom - top, right - left)
    local = points - np.array([left, top], np.float32)
    first = np.take(local, model.interior[:, 0], axis=0)
    near = (first[:, 0] > -8) & (first[:, 0] < shape[1] + 8)
    near &= (first[:, 1] > -8) & (first[:, 1] < shape[0] + 8)
    corners, part = model.interior[near], model.interior_part[near]
    pixels, triangles, weights = rasterize(local, turned[:, 2], corners, shape)
    light = mouth.light_inside(turned, corners, model.lips)
    light = interpolate(light, corners, triangles, weights)
    layer = np.empty((*shape, 3), np.float32)
    layer[:] = mouth.ALBEDO[0] * white * mouth.LEAST_LIGHT ** mouth.TINT[0]
    layer.reshape(-1, 3)[pixels] = mouth.colors(np.take(part, triangles), light, white)
    # The model's teeth taper and stand apart; people's touch, and a line is seen between them.
    scale = np.ptp(local[model.lips, 0]) / np.ptp(turned[model.lips, 0])
    gap = max(3, round(TOOTH_GAP * float(scale)))
    closed = cv2.morphologyEx(layer, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    layer += CLOSED_GAP * (closed - layer)
    return cv2.GaussianBlur(layer, (3, 3), 0)


def _box(outline: np.ndarray, margin: float, shape: tuple[int, ...]) -> Box | None:
    """The box round an outline within the frame; None if nothing of it is."""
    low = np.maximum(np.floor(outline.min(0) - margin), 0)
    high = np.minimum(np.ceil(outline.max(0) + margin) + 1, (shape[1], shape[0]))
    if not (low < high).all():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _fixed(outline: np.ndarray, left: float, top: float) -> np.ndarray:
    """int32, in sixteenths of a sample from the corner of a box, as OpenCV draws with shift 4."""
    return np.round((outline - [left, top]) * 16).astype(np.int32)
