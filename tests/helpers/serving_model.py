"""A stand-in for the exported model: the same four signatures, outputs known by arithmetic.

- edit and render move every pixel p towards white by the first AU: p + au0 * (1 - p); `attention`
  is 1 - au0 and `color` is white, so that the published composition holds.
- estimate answers with the mean red, green and blue of the picture.
- the card names three AUs and 16 px.

`conftest.py` makes the fixtures `model_dir` and `served_model` of it.
"""

import contextlib
import dataclasses
import io
import pathlib
import threading
import urllib.request

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import model_pb2, prediction_log_pb2

from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec
from serving.server.config import BatchingParameters, ServerConfig
from serving.server.models import LoadedVersion, ModelVersions
from serving.server.server import Server

ACTION_UNITS = ("AU06", "AU12", "AU45")
SIZE = 16


def _decode(image_bytes):
    def one(encoded):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        image = tf.image.convert_image_dtype(image, tf.float32)
        return tf.ensure_shape(image, (SIZE, SIZE, 3))

    spec = tf.TensorSpec((SIZE, SIZE, 3), tf.float32)
    return tf.map_fn(one, image_bytes, fn_output_signature=spec)


def _brighten(image, action_units):
    amount = action_units[:, 0, None, None, None]
    return image + amount * (1 - image), tf.ones_like(image[..., :1]) * (1 - amount)


class StandIn(tf.Module):
    def __init__(self, card: ModelCard):
        super().__init__()
        self._card = card.to_json()

    def edit(self, image_bytes, action_units):
        image, _ = _brighten(_decode(image_bytes), action_units)
        pixels = tf.cast(tf.round(image * 255), tf.uint8)
        return {
            signature.IMAGE_BYTES: tf.map_fn(
                tf.io.encode_png, pixels, fn_output_signature=tf.TensorSpec((), tf.string)
            )
        }

    def render(self, image, action_units):
        result, attention = _brighten(image, action_units)
        return {
            signature.IMAGE: result,
            signature.ATTENTION: attention,
            signature.COLOR: tf.ones_like(image),
        }

    def estimate(self, image_bytes):
        return {signature.ACTION_UNITS: tf.reduce_mean(_decode(image_bytes), axis=(1, 2))}

    def describe(self, request):
        return {signature.CARD: tf.fill(tf.shape(request), self._card)}


def save(model_dir: pathlib.Path, version: int = 1, **facts) -> pathlib.Path:
    """Writes `<model_dir>/<version>/`; `facts` are further ones of its card."""
    model = StandIn(ModelCard(ACTION_UNITS, CropSpec(SIZE), version=version, **facts))
    strings = tf.TensorSpec((None,), tf.string, signature.IMAGE_BYTES)
    units = tf.TensorSpec((None, len(ACTION_UNITS)), tf.float32, signature.ACTION_UNITS)
    image = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, signature.IMAGE)
    request = tf.TensorSpec((None,), tf.string, signature.REQUEST)
    signatures = {
        signature.EDIT: tf.function(model.edit).get_concrete_function(strings, units),
        signature.RENDER: tf.function(model.render).get_concrete_function(image, units),
        signature.ESTIMATE: tf.function(model.estimate).get_concrete_function(strings),
        signature.DESCRIBE: tf.function(model.describe).get_concrete_function(request),
    }
    path = model_dir / str(version)
    tf.saved_model.save(model, str(path), signatures)
    return path


def save_warm_up(version_dir: pathlib.Path, *requests) -> None:
    """Writes `requests` as what is to run before the version is served."""
    path = version_dir / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())


def face(value: int = 100) -> bytes:
    """PNG of a crop of one grey."""
    return images.encode_png(np.full((SIZE, SIZE, 3), value, np.uint8))


def half_and_half() -> np.ndarray:
    """A crop that is white above and black below."""
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    picture[: SIZE // 2] = 255
    return picture


def lying(kind: str) -> bytes:
    """`half_and_half` stored on its side, with an EXIF orientation that puts it upright."""
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    buffer = io.BytesIO()
    options = {"quality": 100} if kind == "JPEG" else {}
    Image.fromarray(np.rot90(half_and_half())).save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()


def clear() -> bytes:
    """PNG of a crop that is transparent throughout, with black beneath."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((SIZE, SIZE, 4), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclasses.dataclass(frozen=True)
class Running:
    """A server in this process.

    Attributes:
        address, rest_address: HOST:PORT of gRPC and REST.
        versions: what it serves.
        begun: set once a run has begun; of `paused` only.
        go_on: lets the runs of `paused` end.
        sizes: rows of each batch that `paused` has run.
    """

    server: Server
    address: str
    rest_address: str
    versions: ModelVersions
    begun: threading.Event = dataclasses.field(default_factory=threading.Event)
    go_on: threading.Event = dataclasses.field(default_factory=threading.Event)
    sizes: list[int] = dataclasses.field(default_factory=list)

    def metric(self, name: str) -> float:
        """The value of a metric, its labels in `name`, read over HTTP."""
        url = f"http://{self.rest_address}/monitoring/prometheus/metrics"
        with urllib.request.urlopen(url, timeout=10) as page:
            values = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines())
        return float(values[name])


@contextlib.contextmanager
def running(model_dir: pathlib.Path, max_batch_size: int = 8, **config):
    """A server of `model_dir` on free ports, as `Running`; its queue has room for 16 batches.

    Args:
        config: for `ServerConfig`.
    """
    batching = BatchingParameters(max_batch_size, max_enqueued_batches=16)
    config = {"batching": batching, "rest_port": 0} | config
    server = Server(ServerConfig(model_dir, signature.MODEL_NAME, **{"port": 0, **config}))
    server.start()
    try:
        yield Running(server, server.address, server.rest_address, server.versions)
    finally:
        server.stop(0)


@contextlib.contextmanager
def paused(model_dir: pathlib.Path, **config):
    """A server whose runs of `serving_default` wait for `go_on`, as `Running`."""
    with running(model_dir, poll_seconds=0, **config) as one:
        spec = model_pb2.ModelSpec(name=signature.MODEL_NAME)
        loaded = one.versions.find(spec)

        def slow(inputs):
            one.sizes.append(len(inputs[signature.IMAGE_BYTES]))
            one.begun.set()
            assert one.go_on.wait(20)
            return loaded.functions[signature.EDIT](inputs)

        functions = {**loaded.functions, signature.EDIT: slow}
        one.versions.publish(LoadedVersion(loaded.number, loaded.signature_defs, functions))
        try:
            yield one
        finally:
            one.go_on.set()
