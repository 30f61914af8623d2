"""Warm-up: the requests that an export brings along, run before it is served."""

import pathlib
import sys
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from ganimation_tf.errors import UserError, reason
from serving.server.models import LoadedVersion, ModelVersions
from serving.server.predict import predict
from serving.server.status import StatusError, from_graph

REQUESTS = pathlib.Path("assets.extra/tf_serving_warmup_requests")
"""Below the version's directory: a TFRecord of `PredictionLog`, as TensorFlow Serving reads it."""

MAX_REQUESTS = 1000


def warm_up(version: LoadedVersion, path: pathlib.Path) -> int:
    """Runs the requests in `path`, the version's directory, on `version`; says how many.

    They may have more rows than the server lets a request have: the export does not know that.

    Raises:
        UserError: if one is no Predict request, fails, or there are more than `MAX_REQUESTS`: such
            a version is not served, as in TensorFlow Serving.
    """
    file = path / REQUESTS
    if not file.is_file():
        return 0
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            count += 1
            if count > MAX_REQUESTS:
                raise UserError(f"{file}: more than {MAX_REQUESTS} warm-up requests")
            _replay(version, prediction_log_pb2.PredictionLog.FromString(record))
    except tf.errors.OpError as error:
        raise UserError(f"{file}: request {count}: {from_graph(error).message}") from error
    except (StatusError, DecodeError) as error:
        raise UserError(f"{file}: request {count}: {reason(error)}") from error
    return count


def _replay(version: LoadedVersion, log: prediction_log_pb2.PredictionLog) -> None:
    if not log.HasField("predict_log"):
        raise UserError(f"version {version.number}: a warm-up request is no predict_log")
    request = log.predict_log.request
    request.model_spec.name = request.model_spec.name or "model"  # whatever it is served as
    request.model_spec.ClearField("version_choice")
    versions = ModelVersions(request.model_spec.name)
    versions.publish(version)
    predict(versions, request, sys.maxsize, _run)


def _run(version: LoadedVersion, name: str, inputs: Mapping[str, np.ndarray], rows: int):
    return version.functions[name](inputs)
