"""The served model and its loaded versions.

A version is loaded whole and never changes; `ModelVersions.publish` puts it in place in one
assignment, so that requests need no lock and one that has begun keeps the version it found.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from ganimation_tf.errors import UserError
from serving.status import StatusError, invalid, not_found

SAVED_MODEL = "saved_model.pb"
SERVE_TAG = "serve"


@dataclasses.dataclass(frozen=True)
class LoadedVersion:
    """One loaded SavedModel.

    Attributes:
        number: its version, the name of its directory.
        signature_defs: all signatures as the SavedModel declares them, by name.
        functions: the callable signatures by name: tensors by name in, tensors by name out.
        keep_alive: the loaded object; its variables live as long as it does.
    """

    number: int
    signature_defs: Mapping[str, meta_graph_pb2.SignatureDef]
    functions: Mapping[str, Callable[..., dict[str, tf.Tensor]]]
    keep_alive: object = dataclasses.field(repr=False)


def find_latest(model_dir: pathlib.Path) -> tuple[int, pathlib.Path]:
    """The highest numbered directory of `model_dir` that holds a SavedModel.

    Raises:
        UserError: if there is none.
    """
    if not model_dir.is_dir():
        raise UserError(f"{model_dir}: no such model directory")
    numbered = [path for path in model_dir.iterdir() if path.name.isdecimal()]
    complete = [path for path in numbered if (path / SAVED_MODEL).is_file()]
    if not complete:
        found = " ".join(sorted(path.name for path in model_dir.iterdir())[:8]) or "nothing"
        raise UserError(
            f"{model_dir}: a model directory holds numbered versions such as 1/{SAVED_MODEL}; "
            f"found {found}"
        )
    latest = max(complete, key=lambda path: int(path.name))
    return int(latest.name), latest


def load_version(number: int, path: pathlib.Path) -> LoadedVersion:
    """Loads the SavedModel in `path`.

    Raises:
        UserError: if it is damaged or has no signature to serve.
    """
    try:
        saved_model = saved_model_pb2.SavedModel.FromString((path / SAVED_MODEL).read_bytes())
        loaded = tf.saved_model.load(str(path))
    # A damaged file can fail anywhere in the loader: protobuf, checkpoint, missing ops.
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise UserError(f"{path}: cannot be loaded as a SavedModel: {reason}") from error
    serve = [graph for graph in saved_model.meta_graphs if SERVE_TAG in graph.meta_info_def.tags]
    if not serve or not loaded.signatures:
        raise UserError(f"{path}: the SavedModel has no signature to serve")
    return LoadedVersion(
        number=number,
        signature_defs=dict(serve[0].signature_def),
        functions=dict(loaded.signatures),
        keep_alive=loaded,
    )


class ModelVersions:
    """A model name and the versions that requests can reach under it."""

    def __init__(self, name: str):
        self.name = name
        self._versions: dict[int, LoadedVersion] = {}

    def publish(self, *versions: LoadedVersion) -> None:
        """Makes these the versions that are served, in place of all before."""
        self._versions = {version.number: version for version in versions}

    @property
    def versions(self) -> list[int]:
        """The numbers that are served, highest last."""
        return sorted(self._versions)

    def find(self, spec) -> LoadedVersion:
        """The version that a `ModelSpec` asks for: the highest unless it names one.

        Raises:
            StatusError: NOT_FOUND or INVALID_ARGUMENT, worded as TensorFlow Serving does.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":  # labels are set in TensorFlow Serving's model config
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        versions = self._versions if spec.name == self.name else {}
        number = spec.version.value if choice else max(versions, default=None)
        if number not in versions:
            asked = f"Specific({spec.name}, {number})" if choice else f"Latest({spec.name})"
            raise not_found(f"Servable not found for request: {asked}")
        return versions[number]

    def available(self, spec) -> list[int]:
        """The numbers of the served versions that a `ModelSpec` covers: one, or all of them.

        Raises:
            StatusError: NOT_FOUND, worded as TensorFlow Serving does.
        """
        versions = self.versions if spec.name == self.name else []
        if spec.HasField("version"):
            number = spec.version.value
            if number not in versions:
                raise not_found(f"Could not find version {number} of model {spec.name}")
            return [number]
        if not versions:
            raise not_found(f"Could not find any versions of model {spec.name}")
        return versions


def require_signature(version: LoadedVersion, name: str) -> meta_graph_pb2.SignatureDef:
    """The declaration of a callable signature.

    Raises:
        StatusError: FAILED_PRECONDITION, worded as TensorFlow Serving does.
    """
    if name not in version.functions:
        raise StatusError(
            grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
        )
    return version.signature_defs[name]
