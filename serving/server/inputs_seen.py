"""Histograms of what the server is asked, to be held against what training saw.

Counted are the AUs that requests ask for, the AUs that faces show, as far as they pass through
(they are sent with `edit` and are the answer of `estimate`), and the sides of encoded pictures. The
bins are those of a dataset's `statistics.json`.
"""

import io
import threading
import weakref
from collections.abc import Iterator

import numpy as np
from PIL import Image
from prometheus_client.core import HistogramMetricFamily

from ganimation_tf.data.schema.served import NAMES, REQUESTED, SHOWN, SIZES
from ganimation_tf.data.statistics.split import BINS, SIDE_EDGES
from ganimation_tf.export import signature
from serving.server.cards import card_of
from serving.server.models import LoadedVersion
from serving.server.task import Arrays

_UNIT_BOUNDS = np.arange(1, BINS + 1) / BINS
_SIDE_BOUNDS = np.array([*SIDE_EDGES[1:], np.inf])

_HELP = {
    REQUESTED: "Intensities of the AUs that were asked for.",
    SHOWN: "Intensities of the AUs that faces show, as they were sent or estimated.",
    SIZES: "Longer sides of the encoded pictures, in pixels.",
}


class InputsSeen:
    """A collector for a Prometheus registry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], np.ndarray] = {}
        self._sums: dict[tuple[str, str], float] = {}
        self._names: weakref.WeakKeyDictionary[LoadedVersion, tuple[str, ...]]
        self._names = weakref.WeakKeyDictionary()

    def add(self, version: LoadedVersion, name: str, inputs: Arrays, outputs: Arrays) -> None:
        """Counts a request that was answered: the signature `name` of `version`."""
        shown = inputs.get(signature.SOURCE)
        if name == signature.ESTIMATE:
            shown = outputs.get(signature.ACTION_UNITS)
        for kind, values in ((REQUESTED, inputs.get(signature.ACTION_UNITS)), (SHOWN, shown)):
            if values is not None:
                for unit, column in zip(self._units(version), np.asarray(values).T, strict=False):
                    self._count(kind, unit, column, _UNIT_BOUNDS)
        if signature.IMAGE_BYTES in inputs:
            encoded = inputs[signature.IMAGE_BYTES].ravel()
            self._count(SIZES, "", np.array([_side(picture) for picture in encoded]), _SIDE_BOUNDS)

    def _units(self, version: LoadedVersion) -> tuple[str, ...]:
        """The AU names of a version, which its card tells; none of a model without a card."""
        if version not in self._names:
            card = card_of(version)
            self._names[version] = card.action_units if card else ()
        return self._names[version]

    def _count(self, kind: str, unit: str, values: np.ndarray, bounds: np.ndarray) -> None:
        places = np.searchsorted(bounds, values, side="left").clip(max=len(bounds) - 1)
        counts = np.bincount(places, minlength=len(bounds))
        with self._lock:
            key = kind, unit
            self._counts[key] = self._counts.get(key, 0) + counts
            self._sums[key] = self._sums.get(key, 0.0) + float(np.sum(values))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """One histogram of each kind."""
        with self._lock:
            counts, sums = dict(self._counts), dict(self._sums)
        for kind, name in NAMES.items():
            bounds = _SIDE_BOUNDS if kind == SIZES else _UNIT_BOUNDS
            labels = [] if kind == SIZES else ["action_unit"]
            family = HistogramMetricFamily(name, _HELP[kind], labels=labels)
            for (of, unit), histogram in sorted(counts.items()):
                if of == kind:
                    buckets = _buckets(bounds, histogram)
                    family.add_metric([unit] if unit else [], buckets, sums[of, unit])
            yield family


def _buckets(bounds: np.ndarray, counts: np.ndarray) -> list[tuple[str, float]]:
    """Prometheus's: how many are at most each bound."""
    below = np.cumsum(counts).tolist()
    buckets = [(f"{bound:g}", count) for bound, count in zip(bounds, below, strict=True)]
    if np.isinf(bounds[-1]):
        buckets[-1] = "+Inf", below[-1]
    else:
        buckets.append(("+Inf", below[-1]))
    return buckets


def _side(encoded: bytes) -> int:
    """Of a picture whose header has been looked at already."""
    with Image.open(io.BytesIO(encoded)) as picture:
        return max(picture.size)
