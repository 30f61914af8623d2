"""Inputs for every signature, made up from a seed: to warm an export up and to check it."""

import numpy as np

from ganimation_tf.data import records
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces import images


def sample_inputs(card: ModelCard, rows: int, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Signature -> input name -> array, the same for the same arguments.

    Pictures are noise of the model's own size, by turns PNG and JPEG; intensities fill [0, 1].

    Args:
        rows: B, the batch size.
    """
    rng = np.random.default_rng((seed, rows))
    size, units = card.crop.size, len(card.action_units)
    pixels = rng.integers(0, 256, (rows, size, size, 3), np.uint8)
    encoders = (images.encode_png, images.encode_jpeg)
    encoded = np.empty(rows, object)
    encoded[:] = [encoders[row % 2](picture) for row, picture in enumerate(pixels)]
    wanted, shown = rng.uniform(0, 1, (2, rows, units)).astype(np.float32)
    examples = np.empty(rows, object)
    examples[:] = [
        _example(picture, ("png", "jpeg")[row % 2], size, shown[row], wanted[row])
        for row, picture in enumerate(encoded)
    ]
    image = (pixels / 255).astype(np.float32)
    return {
        signature.EDIT: {signature.IMAGE_BYTES: encoded, signature.ACTION_UNITS: wanted},
        signature.RENDER: {signature.IMAGE: image, signature.ACTION_UNITS: wanted},
        signature.FROM_SOURCE: {
            signature.IMAGE: image,
            signature.SOURCE: shown,
            signature.ACTION_UNITS: wanted,
        },
        signature.ESTIMATE: {signature.IMAGE_BYTES: encoded},
        signature.FROM_EXAMPLES: {signature.EXAMPLES: examples},
        signature.DESCRIBE: {signature.REQUEST: np.array([b""] * rows, object)},
    }


def _example(image: bytes, format: str, size: int, shown: np.ndarray, wanted: np.ndarray) -> bytes:
    record = records.FaceRecord(
        image=image,
        format=format,
        size=size,
        key="sample",
        action_units=shown,
        confidence=1.0,
        subject="sample",
        transform=np.eye(2, 3),
    )
    return records.with_target(records.encode(record), wanted)
