"""An export becomes a version of a model directory."""

import pathlib
import shutil

from ganimation_tf.errors import UserError, reason
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.files import whole


def push(model: pathlib.Path, model_dir: pathlib.Path) -> pathlib.Path:
    """Copies an export to `model_dir/<the version of its card>`, whole or not at all.

    Raises:
        UserError: if the version is there already or cannot be written.
    """
    text = (model / "assets.extra" / signature.MODEL_CARD).read_text()
    final = model_dir / str(ModelCard.from_json(text).version)
    if final.exists():
        raise UserError(f"{final} exists; a version is written once")
    try:
        model_dir.mkdir(parents=True, exist_ok=True)
        with whole(final) as partial:
            shutil.copytree(model, partial)
    except OSError as error:
        raise UserError(f"{final}: cannot be written: {reason(error)}") from error
    return final
