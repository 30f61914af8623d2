"""The paths of TensorFlow Serving's REST API (g3doc/api_rest.md), and the models that they name."""

import re
import urllib.parse

from tensorflow_serving.apis import model_pb2

from serving.server.status import invalid

_CHOICE = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_CHOICE}:(?P<method>classify|regress|predict)", re.I | re.A
)
_STATUS = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_CHOICE}(?P<metadata>/metadata)?", re.I | re.A
)


def match(method: str, path: str) -> re.Match[str] | None:
    """What a request asks for: groups `name`, `version`, `label`, and `method` or `metadata`."""
    pattern = {"POST": _PREDICTION, "GET": _STATUS}.get(method)
    return pattern.fullmatch(path) if pattern else None


def model_spec(match: re.Match[str]) -> model_pb2.ModelSpec:
    """The model that a path names.

    Raises:
        StatusError: INVALID_ARGUMENT if it names none, or no version that there can be.
    """
    if not match["name"]:
        raise invalid("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(match["name"]))
    if match["label"]:
        spec.version_label = urllib.parse.unquote(match["label"])
    if match["version"]:
        number = int(match["version"][:20])
        if number >= 2**63:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = number
    return spec
