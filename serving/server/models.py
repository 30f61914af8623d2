"""The served model: its loaded versions, and what became of each version that was seen.

A version is loaded whole and never changes; `ModelVersions.publish` puts it in place in one
assignment, so that requests need no lock and one that has begun keeps the version it found. The
version before is unloaded when the last request lets go of it.
"""

import collections
import contextlib
import dataclasses
import logging
import pathlib
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from ganimation_tf.errors import UserError
from serving.server.status import StatusError, invalid, not_found

SAVED_MODEL = "saved_model.pb"
SERVE_TAG = "serve"
_INIT_OP = "__saved_model_init_op"

REMEMBERED_VERSIONS = 100
"""How many versions GetModelStatus lists; the oldest that have ended are forgotten first."""

Signature = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""Arrays by name in, arrays by name out; strings are `bytes` in arrays of dtype object."""


@dataclasses.dataclass(frozen=True, eq=False)
class LoadedVersion:
    """One loaded SavedModel. Its memory is freed when the object is.

    Attributes:
        number: its version, the name of its directory.
        signature_defs: all signatures as the SavedModel declares them, by name.
        functions: the callable signatures by name.
    """

    number: int
    signature_defs: Mapping[str, meta_graph_pb2.SignatureDef]
    functions: Mapping[str, Signature] = dataclasses.field(repr=False)


def load_version(number: int, path: pathlib.Path) -> LoadedVersion:
    """Loads the SavedModel in `path` as TensorFlow Serving does: a session of its own, fed and
    fetched by the tensor names of the signatures. Against `tf.saved_model.load` a call costs half
    the overhead, and closing the session frees all that it took.

    Raises:
        UserError: if it is damaged or has no signature to serve.
    """
    session = tf.compat.v1.Session(graph=tf.Graph())
    try:
        with session.graph.as_default(), _without_advice():
            loaded = tf.compat.v1.saved_model.load(session, [SERVE_TAG], str(path))
            _check_restored(session)
        functions = {
            name: _function(session, signature)
            for name, signature in loaded.signature_def.items()
            if name != _INIT_OP and signature.outputs
        }
    # A damaged file can fail anywhere in the loader: protobuf, checkpoint, missing ops.
    except Exception as error:
        session.close()
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise UserError(f"{path}: cannot be loaded as a SavedModel: {reason}") from error
    if not functions:
        session.close()
        raise UserError(f"{path}: the SavedModel has no signature to serve")
    version = LoadedVersion(number, dict(loaded.signature_def), functions)
    weakref.finalize(version, session.close)
    return version


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """TensorFlow advises Python programs against this loader; it is what its C++ server does."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_restored(session: tf.compat.v1.Session) -> None:
    """Raises `UserError` if a variable has no value: a request would find out otherwise."""
    variables = [op for op in session.graph.get_operations() if op.type == "VarHandleOp"]
    present = session.run(
        [tf.raw_ops.VarIsInitializedOp(resource=op.outputs[0]) for op in variables]
    )
    missing = [op.name for op, restored in zip(variables, present, strict=True) if not restored]
    if missing:
        raise UserError(f"its checkpoint has no value for {len(missing)} variables, {missing[0]}")


def _function(session: tf.compat.v1.Session, signature: meta_graph_pb2.SignatureDef) -> Signature:
    inputs, outputs = sorted(signature.inputs), sorted(signature.outputs)
    call = session.make_callable(
        [signature.outputs[alias].name for alias in outputs],
        [signature.inputs[alias].name for alias in inputs],
    )

    def run(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(outputs, call(*(arrays[alias] for alias in inputs)), strict=True))

    return run


class ModelVersions:
    """A model name, the versions that requests can reach under it, and the state of all others."""

    def __init__(self, name: str):
        self.name = name
        self._versions: dict[int, LoadedVersion] = {}
        self._states: dict[int, ModelVersionStatus] = {}
        self._lock = threading.Lock()
        # Freed versions. The garbage collector may say so in the middle of anything, so it only
        # puts the number here, without a lock.
        self._freed: collections.deque[int] = collections.deque()
        self._told: list[Callable[[list[int]], object]] = []

    def follow(self, tell: Callable[[list[int]], object]) -> None:
        """Calls `tell` with the numbers that are served, highest last: now and at each change."""
        self._told.append(tell)
        tell(self.versions)

    def publish(self, *versions: LoadedVersion) -> None:
        """Makes these the versions that are served, in place of all before."""
        before = self._versions
        self._versions = {version.number: version for version in versions}
        for version in versions:
            self.set_state(version.number, ModelVersionStatus.AVAILABLE)
        for number in before.keys() - self._versions.keys():
            self.set_state(number, ModelVersionStatus.UNLOADING)
            weakref.finalize(before[number], self._freed.append, number).atexit = False
        for tell in self._told:
            tell(self.versions)

    def set_state(self, number: int, state: int, error: str = "") -> None:
        """What GetModelStatus says of a version; an error goes with the state END."""
        status = ModelVersionStatus(version=number, state=state, status={})
        if error:
            status.status.error_code = grpc.StatusCode.UNKNOWN.value[0]
            # Names of files need not be UTF-8; a message has to.
            status.status.error_message = error.encode("utf-8", "replace").decode()
        with self._lock:
            self._states[number] = status
            self._end_freed()
            ended = [n for n, s in sorted(self._states.items()) if s.state == s.END]
            for oldest in ended[: max(0, len(self._states) - REMEMBERED_VERSIONS)]:
                del self._states[oldest]

    def _end_freed(self) -> None:
        """Gives freed versions the state END, but not what has come again under their number."""
        while self._freed:
            number = self._freed.popleft()
            state = self._states.get(number)
            if state and state.state == state.UNLOADING and number not in self._versions:
                self._states[number] = ModelVersionStatus(
                    version=number, state=ModelVersionStatus.END, status={}
                )

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

    def statuses(self, spec) -> list[ModelVersionStatus]:
        """The state of the versions that a `ModelSpec` covers: one, or all of them, highest first.

        Raises:
            StatusError: NOT_FOUND, worded as TensorFlow Serving does.
        """
        with self._lock:
            self._end_freed()
            states = dict(self._states) if spec.name == self.name else {}
        if spec.HasField("version"):
            number = spec.version.value
            if number not in states:
                raise not_found(f"Could not find version {number} of model {spec.name}")
            return [states[number]]
        if not states:
            raise not_found(f"Could not find any versions of model {spec.name}")
        return [states[number] for number in sorted(states, reverse=True)]


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
