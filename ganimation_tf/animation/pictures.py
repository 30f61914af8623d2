"""Pictures as users have them, uint8, and as models take them, float32 in [0, 1]."""

import numpy as np


def require_picture(image: np.ndarray) -> None:
    """Refuses what is no uint8 (height, width, 3) array.

    Raises:
        ValueError: saying what it is.
    """
    if getattr(image, "dtype", None) != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape = f"{getattr(image, 'dtype', type(image).__name__)} {np.shape(image)}"
        raise ValueError(f"a picture must be uint8 (height, width, 3) RGB, got {shape}")


def crop_of(image: np.ndarray, size: int) -> np.ndarray:
    """float32 (S, S, 3) in [0, 1] of a uint8 face crop.

    Args:
        image: what should be one.
        size: S of the model.

    Raises:
        ValueError: if it has another shape or type.
    """
    require_picture(image)
    if image.shape != (size, size, 3):
        raise ValueError(
            f"a face crop of this model has {size} x {size} pixels, got "
            f"{image.shape[1]} x {image.shape[0]}; for a photo there is edit_photo"
        )
    return image.astype(np.float32) / 255


def to_picture(image: np.ndarray) -> np.ndarray:
    """uint8 of the same shape; values outside of [0, 1] are clipped."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
