"""Face animation by facial Action Units: GANimation (arXiv:1807.09251) in Keras 3.

    import ganimation_tf as gan

The names in `__all__` are public, all else may change. They are loaded when they are first used:
the import itself takes neither TensorFlow nor Beam.
"""

import importlib
import typing

__version__ = "0.1.0"

_PLACES = {
    "ACTION_UNITS": "ganimation_tf.action_units:DESCRIPTIONS",
    "Animator": "ganimation_tf.animation.animator",
    "AsyncGanimationClient": "serving.client.aio",
    "EXPRESSIONS": "ganimation_tf.expressions",
    "GANimation": "ganimation_tf.training.model",
    "GanimationClient": "serving.client.sync",
    "LossWeights": "ganimation_tf.config",
    "PRESETS": "ganimation_tf.presets",
    "TrainConfig": "ganimation_tf.config",
    "align_face": "ganimation_tf.face_api",
    "build_critic": "ganimation_tf.networks.critic",
    "build_generator": "ganimation_tf.networks.generator",
    "evaluate": "ganimation_tf.evaluation.evaluate",
    "evaluation_dataset": "ganimation_tf.api",
    "export": "ganimation_tf.api",
    "load_run": "ganimation_tf.api",
    "neutralise": "ganimation_tf.synthetic.reanimation",
    "paste_face": "ganimation_tf.face_api",
    "reanimate": "ganimation_tf.synthetic.reanimation",
    "render_face": "ganimation_tf.face_api",
    "train": "ganimation_tf.api",
    "training_dataset": "ganimation_tf.api",
}
"""Public name to its module, and `:` and its name there if that is another."""

__all__ = [
    "__version__",
    "ACTION_UNITS",
    "Animator",
    "AsyncGanimationClient",
    "EXPRESSIONS",
    "GANimation",
    "GanimationClient",
    "LossWeights",
    "PRESETS",
    "TrainConfig",
    "align_face",
    "build_critic",
    "build_generator",
    "evaluate",
    "evaluation_dataset",
    "export",
    "load_run",
    "neutralise",
    "paste_face",
    "reanimate",
    "render_face",
    "train",
    "training_dataset",
]

if typing.TYPE_CHECKING:
    from ganimation_tf.action_units import DESCRIPTIONS as ACTION_UNITS
    from ganimation_tf.animation.animator import Animator
    from ganimation_tf.api import (
        evaluation_dataset,
        export,
        load_run,
        train,
        training_dataset,
    )
    from ganimation_tf.config import LossWeights, TrainConfig
    from ganimation_tf.evaluation.evaluate import evaluate
    from ganimation_tf.expressions import EXPRESSIONS
    from ganimation_tf.face_api import align_face, paste_face, render_face
    from ganimation_tf.networks.critic import build_critic
    from ganimation_tf.networks.generator import build_generator
    from ganimation_tf.presets import PRESETS
    from ganimation_tf.synthetic.reanimation import neutralise, reanimate
    from ganimation_tf.training.model import GANimation
    from serving.client.aio import AsyncGanimationClient
    from serving.client.sync import GanimationClient


def __getattr__(name: str) -> typing.Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | _PLACES.keys())
