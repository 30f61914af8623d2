"""What a training run is made of: one frozen dataclass (`presets` has some of them).

A field gives the default, the flag of `ganimation train`, its help text and the saved value;
`steps` has no flag, as `--steps` is about a run and not about a recipe.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ganimation_tf import options
from ganimation_tf.errors import UserError
from ganimation_tf.options import option as _option

CONCAT, FILM = "concat", "film"
"""How the generator is told the AUs: planes beside the image, or a scale and shift of features."""

PATCHES, ESTIMATOR = "patches", "estimator"
"""What the critic is: it judges realism patch by patch and reads AUs, or it reads AUs only."""

LINEAR, COSINE = "linear", "cosine"
"""How the learning rate falls: late and straight, or all the time along a cosine."""

_OF_FLOW = ("truth_warped", "flow_roughness", "flow_at_rest")
"""Loss terms that are nothing without a flow."""

AUTO, ON, OFF = "auto", "on", "off"
FLOAT32, BFLOAT16 = "float32", "bfloat16"
"""How a step is computed; `auto` is decided where it runs (see `training.devices.resolved`)."""

FROM_DATA, SINGLE, BALANCED = "data", "single", "balanced"
"""Where target AUs come from; see `targets`."""


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the loss terms, for terms that are means (see `losses`).

        >>> gan.LossWeights(cycle=5.0).action_units
        160.0

    Attributes: each at least 0, unweighted terms being means over images and pixels.

    Raises:
        ValueError: naming the weight, the rule and the value.
    """

    realism: float = _option(1.0, "lambda_I: realism of the generator's images", 0)
    gradient_penalty: float = _option(10.0, "lambda_gp", 0)
    action_units: float = _option(
        160.0,
        "lambda_y: AU error; 4000 / batch 25 in published code; the critic reads AUs at 0, too",
        0,
    )
    cycle: float = _option(10.0, "lambda_idt: source to target and back", 0)
    attention: float = _option(0.1, "lambda_A: mean of both attention masks", 0)
    total_variation: float = _option(
        4.06, "lambda_TV: roughness of both masks; 1e-5 of a sum at 25 x 128 px as published", 0
    )

    truth: float = _option(0.0, "L1 to the other picture of a pair; what changes counts more", 0)
    truth_color: float = _option(0.0, "the same of the color mask", 0)
    truth_warped: float = _option(0.0, "the same of the warped input", 0)
    truth_mask: float = _option(0.0, "cross-entropy of attention to what warping left over", 0)
    truth_edges: float = _option(0.0, "L1 of image gradients to the truth's", 0)
    truth_sharpness: float = _option(
        0.0, "L1 of how strong the edges of each part are to the truth's", 0
    )
    truth_regions: float = _option(0.0, "error beside the change, each small region alike", 0)
    flow_roughness: float = _option(0.0, "mean absolute gradient of the flow, in pixels", 0)
    flow_at_rest: float = _option(0.0, "mean flow where nothing changes, in pixels", 0)

    def __post_init__(self):
        options.check(self)

    @property
    def of_truth(self) -> dict[str, float]:
        """The weights above 0 of terms that need the truth."""
        names = [f.name for f in dataclasses.fields(self)]
        known = names[names.index("truth") :]
        return {name: getattr(self, name) for name in known if getattr(self, name)}

    def of_generator(self, flow: bool) -> dict[str, float]:
        """The weights above 0 of terms that a generator can lower, with a flow or without."""
        useless = {"gradient_penalty"} | (set() if flow else set(_OF_FLOW))
        weights = dataclasses.asdict(self).items()
        return {name: weight for name, weight in weights if weight and name not in useless}

    @property
    def uses_critic(self) -> bool:
        """Whether the generator hears anything of the critic."""
        return bool(self.realism or self.action_units)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A training recipe. The defaults are preset `paper`.

        >>> config = gan.TrainConfig(batch_size=16, critic_steps=2)
        >>> config.images_per_step
        32
        >>> gan.TrainConfig(batch_size=0)
        Traceback (most recent call last):
        ganimation_tf.options.OptionError: batch_size must be at least 1, got 0

    Attributes: `ganimation train --help` describes them all.

    Raises:
        ValueError: naming the option, the rule and the value.
    """

    filters: int = _option(64, "channels of the generator's first convolution", 1)
    residual_blocks: int = _option(6, "residual blocks of the generator", 1)
    conditioning: str = _option(
        CONCAT, "AUs as planes beside the image, or as scale and shift", choices=(CONCAT, FILM)
    )
    film_gain: float = _option(
        1.0, "what AUs are multiplied by for FiLM, whose layers then learn so much faster", 0.01
    )
    relative: bool = _option(
        False, "the generator is given target minus source AUs; no change returns the input"
    )
    skips: bool = _option(False, "the generator's decoder also sees the encoder's features")
    flow: bool = _option(False, "the generator also regresses a flow that the image is warped by")
    labels: bool = _option(
        False, "the generator hears only which of eight emotions is nearest to the AUs"
    )
    critic: str = _option(
        PATCHES,
        "the critic judges realism and reads AUs, or only reads AUs",
        choices=(PATCHES, ESTIMATOR),
    )
    critic_filters: int = _option(64, "channels of the critic's first convolution", 1)
    critic_layers: int = _option(6, "strided convolutions of the critic", 1, 10)
    batch_size: int = _option(25, "images per update, over all devices", 1)
    critic_steps: int = _option(5, "critic updates for each update of the generator", 1)
    learning_rate: float = _option(1e-4, "Adam's step for both networks", 0)
    beta_1: float = _option(0.5, "Adam's decay of the mean", 0, 0.99999)
    beta_2: float = _option(0.999, "Adam's decay of the square", 0, 0.99999)
    weight_decay: float = _option(0.0, "share of the weights taken off at rate 1 (AdamW)", 0, 1)
    schedule: str = _option(
        LINEAR,
        "the rate is full for `epochs`, then falls straight to 0, or follows a cosine",
        choices=(LINEAR, COSINE),
    )
    steps: int = _option(
        0, "updates of the generator; 0: as many as the epochs make", 0, flag=False
    )
    epochs: int = _option(
        20,
        "epochs at the full learning rate; where the length is counted in updates, their share",
        1,
    )
    decay_epochs: int = _option(
        10, "further epochs of linear decay to zero, or their share likewise; no cosine has any", 0
    )
    target_sampling: str = _option(
        FROM_DATA,
        "target AUs: another face's, the source's with a single one changed, or another face's "
        "so that each AU is active equally often",
        choices=(FROM_DATA, SINGLE, BALANCED),
    )
    target_noise: float = _option(0.1, "U(-x, x) added to the target AUs", 0)
    jitter: float = _option(0.0, "brightness and contrast vary by up to this share", 0, 0.9)
    augmentation: float = _option(
        0.0,
        "how far faces are turned, scaled, lit, blurred, ... (see `augmentation`); 1: fully",
        0,
        2,
    )
    average: float = _option(
        0.0,
        "decay of the moving average of the generator, reached step by step; 0: none is kept",
        0,
        0.99999,
    )
    compile: str = _option(
        AUTO, "XLA compiles the step; auto: on one GPU, if XLA works there", choices=(AUTO, ON, OFF)
    )
    precision: str = _option(
        FLOAT32,
        "what the networks compute in, with weights and losses in float32; auto: bfloat16 where "
        "the device has instructions for it",
        choices=(AUTO, FLOAT32, BFLOAT16),
    )
    determinism: bool = _option(
        True,
        "the same run gives the same bytes on the same device, interrupted or not; without, GPUs "
        "may take faster operations whose last bits differ from run to run",
    )
    seed: int = _option(0, "seed of weights, data order, targets and penalty", 0, 2**31 - 1)
    loss_weights: LossWeights = LossWeights()

    def __post_init__(self):
        options.check(self)
        if self.labels and self.relative:
            raise options.OptionError("labels", "must be off where relative is on", True)
        if self.critic == ESTIMATOR and self.loss_weights.realism:
            rule = f"must be {PATCHES} where realism weighs {self.loss_weights.realism:g}"
            raise options.OptionError("critic", rule, self.critic)
        if not self.loss_weights.of_generator(self.flow):
            rule = "and the other weights of the generator must not all be 0"
            raise options.OptionError("loss.realism", rule, 0)

    @property
    def images_per_step(self) -> int:
        """Images that one step of training takes, over all of its critic updates."""
        return self.batch_size * self.critic_steps

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as saved in `config.json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "config") -> "TrainConfig":
        """The inverse of `to_dict`.

        A run keeps the config that it was begun with. What that one lacks came later, with a
        default of the same effect, but for `compile`: nothing was compiled then.

        Raises:
            UserError: naming a field that is unknown, or of the wrong kind or range.
        """
        try:
            weights = LossWeights(**values.get("loss_weights", {}))
            return cls(**{"compile": OFF, **values, "loss_weights": weights})
        except (TypeError, AttributeError, UserError) as error:
            raise UserError(f"{where} is not a training config: {error}") from error
