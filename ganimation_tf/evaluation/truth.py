"""Measures of an edit whose truth is known: a picture of the same person, pose and light.

All functions take pictures as float (n, height, width, 3) in [0, 1] and return a value for each of
the n edits, float64 (n,); NaN where the measure has no value.
"""

import cv2
import numpy as np

LEAST_CHANGE = 1e-6
"""Mean square below which truth and input are the same picture: a quarter of a step of 255."""

_SSIM_SIGMA, _SSIM_SIDE = 1.5, 11
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2


def error(edits: np.ndarray, sources: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """|edit - truth|^2 / |input - truth|^2: 0 is perfect, 1 as good as returning the input.

    NaN where input and truth are the same picture.
    """
    return _ratio(_sum((edits - truths) ** 2), _change(sources, truths))


def share(edits: np.ndarray, sources: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """<edit - input, truth - input> / |truth - input|^2: how much of the true change is made.

    1 is all of it, 0 nothing of it; NaN where input and truth are the same picture.
    """
    return _ratio(_sum((edits - sources) * (truths - sources)), _change(sources, truths))


def gradient_energy(edits: np.ndarray, sources: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Energy of the change's gradients, of the truth's: below 1 the change is blurred.

    NaN where input and truth are the same picture.
    """
    edited, true = (_energy(images - sources) for images in (edits, truths))
    return np.where(_change(sources, truths) > 0, _ratio(edited, true), np.nan)


def edge_strength(edits: np.ndarray, truths: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Absolute steps from pixel to pixel where the truth changes, of the truth's own steps there.

    Below 1 the edit is blurred, wherever its edges lie: `gradient_energy` also counts against it
    that they lie elsewhere.

    Args:
        changed: bool (n, height, width); NaN where it is empty, or the truth flat there.
    """
    edited, true = (_steps(images, changed) for images in (edits, truths))
    return _ratio(edited, true)


def l1(images: np.ndarray, truths: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Mean absolute difference over a region.

    Args:
        region: bool (height, width), the same for all, or (n, height, width); None: everywhere.
    """
    return _mean_over(np.abs(_float(images) - truths).mean(-1), region)


def rmse(images: np.ndarray, truths: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Root of the mean squared difference over a region, as for `l1`."""
    return np.sqrt(_mean_over(((_float(images) - truths) ** 2).mean(-1), region))


def psnr(images: np.ndarray, truths: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Peak signal to noise ratio over a region in decibels; infinite for equal pictures."""
    with np.errstate(divide="ignore"):
        return -20 * np.log10(rmse(images, truths, region))


def ssim(images: np.ndarray, truths: np.ndarray, region: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity (Wang et al. 2004), mean over the channels and a region.

    With a Gaussian window of 11 pixels and deviation 1.5, constants .01 and .03 for a range of 1,
    as in the paper.
    """
    maps = [
        _ssim_map(np.asarray(image, np.float64), np.asarray(truth, np.float64))
        for image, truth in zip(images, truths, strict=True)
    ]
    return _mean_over(np.stack(maps), region)


def overlap(attention: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Intersection over union of where the mask repaints and where the truth changes.

    Args:
        attention: (n, height, width, 1) in [0, 1]; 1 keeps the pixel. It repaints below 0.5.
        changed: bool (n, height, width).

    Returns:
        float64 (n,) in [0, 1]; NaN where both are empty.
    """
    repainted = attention[..., 0] < 0.5
    both = (repainted & changed).sum((1, 2)).astype(np.float64)
    return _ratio(both, (repainted | changed).sum((1, 2)))


def _ssim_map(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    def smooth(values):
        window = (_SSIM_SIDE, _SSIM_SIDE)
        return cv2.GaussianBlur(values, window, _SSIM_SIGMA, borderType=cv2.BORDER_REFLECT)

    mean_x, mean_y = smooth(image), smooth(truth)
    var_x = smooth(image * image) - mean_x**2
    var_y = smooth(truth * truth) - mean_y**2
    covariance = smooth(image * truth) - mean_x * mean_y
    upper = (2 * mean_x * mean_y + _SSIM_C1) * (2 * covariance + _SSIM_C2)
    lower = (mean_x**2 + mean_y**2 + _SSIM_C1) * (var_x + var_y + _SSIM_C2)
    return (upper / lower).mean(-1)


def _change(sources: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """|truth - input|^2, 0 where they are the same picture."""
    total = _sum((truths - sources) ** 2)
    return np.where(total / sources[0].size < LEAST_CHANGE, 0.0, total) if len(sources) else total


def _energy(change: np.ndarray) -> np.ndarray:
    change = _float(change)
    return _sum(np.diff(change, axis=1) ** 2) + _sum(np.diff(change, axis=2) ** 2)


def _steps(images: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Sum of absolute steps down and to the right, at the pixels that they lead to in a region."""
    images, region = _float(images), region[..., None]
    down, right = (np.abs(np.diff(images, axis=axis)) for axis in (1, 2))
    return _sum(down * region[:, 1:]) + _sum(right * region[:, :, 1:])


def _sum(values: np.ndarray) -> np.ndarray:
    return _float(values).reshape(len(values), -1).sum(1)


def _float(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)


def _ratio(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """upper / lower, NaN where `lower` is 0."""
    lower = _float(lower)
    return np.where(lower > 0, upper / np.where(lower > 0, lower, 1), np.nan)


def _mean_over(maps: np.ndarray, region: np.ndarray | None) -> np.ndarray:
    """Means of (n, height, width) over a region; NaN where it is empty."""
    if region is None:
        region = np.ones(maps.shape[1:], bool)
    region = np.broadcast_to(region, maps.shape)
    return _ratio((maps * region).sum((1, 2)), region.sum((1, 2)))
