"""The alarms of training: a symptom in numbers, the likely cause and the option that helps.

What is normal at the beginning is not judged before a warm-up is over: on photos the generator
first learns to keep every pixel, and for some hundred steps it does nothing else.
"""

import dataclasses

from ganimation_tf.config import TrainConfig
from ganimation_tf.training.diagnostics import symptoms
from ganimation_tf.training.diagnostics.symptoms import Symptom

GRADIENTS = ("critic_gradient", "generator_gradient")


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A symptom, and what it means.

    Attributes:
        code: its name.
        at_once: whether it is judged from the first step, without a warm-up.
        symptom: says what is seen, see `symptoms`.
        advice: likely cause and remedy, with options in braces.
        of_critic: whether it says something only where the critic teaches the generator.
        of_realism: whether it says something only where the critic judges realism.
    """

    code: str
    at_once: bool
    symptom: Symptom
    advice: str
    of_critic: bool = False
    of_realism: bool = False


ALARMS = (
    Alarm(
        "copies_input",
        False,
        symptoms.copies_input,
        "the generator copies its input; check the AU labels in the dataset's report.html, or "
        "raise {--loss.action-units}",
        of_critic=True,
    ),
    Alarm(
        "paints_everything",
        True,
        symptoms.paints_everything,
        "the generator paints every pixel anew and the person is lost; lower {--loss.attention} "
        "or raise {--loss.cycle}",
    ),
    Alarm(
        "uniform_mask",
        False,
        symptoms.uniform_mask,
        "the mask chooses no place, the color lies over the image like a veil; lower "
        "{--loss.total-variation}",
    ),
    Alarm(
        "hard_mask",
        False,
        symptoms.hard_mask,
        "a mask of all or nothing hardly learns any more and its edges show; raise "
        "{--loss.total-variation} or lower {--learning-rate}",
    ),
    Alarm(
        "critic_blind",
        False,
        symptoms.critic_blind,
        "the critic has not learnt to see expressions, so the generator cannot either; labels "
        "and faces may not belong together (look at report.html), else raise "
        "{--loss.action-units} or {--critic-filters}",
        of_critic=True,
    ),
    Alarm(
        "no_visible_edit",
        False,
        symptoms.no_visible_edit,
        "the generator paints, but the expression stays; raise {--loss.action-units} or lower "
        "{--loss.cycle}",
        of_critic=True,
    ),
    Alarm(
        "critic_fooled",
        False,
        symptoms.critic_fooled,
        "the generator draws patterns that the critic takes for expressions; let it learn from "
        "the truth: raise {--loss.truth}, or lower {--loss.action-units}",
        of_critic=True,
    ),
    Alarm(
        "gap_collapsed",
        False,
        symptoms.gap_collapsed,
        "the critic takes the generator's images for more real than photos; raise "
        "{--critic-steps} or {--critic-filters}, or lower {--loss.action-units}",
        of_realism=True,
    ),
    Alarm(
        "gap_exploded",
        True,
        symptoms.gap_exploded,
        "no critic of slope 1 can tell images so far apart: the gradient penalty has lost hold; "
        "raise {--loss.gradient-penalty} or lower {--learning-rate}",
        of_realism=True,
    ),
    Alarm(
        "slope_wrong",
        False,
        symptoms.slope_wrong,
        "the critic's slope is far from 1, and its realism tells the generator little; raise "
        "{--loss.gradient-penalty} or lower {--learning-rate}",
        of_realism=True,
    ),
    *(
        Alarm(
            f"{name}_exploded",
            True,
            symptoms.exploded(name),
            "training is about to diverge; lower {--learning-rate}",
        )
        for name in GRADIENTS
    ),
    *(
        Alarm(
            f"{name}_vanished",
            True,
            symptoms.vanished(name),
            "the network has stopped learning: its units are saturated or dead; begin a new run "
            "with a lower {--learning-rate}",
        )
        for name in GRADIENTS
    ),
)

OF_JUDGEMENTS = Alarm(
    "judge_disagrees",
    False,
    symptoms.judge_disagrees,
    "the generator draws patterns that the critic takes for expressions; train on pairs, where "
    "the truth is known, or lower {--loss.action-units}",
    of_critic=True,
)
"""Of what a judge says at the end of an epoch, not of windows of steps."""


def alarms_for(config: TrainConfig) -> tuple[Alarm, ...]:
    """Those that mean something where a config does without some of the critic's judgement."""
    weights = config.loss_weights
    return tuple(
        alarm
        for alarm in ALARMS
        if (weights.uses_critic or not alarm.of_critic)
        and (weights.realism or not alarm.of_realism)
    )
