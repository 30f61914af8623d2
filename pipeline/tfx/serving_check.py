"""An export, served by `ganimation serve` in a process of its own, and asked over gRPC."""

import pathlib
import shutil
import tempfile

from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from pipeline.tfx import processes


def what_is_wrong(model: pathlib.Path, crop: bytes) -> str | None:
    """Why the exported model cannot be served; None if it can.

    The server's warm-up runs every signature before it serves; then a real crop is edited and
    read over gRPC.

    Args:
        model: directory of a SavedModel.
        crop: JPEG or PNG of a face crop.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "crop.jpg").write_bytes(crop)
        card = ModelCard.from_json((model / "assets.extra" / signature.MODEL_CARD).read_text())
        shutil.copytree(model, folder / "models" / str(card.version))
        try:
            with processes.server(folder / "models") as address:
                return _ask(address, card, folder)
        except RuntimeError as error:
            return str(error)


def _ask(address: str, card: ModelCard, folder: pathlib.Path) -> str | None:
    crop, edited = str(folder / "crop.jpg"), folder / "edited.png"
    wish = ("--au", f"{card.action_units[0]}=1", "--output", str(edited))
    for question in (("--estimate",), wish):
        asked = processes.ganimation("query", crop, "--server", address, *question)
        if asked.returncode:
            return asked.stderr.strip()[-2000:]
    return None if edited.stat().st_size else "the edited picture is empty"


def a_crop(dataset: pathlib.Path) -> bytes:
    """The first picture of a dataset, of `eval` where that has any."""
    made = manifest.Manifest.load(dataset)
    shards = [shard for split in sorted(made.splits) for shard in made.splits[split]]
    for shard in shards:
        if shard.records:
            with (dataset / shard.file).open("rb") as file:
                return records.decode(next(iter(tfrecord.read(file)))).image
    raise ValueError(f"{dataset} has no record")
