"""Eyeballs as the photo shows them, completed beneath the lids."""

import dataclasses

import cv2
import numpy as np

PATCH_WIDTH, PATCH_HEIGHT = 176, 144
EYE_WIDTH = 96
"""From corner to corner, in pixels of the patch."""
IRIS_RADIUS = 0.59
"""Centimetres; it varies by 4 % between adults."""


@dataclasses.dataclass(frozen=True, eq=False)
class Eyeball:
    """One eye without its lids.

    Attributes:
        patch: uint8 (`PATCH_HEIGHT`, `PATCH_WIDTH`, 3).
        lid: uint8, the same place as `patch` covered by the skin of a closed lid.
        transform: float64 (2, 3), photo pixel -> patch pixel.
    """

    patch: np.ndarray
    lid: np.ndarray
    transform: np.ndarray


def complete_eyeball(photo: np.ndarray, lid: np.ndarray, pixels_per_cm: float) -> Eyeball:
    """The eyeball with iris and sclera continued where lids and lashes hide it.

    Args:
        photo: uint8 (height, width, 3).
        lid: float (N, 2), the closed outline between the lids in pixels.
    """
    left, right = lid[lid[:, 0].argmin()], lid[lid[:, 0].argmax()]
    zoom = EYE_WIDTH / max(float(np.linalg.norm(right - left)), 1.0)
    centre = (left + right) / 2
    shift = np.array([PATCH_WIDTH / 2, PATCH_HEIGHT / 2]) - zoom * centre
    transform = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    patch = cv2.warpAffine(
        photo,
        transform,
        (PATCH_WIDTH, PATCH_HEIGHT),
        flags=cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.float32)
    aperture = np.zeros(patch.shape[:2], np.uint8)
    outline = np.round((lid * zoom + shift) * 16).astype(np.int32)
    cv2.fillPoly(aperture, [outline], 1, shift=4)
    closed = _closed_lid(patch, aperture)
    # Lashes and the lid's wet edge lie within the outline; more above than below.
    aperture = cv2.erode(aperture, np.ones((5, 7), np.uint8))
    above = np.zeros_like(aperture)
    above[6:] = aperture[:-6]
    aperture &= above
    radius = IRIS_RADIUS * pixels_per_cm * zoom
    iris = _find_iris(patch, aperture, radius)
    whole = _completed(patch, aperture, iris, radius)
    seen = cv2.GaussianBlur(aperture.astype(np.float32), (0, 0), 2.5)
    seen = np.clip(2 * seen - 1, 0, 1)[..., None] * aperture[..., None]
    blended = seen * patch + (1 - seen) * whole
    return Eyeball(np.clip(blended, 0, 255).astype(np.uint8), closed, transform)


def _closed_lid(patch: np.ndarray, aperture: np.ndarray) -> np.ndarray:
    """uint8: the skin around the eye, spread over it and bulging a little.

    A lid that closes brings skin to light that the photo hides in the fold of the open eye.
    """
    around = 1 - cv2.dilate(aperture, np.ones((25, 17), np.uint8))
    skin = _spread(patch, around.astype(np.float32))
    rows = np.flatnonzero(aperture.any(1))
    if not len(rows):
        return np.clip(skin, 0, 255).astype(np.uint8)
    # From the fold, in the shade of the brow, over the eyeball's bulge to the lashes.
    down = (np.arange(len(patch)) - rows[0]) / max(np.ptp(rows), 1)
    bulge = np.interp(down, [-0.3, 0.0, 0.5, 1.0, 1.3], [0.88, 0.9, 1.04, 0.93, 0.95])
    return np.clip(skin * bulge[:, None, None], 0, 255).astype(np.uint8)


def _distance(shape: tuple[int, int], centre: tuple[float, float]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.hypot(x - centre[0], y - centre[1])


def _find_iris(patch: np.ndarray, aperture: np.ndarray, radius: float) -> tuple[float, float]:
    """Where a disc of `radius` is darker than what surrounds it within the aperture."""
    darkness = (255 - patch[..., 0]) * aperture  # red: brown and blue irises are both dark
    size = int(1.7 * radius) * 2 + 1
    reach = _distance((size, size), (size // 2, size // 2))
    disc = (reach <= radius).astype(np.float32)
    ring = ((reach > radius) & (reach <= 1.6 * radius)).astype(np.float32)

    def mean(kernel):
        total = cv2.filter2D(darkness, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
        area = cv2.filter2D(
            aperture.astype(np.float32), cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT
        )
        return total / np.maximum(area, 1), area

    inner, area = mean(disc)
    outer, _ = mean(ring)
    # As much of the disc as possible should be seen, and its centre in the eye's height.
    score = (inner - outer) * np.minimum(area / max(area.max(), 1), 0.9)
    y, x = np.mgrid[: patch.shape[0], : patch.shape[1]]
    rows, columns = np.nonzero(aperture)
    if not len(rows):
        return patch.shape[1] / 2, patch.shape[0] / 2
    middle, half = (rows.min() + rows.max()) / 2, 0.35 * radius
    score[np.abs(y - middle) > half] = -np.inf
    score[(x < columns.min() + 0.4 * radius) | (x > columns.max() - 0.4 * radius)] = -np.inf
    best = np.unravel_index(np.argmax(score), score.shape)
    return float(best[1]), float(best[0])


def _completed(patch, aperture, iris, radius):
    """Sclera spread outwards from where it is seen, the iris as its mean by radius."""
    reach = _distance(patch.shape[:2], iris)
    white = (aperture > 0) & (reach > 1.12 * radius)
    sclera = _spread(patch, white.astype(np.float32))
    bins = np.minimum((reach / radius * 12).astype(int), 15)
    seen = (aperture > 0) & (reach <= 1.2 * radius)
    count = np.bincount(bins[seen], minlength=16)
    profile = np.stack(
        [np.bincount(bins[seen], patch[seen, c], 16) / np.maximum(count, 1) for c in range(3)], 1
    )
    known = np.flatnonzero(count > 3)
    if not len(known):
        return sclera
    for c in range(3):
        profile[:, c] = np.interp(np.arange(16), known, profile[known, c])
    place = np.clip(reach / radius * 12 - 0.5, 0, 14.999)
    low = place.astype(int)
    part = (place - low)[..., None]
    rings = profile[low] * (1 - part) + profile[low + 1] * part
    edge = np.clip((1.06 * radius - reach) / (0.12 * radius), 0, 1)[..., None]
    return (edge * rings + (1 - edge) * sclera).astype(np.float32)


def _spread(patch: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The masked pixels' colour everywhere: near ones count most."""
    if mask.sum() < 12:
        return np.full_like(patch, 200.0) * (patch.mean((0, 1)) / max(patch.mean(), 1))
    bright = patch.mean(2)
    # The corners of the sclera are red and in the shade, skin has brows and lashes on it: what is
    # spread is the brighter part of each.
    mask = mask * (bright >= np.percentile(bright[mask > 0], 35))
    masked = np.concatenate([patch * mask[..., None], mask[..., None]], 2)
    spread = cv2.GaussianBlur(masked, (0, 0), 6)
    # Wide kernels on a quarter of the size: the same to the eye, a tenth of the time.
    small = cv2.resize(masked, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    wide = cv2.resize(cv2.GaussianBlur(small, (0, 0), 5), patch.shape[1::-1])
    spread += 1e-2 * wide + 1e-5 * masked.mean((0, 1))
    return spread[..., :3] / spread[..., 3:]
