"""A trained generator and critic as a SavedModel for TensorFlow Serving."""

import dataclasses
import json
import pathlib
import shutil

import keras
import tensorflow as tf

from ganimation_tf import signature
from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.faces import CropSpec
from ganimation_tf.model_card import ModelCard

WARMUP = "tf_serving_warmup_requests"


class ServedModel(tf.Module):
    """The signatures of `signature`, on a generator and a critic.

    Images are [0, 1] here and bytes at the door; the networks' [-1, 1] stays inside.

    Args:
        generator, critic: as `networks` builds them.
        card: its AU list and image size shape the signatures.
    """

    def __init__(self, generator: keras.Model, critic: keras.Model, card: ModelCard):
        super().__init__(name="ganimation")
        self.generator = generator
        self.critic = critic
        self._size = card.crop.size
        self._units = len(card.action_units)
        self._card = card.to_json()

    def _decode(self, encoded: tf.Tensor) -> tf.Tensor:
        """JPEG or PNG (B,) to float32 (B, S, S, 3) in [-1, 1]; other sizes are resampled."""

        def one(data):
            image = tf.io.decode_image(data, channels=3, expand_animations=False)
            image.set_shape((None, None, 3))
            image = tf.image.resize(image, (self._size, self._size), antialias=True)
            return image / 127.5 - 1.0

        return tf.map_fn(one, encoded, fn_output_signature=tf.float32)

    def _check(self, action_units: tf.Tensor) -> tf.Tensor:
        """Intensities outside [0, 1], NaN among them, are refused: INVALID_ARGUMENT."""
        within = tf.reduce_all((action_units >= 0.0) & (action_units <= 1.0))
        message = "action_units must be in [0, 1]"
        with tf.control_dependencies([tf.debugging.Assert(within, [message, action_units])]):
            return tf.identity(action_units)

    def edit(self, image_bytes: tf.Tensor, action_units: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_default`: encoded crops and AUs to PNGs."""
        image = self._decode(image_bytes)
        edited = self.generator([image, self._check(action_units)])["image"]
        pixels = tf.cast(tf.round((edited + 1.0) * 127.5), tf.uint8)
        encoded = tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)
        return {signature.IMAGE_BYTES: encoded}

    def render(self, image: tf.Tensor, action_units: tf.Tensor) -> dict[str, tf.Tensor]:
        """`render`: pixels in [0, 1] and AUs to the result and both masks."""
        outputs = self.generator([image * 2.0 - 1.0, self._check(action_units)])
        return {
            signature.IMAGE: (outputs["image"] + 1.0) / 2.0,
            signature.ATTENTION: outputs["attention"],
            signature.COLOR: (outputs["color"] + 1.0) / 2.0,
        }

    def estimate(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """`estimate`: the AUs that the critic sees, clipped to [0, 1]."""
        seen = self.critic(self._decode(image_bytes))["action_units"]
        return {signature.ACTION_UNITS: tf.clip_by_value(seen, 0.0, 1.0)}

    def describe(self, request: tf.Tensor) -> dict[str, tf.Tensor]:
        """`describe`: the model card, once for each request."""
        return {signature.CARD: tf.fill(tf.shape(request), self._card)}

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Name to concrete function, batch size left open."""
        encoded = tf.TensorSpec((None,), tf.string, signature.IMAGE_BYTES)
        units = tf.TensorSpec((None, self._units), tf.float32, signature.ACTION_UNITS)
        image = tf.TensorSpec((None, self._size, self._size, 3), tf.float32, signature.IMAGE)
        request = tf.TensorSpec((None,), tf.string, signature.REQUEST)

        def concrete(method, *specs):
            return tf.function(method).get_concrete_function(*specs)

        return {
            signature.EDIT: concrete(self.edit, encoded, units),
            signature.RENDER: concrete(self.render, image, units),
            signature.ESTIMATE: concrete(self.estimate, encoded),
            signature.DESCRIBE: concrete(self.describe, request),
        }


def next_version(model_dir: pathlib.Path) -> int:
    """One more than the highest numbered directory; 1 if there is none."""
    if not model_dir.is_dir():
        return 1
    return 1 + max((int(p.name) for p in model_dir.iterdir() if p.name.isdecimal()), default=0)


def export_model(
    generator: keras.Model,
    critic: keras.Model,
    card: ModelCard,
    model_dir: pathlib.Path,
    version: int | None = None,
) -> pathlib.Path:
    """Writes `model_dir/<version>/` whole or not at all: a server may be watching.

    Args:
        card: its version is replaced by the one written.
        version: None takes the next free number.

    Raises:
        UserError: if the version exists.
    """
    model_dir.mkdir(parents=True, exist_ok=True)
    version = version or next_version(model_dir)
    final = model_dir / str(version)
    if final.exists():
        raise UserError(f"{final} exists; a version is written once")
    card = dataclasses.replace(card, version=version)
    partial = model_dir / f".{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    served = ServedModel(generator, critic, card)
    tf.saved_model.save(served, str(partial), signatures=served.signatures())
    extra = partial / "assets.extra"
    extra.mkdir()
    (extra / signature.MODEL_CARD).write_text(card.to_json())
    partial.rename(final)
    return final


def export_run(
    run: pathlib.Path, model_dir: pathlib.Path, version: int | None = None
) -> pathlib.Path:
    """Exports the networks of a run.

    Raises:
        UserError: if the run has none yet.
    """
    path = run / "config.json"
    config = TrainConfig.load(path)
    facts = json.loads(path.read_text())
    networks = []
    for name in ("generator", "critic"):
        try:
            networks.append(keras.models.load_model(run / f"{name}.keras", compile=False))
        except (OSError, ValueError) as error:
            raise UserError(f"{run}: cannot read {name}.keras: {error}") from error
    metrics = (run / "metrics.jsonl").read_text().splitlines()
    card = ModelCard(
        action_units=tuple(facts["dataset"]["action_units"]),
        crop=CropSpec(**facts["dataset"]["crop"]),
        training={
            "preset": facts["preset"],
            "config": config.to_dict(),
            "dataset_digest": facts["dataset"]["digest"],
            "metrics": json.loads(metrics[-1]) if metrics else {},
        },
    )
    return export_model(*networks, card, model_dir, version)
