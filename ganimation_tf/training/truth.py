"""Loss terms where the true result is known: the other picture of a pair.

Functions as those of `losses`: pure, unweighted, one float32 value per image, (B,). Images are
float32 (B, S, S, 3) in [-1, 1]; differences are taken in units of the whole range, so that 1 is
black against white.
"""

from collections.abc import Mapping

import tensorflow as tf

from ganimation_tf.training.losses import per_image_mean, total_variation

CHANGED, CHANGED_MOST = 20.0, 0.3
"""A pixel counts 1 + 20 min(change, 0.3) times: most of a face does not change."""

LEFT_OVER, LEFT_OVER_GAIN = 0.04, 12.0
"""What warping may leave over before the mask is to paint, and how steeply it then does."""

CERTAIN = 1e-5
"""How near the mask's values come to 0 and 1 in `mask`; beyond, the logarithm has no limit."""

CELLS = 16
"""Cells along a side in `regions`: of 8 pixels at 128, half an eye."""

NOTICED = 0.02
"""Mean change of a cell that counts half."""

NEGLIGIBLE = 1e-5
"""Mean squared change, in [-1, 1], beside which none can be told from noise."""

FAINT = 1e-3
"""A step between two pixels that nobody sees, where a root's slope would have no limit."""

STILL = 0.01
"""Change below which a pixel has no reason to move."""


def distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference over channels, (B, S, S, 1) in [0, 1]."""
    return tf.reduce_mean(tf.abs(a - b), axis=-1, keepdims=True) / 2.0


def pixels(image: tf.Tensor, truth: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """L1 to the truth in which changing pixels count more.

    Args:
        change: (B, S, S, 1), `distance` of the source and the truth.
    """
    weight = 1.0 + CHANGED * tf.minimum(change, CHANGED_MOST)
    return per_image_mean(weight * distance(image, truth))


def mask(attention: tf.Tensor, kept: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the attention mask: 1 where the kept image is right, 0 where paint is due.

    Without it the mask is at 1 within 50 steps, where the color mask gets no gradient. L1 in its
    place ends there too: most pixels need no paint, their median is 1, and a saturated sigmoid
    hands no L1 on.

    Args:
        attention: (B, S, S, 1) in [0, 1].
        kept: what attention 1 keeps: the warped image, or the image.
    """
    left_over = LEFT_OVER_GAIN * (distance(tf.stop_gradient(kept), truth) - LEFT_OVER)
    paint = tf.clip_by_value(left_over, 0.0, 1.0)
    keeps = tf.clip_by_value(attention, CERTAIN, 1.0 - CERTAIN)
    entropy = (paint - 1.0) * tf.math.log(keeps) - paint * tf.math.log(1.0 - keeps)
    return per_image_mean(entropy)


def edges(image: tf.Tensor, truth: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """L1 of image gradients, weighted as in `pixels`: blur costs although its pixels are near."""
    weight = 1.0 + CHANGED * tf.minimum(change, CHANGED_MOST)
    off = image - truth
    down, right = off[:, 1:] - off[:, :-1], off[:, :, 1:] - off[:, :, :-1]
    down, right = weight[:, 1:] * tf.abs(down), weight[:, :, 1:] * tf.abs(right)
    return (per_image_mean(down) + per_image_mean(right)) / 2.0


def sharpness(image: tf.Tensor, truth: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """L1 of how strong the edges of each cell are: blur costs, an edge a little aside does not.

    Where the truth's edge may be a pixel up or down, `edges` is least with none at all, as no
    single place is likelier to have it than not: lips and teeth fade. This one asks for the edge,
    and leaves to the other terms where it is.

    Args:
        change: as in `pixels`.
    """
    cell = max(2, image.shape[1] // CELLS)

    def pooled(values):
        return tf.nn.avg_pool2d(values, cell, cell // 2, "SAME")

    def strength(steps):  # of which a strong one counts more than several faint ones
        return tf.sqrt(pooled(tf.square(steps)) + FAINT**2)

    def strengths(x):
        x = tf.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), "SYMMETRIC")
        down, right = x[:, 1:, :-1] - x[:, :-1, :-1], x[:, :-1, 1:] - x[:, :-1, :-1]
        return strength(down), strength(right)

    weight = 1.0 + CHANGED * tf.minimum(pooled(change), CHANGED_MOST)
    down, right = (
        tf.abs(made - due) for made, due in zip(strengths(image), strengths(truth), strict=True)
    )
    return per_image_mean(weight * (down + right)) / 2.0


def regions(image: tf.Tensor, truth: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Error relative to the change, cell by cell: each cell that changes counts alike.

    1 where the image is left as it is. In a mean over pixels lids are nothing beside a mouth, and
    an expression that moves little is nothing beside a laugh.
    """
    cell = max(1, image.shape[1] // CELLS)

    def pooled(values):
        return tf.nn.avg_pool2d(values, cell, cell, "VALID")

    error, due = pooled(distance(image, truth)), pooled(change)
    counts = due / (due + NOTICED)
    relative = tf.reduce_sum(counts * error / (due + NOTICED), axis=(1, 2, 3))
    return relative / (tf.reduce_sum(counts * counts, axis=(1, 2, 3)) + NOTICED)


def flow_roughness(flow: tf.Tensor) -> tf.Tensor:
    """How unsmooth a flow (B, S, S, 2) is: mean |vertical| + mean |horizontal| step, in pixels."""
    return total_variation(flow)


def flow_at_rest(flow: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Mean length of the flow, in pixels, where nothing changes: a background must stand still."""
    return per_image_mean(tf.abs(flow) * tf.cast(change < STILL, tf.float32))


def terms(
    edited: Mapping[str, tf.Tensor], source: tf.Tensor, truth: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Every term of a generator's outputs, by the names of `config.LossWeights`.

    Args:
        edited: outputs of a generator (see `networks.generator`); without a flow its terms are 0.
        source, truth: the images that were given and are wanted.
    """
    change = distance(source, truth)
    kept = edited.get("warped", source)
    terms_of_truth = {
        "truth": pixels(edited["image"], truth, change),
        "truth_color": pixels(edited["color"], truth, change),
        "truth_mask": mask(edited["attention"], kept, truth),
        "truth_edges": edges(edited["image"], truth, change),
        "truth_sharpness": sharpness(edited["image"], truth, change),
        "truth_regions": regions(edited["image"], truth, change),
    }
    nothing = tf.zeros_like(terms_of_truth["truth"])
    moves = "flow" in edited
    return terms_of_truth | {
        "truth_warped": pixels(kept, truth, change) if moves else nothing,
        "flow_roughness": flow_roughness(edited["flow"]) if moves else nothing,
        "flow_at_rest": flow_at_rest(edited["flow"], change) if moves else nothing,
        ERROR: error(edited["image"], source, truth),
    }


ERROR = "truth_error"
"""Not lowered, but told: see `error`."""

TERMS = (
    "truth",
    "truth_color",
    "truth_warped",
    "truth_mask",
    "truth_edges",
    "truth_sharpness",
    "truth_regions",
    "flow_roughness",
    "flow_at_rest",
    ERROR,
)


def error(image: tf.Tensor, source: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """Squared error beside that of returning the source: 1 is as good as doing nothing."""
    left = per_image_mean(tf.math.squared_difference(image, truth))
    return left / (per_image_mean(tf.math.squared_difference(source, truth)) + NEGLIGIBLE)
