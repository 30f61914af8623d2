"""What a server was sent, against a schema: the skew between training and serving.

`ganimation serve --measure-inputs` counts in the bins of `statistics.json`; here they are read from
its metrics. A bin includes its upper edge there and its lower one here, which matters for values
that lie on an edge only.
"""

import http.client
import re
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ganimation_tf.data.schema.anomalies import Anomaly, divergence
from ganimation_tf.errors import MALFORMED, ServiceError, UserError, reason
from ganimation_tf.loopback import is_loopback

REQUESTED, SHOWN, SIZES = "requested", "shown", "sizes"

NAMES: Mapping[str, str] = {
    REQUESTED: "ganimation_requested_action_units",
    SHOWN: "ganimation_shown_action_units",
    SIZES: "ganimation_picture_side",
}
"""Metrics by what they count."""

METRICS_PATH = "/monitoring/prometheus/metrics"

MAX_BYTES = 2**24
"""Largest page of metrics; one with 17 AUs has less than 100 KiB."""

LEAST_ROWS = 100
"""Rows from which on a histogram is judged."""

_LINE = re.compile(r"(\w+)_bucket\{([^}]*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Histograms = Mapping[tuple[str, str], Sequence[float]]
"""Counts by what is counted and the AU, which is empty for sizes."""


def read(url: str) -> Histograms:
    """Reads the metrics of a server.

    Args:
        url: `http://HOST:PORT`, with or without the path of the metrics.

    Raises:
        ServiceError: if it does not answer, or not with metrics.
        UserError: if it does not measure its inputs.
    """
    url = url.rstrip("/")
    if not url.endswith(METRICS_PATH):
        url += METRICS_PATH
    try:
        with _opener(url).open(url, timeout=30) as page:
            data = page.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ServiceError(f"{url}: metrics must have at most {MAX_BYTES} bytes")
        text = data.decode()
        histograms = parse(text)
    except (OSError, http.client.HTTPException, *MALFORMED) as error:
        raise ServiceError(f"{url}: {reason(error)}") from error
    if not any(f"# HELP {name} " in text for name in NAMES.values()):
        raise UserError(f"{url} counts no inputs: start the server with --measure-inputs")
    return histograms


def _opener(url: str) -> urllib.request.OpenerDirector:
    if is_loopback(urllib.parse.urlsplit(url).hostname):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def parse(text: str) -> Histograms:
    """The histograms in Prometheus's text format."""
    kinds = {name: kind for kind, name in NAMES.items()}
    below: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for name, labels, count in _LINE.findall(text):
        if name in kinds:
            values = dict(_LABEL.findall(labels))
            key = kinds[name], values.get("action_unit", "")
            below[key].append((float(values["le"]), float(count)))
    histograms = {}
    for key, buckets in below.items():
        counts = np.diff([0.0, *(count for _, count in sorted(buckets))])
        # Of intensities none is above 1, the last edge.
        histograms[key] = (counts if key[0] == SIZES else counts[:-1]).tolist()
    return histograms


def drifts(histograms: Histograms, schema: Mapping[str, Any]) -> dict[str, float]:
    """Divergence of what faces show and of what was asked for from the schema, `shown AU12` etc."""
    return {
        f"{kind} {unit}": divergence(counts, schema["intensities"][unit]["histogram"])
        for (kind, unit), counts in sorted(histograms.items())
        if unit in schema["intensities"] and any(counts)
    }


def anomalies(histograms: Histograms, schema: Mapping[str, Any]) -> list[Anomaly]:
    """Where what was sent is unlike what training saw. Sizes are told, and not judged: a server
    sees crops, a data set photographs."""
    return [*_other_units(histograms, schema), *_drifted(histograms, schema)]


def _other_units(histograms: Histograms, schema: Mapping[str, Any]) -> Iterator[Anomaly]:
    units = {unit for kind, unit in histograms if kind != SIZES}
    if unknown := sorted(units - schema["intensities"].keys()):
        yield Anomaly("other_action_units", f"the served model has AUs besides: {unknown}")


def _drifted(histograms: Histograms, schema: Mapping[str, Any]) -> Iterator[Anomaly]:
    for (kind, unit), counts in sorted(histograms.items()):
        if unit not in schema["intensities"] or sum(counts) < LEAST_ROWS:
            continue
        bound = schema["intensities"][unit]["drift"]
        moved = divergence(counts, schema["intensities"][unit]["histogram"])
        if moved > bound:
            yield Anomaly(
                "skew",
                f"the {kind} intensities of {unit} are unlike those of training: divergence must "
                f"be at most {bound:g}, it is {moved:.3g} over {sum(counts):.0f} rows",
            )
