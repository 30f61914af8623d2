"""`schema.json`: what the next data set must be like, taken from a first one.

    version, action_units, crop: size, margin
    faces: of the data set that it was taken from
    least_faces, largest_rejected_share, largest_enlarged_share
    active_from, intensity_edges, side_edges: as `statistics.json` has them
    intensities: AU: range [lowest, highest], active_share [lowest, highest], drift, histogram
    sides: drift, histogram

Everything in it is a bound, or what a bound is measured from, and meant to be read and edited. A
drift is the Jensen-Shannon divergence of two histograms with logarithms of base 2: 0 for equal
ones, 1 for ones that share no bin.
"""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from ganimation_tf import files
from ganimation_tf.data.schema.numbers import Numbers
from ganimation_tf.data.schema.options import SchemaOptions
from ganimation_tf.data.statistics.dataset import to_json
from ganimation_tf.errors import MALFORMED, UserError, as_user_error

VERSION = 1

DEVIATIONS = 3.0
"""How many standard errors of a share its bounds leave for chance."""


def infer(numbers: Numbers, bounds: SchemaOptions) -> dict[str, Any]:
    """The schema that `numbers` is an example of."""
    return {
        "version": VERSION,
        "action_units": list(numbers.action_units),
        "crop": dict(numbers.crop),
        "faces": numbers.faces,
        "least_faces": math.ceil(numbers.faces * bounds.least_faces),
        "largest_rejected_share": _up(numbers.rejected_share + bounds.rejected_margin),
        "largest_enlarged_share": _up(numbers.enlarged_share + bounds.rejected_margin),
        **numbers.edges,
        "intensities": {
            name: {
                "range": [
                    _down(numbers.lowest[name] - bounds.range_margin),
                    _up(numbers.highest[name] + bounds.range_margin),
                ],
                "active_share": _share_bounds(numbers.active[name], numbers.faces, bounds),
                "drift": bounds.drift,
                "histogram": list(numbers.histograms[name]),
            }
            for name in numbers.action_units
        },
        "sides": {"drift": bounds.drift, "histogram": list(numbers.sides)},
    }


def _share_bounds(active: int, faces: int, bounds: SchemaOptions) -> list[float]:
    share = active / faces
    room = bounds.share_margin + DEVIATIONS * math.sqrt(share * (1 - share) / faces)
    return [_down(share - room), _up(share + room)]


def _down(value: float) -> float:
    return max(0.0, math.floor(_millionths(value)) / 10**6)


def _up(value: float) -> float:
    return min(1.0, math.ceil(_millionths(value)) / 10**6)


def _millionths(value: float) -> float:
    """Without the last bits of sums such as 0.05 + 0.1, which would count as one more."""
    return round(value * 10**6, 9)


def write(schema: Mapping[str, Any], path: pathlib.Path) -> None:
    """Writes it, a row of numbers on one line.

    Raises:
        UserError: if it cannot be written.
    """
    files.write_whole(path, to_json(schema).encode())


def load(path: pathlib.Path) -> dict[str, Any]:
    """Reads a schema.

    Raises:
        UserError: if it cannot be read as one.
    """
    with as_user_error(f"{path}: cannot be read as a schema", OSError, *MALFORMED):
        schema = json.loads(path.read_text(encoding="utf-8"))
        if schema["version"] != VERSION:
            raise UserError(f"{path}: version must be {VERSION}, found {schema['version']!r}")
        if schema["intensities"].keys() != set(schema["action_units"]):
            raise UserError(f"{path}: action_units and intensities must name the same AUs")
        return schema
