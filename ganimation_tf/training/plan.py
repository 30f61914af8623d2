"""What is to be trained on what: looked at before anything is built or written."""

import dataclasses
import pathlib

from ganimation_tf.config import COSINE, TrainConfig
from ganimation_tf.data.manifest import TRAIN, Manifest
from ganimation_tf.training import dataset, runs, saved_networks

EVALUATIONS, LEAST_EPOCH, MOST_EPOCH = 20, 200, 2_500
"""How often a run is evaluated whose length is given in steps, and least and most steps between: a
short run must not spend its time on evaluations, a long one shall have networks to use early."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A training, its dataset and its length.

    Attributes:
        facts: see `runs.facts_of`.
        epoch_steps: generator updates between two evaluations: a twentieth of the run, between
            `LEAST_EPOCH` and `MOST_EPOCH`, or, where the length is counted in epochs, one pass over
            the images.
        steps: generator updates of the whole run.
    """

    data: pathlib.Path
    config: TrainConfig
    manifest: Manifest
    preset: str
    epoch_steps: int
    steps: int
    start_from: pathlib.Path | None

    @property
    def facts(self) -> dict:
        return runs.facts_of(self.config, self.manifest, self.preset, self.steps, self.start_from)


def make_plan(
    data: pathlib.Path,
    config: TrainConfig,
    preset: str,
    steps: int | None = None,
    start_from: pathlib.Path | None = None,
) -> Plan:
    """Looks at the dataset.

    Args:
        data: directory of a dataset of `ganimation preprocess`.
        preset: the name that `config` started from, for the record.
        steps: generator updates; None: as many as the config says, or its epochs make.
        start_from: a run, or a directory of weights as they ship, to start from; None: from
            random networks.

    Raises:
        UserError: if the dataset is not whole, or the run to start from has no networks.
    """
    manifest = Manifest.load(data)
    dataset.shard_paths(data, manifest, TRAIN)
    if start_from is not None:
        saved_networks.require_networks(start_from)
    steps = steps or config.steps
    if steps:
        epoch_steps = min(steps, MOST_EPOCH, max(LEAST_EPOCH, steps // EVALUATIONS))
    else:
        epoch_steps = max(1, manifest.records(TRAIN) // config.images_per_step)
        decay = 0 if config.schedule == COSINE else config.decay_epochs
        steps = epoch_steps * (config.epochs + decay)
    return Plan(data, config, manifest, preset, epoch_steps, steps, start_from)
