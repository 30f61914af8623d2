"""A data set in the numbers that a schema speaks of."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.data import manifest
from ganimation_tf.errors import MALFORMED, as_user_error


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What a schema is taken from, or compared with: a data set in numbers, all splits together.

    Attributes:
        action_units: the N names.
        crop: size and margin.
        faces: number of records.
        rejected_share: of the inputs.
        enlarged_share: of the faces, whose crop has more pixels than the photo had.
        lowest, highest, active: by AU: intensities, and number of faces on which it is active.
        histograms: by AU; counts between the intensity edges.
        sides: counts between the side edges.
        edges: the edges and the threshold, as `statistics.json` has them.
    """

    action_units: tuple[str, ...]
    crop: Mapping[str, float]
    faces: int
    rejected_share: float
    enlarged_share: float
    lowest: Mapping[str, float]
    highest: Mapping[str, float]
    active: Mapping[str, int]
    histograms: Mapping[str, Sequence[int]]
    sides: Sequence[int]
    edges: Mapping[str, Any]


EDGES = ("active_from", "intensity_edges", "side_edges")


def numbers_of(directory: str | pathlib.Path) -> Numbers:
    """The numbers of a data set, from `dataset.json` and `statistics.json`; no record is read.

    Raises:
        UserError: if one of them cannot be read.
    """
    made = manifest.Manifest.load(directory)
    path = pathlib.Path(directory) / manifest.STATISTICS
    with as_user_error(f"{path}: cannot be read as statistics", OSError, *MALFORMED):
        facts = json.loads(path.read_text(encoding="utf-8"))
        splits = [split for split in facts["splits"].values() if split["records"]]
        faces = sum(split["records"] for split in splits)
        units = {name: [one["action_units"][name] for one in splits] for name in made.action_units}
        return Numbers(
            action_units=made.action_units,
            crop=dataclasses.asdict(made.crop),
            faces=faces,
            rejected_share=sum(made.rejections.values()) / max(1, made.inputs),
            enlarged_share=sum(split["enlarged"] for split in splits) / max(1, faces),
            lowest={name: min(one["lowest"] for one in of) for name, of in units.items()},
            highest={name: max(one["highest"] for one in of) for name, of in units.items()},
            active={name: sum(one["active"] for one in of) for name, of in units.items()},
            histograms={
                name: np.sum([one["histogram"] for one in of], axis=0).tolist()
                for name, of in units.items()
            },
            sides=np.sum([split["side"] for split in splits], axis=0).tolist(),
            edges={name: facts[name] for name in EDGES},
        )
