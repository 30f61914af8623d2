"""What a model makes of the requests, and what its pictures alone tell."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ganimation_tf import progress
from ganimation_tf.evaluation import regions, truth
from ganimation_tf.evaluation.samples import Requests, Samples
from ganimation_tf.faces.alignment import CropSpec

IMAGE, ATTENTION = "image", "attention"
SATURATED = 0.05
"""A mask's pixel this close to 0 or 1 takes all or nothing of the input."""


class Editor(Protocol):
    """What is evaluated: a run, an export, a server, a baseline."""

    @property
    def name(self) -> str:
        """How the report calls it."""

    @property
    def action_units(self) -> Sequence[str]:
        """The N AUs that it takes."""

    @property
    def crop(self) -> CropSpec:
        """What its crops show."""

    def edit(
        self, images: np.ndarray, source_aus: np.ndarray, target_aus: np.ndarray
    ) -> np.ndarray | Mapping[str, np.ndarray]:
        """Faces with other AUs.

        Args:
            images: float32 (n, size, size, 3) in [0, 1].
            source_aus, target_aus: float32 (n, N) in [0, 1].

        Returns:
            float (n, size, size, 3) in [0, 1], or a mapping with that as `image` and perhaps the
            masks that it was made of, of which `attention` (n, size, size, 1) is looked at.
        """
        ...

    def estimate(self, images: np.ndarray) -> np.ndarray | None:
        """The AUs that the model itself sees, (n, N) in [0, 1]; None if it does not look."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class Edits:
    """The model's answers to m requests.

    Attributes:
        images: uint8 (m, size, size, 3).
        attention: uint8 (m, size, size), 255 keeps the input's pixel; None for a model without.
        estimates: float64 (m, N), the AUs that the model sees in its own edits; None without.
        rows: the measures of each edit by name, float64 (m,).
    """

    images: np.ndarray
    attention: np.ndarray | None
    estimates: np.ndarray | None
    rows: Mapping[str, np.ndarray]


def make(
    model: Editor,
    samples: Samples,
    requests: Requests,
    batch_size: int = 16,
    batches: progress.Batches = progress.batches,
) -> Edits:
    """Edits all requests and measures each edit.

    The measures: `truth_*` and `attention_overlap` where the truth is known, `background`,
    `zero_edit` (what the model changes when nothing is to change), `cycle` (what is lost on the
    way there and back), `attention_mean` and `attention_saturated`.

    Args:
        batches: how the requests are gone through.
    """
    face = regions.face_region(samples.crop)
    pictures, masks, estimates, measured = [], [], [], []
    for rows in batches(len(requests), batch_size, "faces edited"):
        sources = samples.images[requests.sources[rows]].astype(np.float32) / 255
        known = samples.action_units[requests.sources[rows]]
        targets = requests.targets[rows]
        image, attention = _answer(model, sources, known, targets)
        truths = requests.truths[rows]
        wanted = samples.images[truths].astype(np.float32) / 255 if truths[0] >= 0 else None
        back, _ = _answer(model, image, targets, known)
        same, _ = _answer(model, sources, known, known)
        measures = _against_truth(image, sources, wanted, attention, face)
        measures["zero_edit"] = truth.rmse(same, sources)
        measures["cycle"] = truth.l1(back, sources)
        if attention is not None:
            measures |= _of_masks(attention)
            masks.append(np.round(attention[..., 0] * 255).astype(np.uint8))
        estimate = model.estimate(image)
        if estimate is not None:
            estimates.append(np.asarray(estimate, np.float64))
        pictures.append(as_uint8(image))
        measured.append(measures)
    return Edits(
        images=np.concatenate(pictures),
        attention=np.concatenate(masks) if masks else None,
        estimates=np.concatenate(estimates) if estimates else None,
        rows={name: np.concatenate([one[name] for one in measured]) for name in measured[0]},
    )


def edited(
    model: Editor, images: np.ndarray, known: np.ndarray, targets: np.ndarray, batch_size: int
) -> np.ndarray:
    """Faces with other AUs, `batch_size` at a time.

    Args:
        images: uint8 (n, size, size, 3).
        known, targets: float32 (n, N) in [0, 1], the AUs that they show and are to show.

    Returns:
        uint8 (n, size, size, 3).
    """
    return np.concatenate(
        [
            as_uint8(
                _answer(model, images[rows].astype(np.float32) / 255, known[rows], targets[rows])[0]
            )
            for rows in progress.batches(len(images), batch_size)
        ]
    )


def as_uint8(images: np.ndarray) -> np.ndarray:
    """[0, 1] as uint8, rounded."""
    return np.clip(np.round(np.asarray(images) * 255), 0, 255).astype(np.uint8)


def _answer(model: Editor, images, known, targets) -> tuple[np.ndarray, np.ndarray | None]:
    """The edited images, clipped to [0, 1], and the attention mask or None.

    Raises:
        ValueError: if the model returns another shape, or what is no number.
    """
    made = model.edit(images, known, targets)
    made = made if isinstance(made, Mapping) else {IMAGE: made}
    image = np.asarray(made[IMAGE], np.float32)
    if image.shape != images.shape:
        raise ValueError(f"{model.name}: edits must have shape {images.shape}, got {image.shape}")
    if not np.isfinite(image).all():
        raise ValueError(f"{model.name}: edits must be finite")
    attention = made.get(ATTENTION)
    return np.clip(image, 0, 1), None if attention is None else np.asarray(attention)


def _against_truth(image, sources, wanted, attention, face) -> dict[str, np.ndarray]:
    if wanted is None:
        return {"background": truth.rmse(image, sources, ~face)}
    changed = regions.changed(sources, wanted)
    measures = {
        "truth_error": truth.error(image, sources, wanted),
        "truth_share": truth.share(image, sources, wanted),
        "truth_gradients": truth.gradient_energy(image, sources, wanted),
        "truth_edges": truth.edge_strength(image, wanted, changed),
        "truth_l1": truth.l1(image, wanted, face),
        "truth_psnr": truth.psnr(image, wanted, face),
        "truth_ssim": truth.ssim(image, wanted, face),
        "background": truth.rmse(image, sources, ~changed),
    }
    if attention is not None:
        measures["attention_overlap"] = truth.overlap(attention, changed)
    return measures


def _of_masks(attention: np.ndarray) -> dict[str, np.ndarray]:
    saturated = np.abs(attention - 0.5) > 0.5 - SATURATED
    return {
        "attention_mean": attention.mean((1, 2, 3), dtype=np.float64),
        "attention_saturated": saturated.mean((1, 2, 3), dtype=np.float64),
    }
