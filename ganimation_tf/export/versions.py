"""A run's networks as a numbered version of a model directory, whole or not at all."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from ganimation_tf.errors import MALFORMED, UserError, as_user_error
from ganimation_tf.export import formats, signature, warmup
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.model_directory import (
    SAVED_MODEL_FILE,
    next_version,
    version_directories,
)
from ganimation_tf.export.self_check import check_export
from ganimation_tf.export.served_model import ServedModel
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.files import whole
from ganimation_tf.origin import made_with, package_origin
from ganimation_tf.training import lineage
from ganimation_tf.training.runs import BEST, METRICS, read_facts
from ganimation_tf.training.saved_networks import best_networks, load_network

OUTPUTS = (signature.IMAGE, signature.ATTENTION, signature.COLOR, signature.FLOW)
"""What a generator may give, in the order of the model card."""


def export_model(
    generator: keras.Model,
    critic: keras.Model,
    card: ModelCard,
    model_dir: pathlib.Path,
    version: int | None = None,
    format: str = formats.SAVED_MODEL,
    relative: bool = False,
) -> pathlib.Path:
    """Writes `model_dir/<version>/` whole or not at all: a server may be watching.

    What is written is loaded again and compared with the networks before it gets its name.

    Args:
        card: its version is replaced by the one written.
        version: None takes the next free number.
        format: `formats.SAVED_MODEL` or one of `formats.CONVERTED`.
        relative: whether the generator takes changes of the AUs.

    Raises:
        UserError: if the version exists, the directory holds versions of another format, or the
            format's packages are missing or cannot convert these networks; if it cannot be
            written.
        SelfCheckError: if the SavedModel does not compute what the networks compute.
    """
    formats.require_packages(format)
    _check_same_format(model_dir, format)
    version = version or next_version(model_dir)
    final = model_dir / str(version)
    if final.exists():
        raise UserError(f"{final} exists; a version is written once")
    outputs = [name for name in OUTPUTS if name in generator.output]
    card = dataclasses.replace(card, version=version, outputs=tuple(outputs))
    served = ServedModel(generator, critic, card, relative)

    def write(directory: pathlib.Path) -> None:
        if format == formats.SAVED_MODEL:
            _write_saved_model(served, card, directory)
        else:
            formats.convert(served, card, directory, format)
            (directory / signature.MODEL_CARD).write_text(card.to_json())

    _write_whole(final, write)
    return final


def _check_same_format(model_dir: pathlib.Path, format: str) -> None:
    """A server takes every number for a version of what it can load."""
    for path in version_directories(model_dir):
        if not path.is_dir() or not any(path.iterdir()):
            continue
        if (path / SAVED_MODEL_FILE).exists() != (format == formats.SAVED_MODEL):
            raise UserError(
                f"{path} is of another format than {format}; "
                "a model directory holds versions of one format"
            )


def _write_whole(final: pathlib.Path, write: Callable[[pathlib.Path], None]) -> None:
    """`write` fills a directory beside `final`, which becomes it if all went well."""
    with as_user_error(f"{final}: cannot be written"):
        final.parent.mkdir(parents=True, exist_ok=True)
        with whole(final) as partial:
            partial.mkdir()
            write(partial)


def _write_saved_model(served: ServedModel, card: ModelCard, directory: pathlib.Path) -> None:
    extra = directory / "assets.extra"
    try:
        tf.saved_model.save(served, str(directory), signatures=served.signatures())
        extra.mkdir()
        (extra / signature.MODEL_CARD).write_text(card.to_json())
        warmup.write(card, extra)
    except tf.errors.OpError as error:  # so TensorFlow tells of a full disk
        raise OSError(error.message) from error
    check_export(directory, served, card)


def export_run(
    run: str | pathlib.Path,
    model_dir: str | pathlib.Path,
    version: int | None = None,
    format: str = formats.SAVED_MODEL,
    best: bool = False,
) -> pathlib.Path:
    """Exports the networks of a run; arguments and errors as `export_model`.

    Args:
        best: the networks that did best in evaluation, not the last ones.

    Raises:
        UserError: also if the run has no such networks yet.
    """
    run, model_dir = pathlib.Path(run), pathlib.Path(model_dir)
    generator, critic, card = load_networks(run, best_networks(run) if best else run)
    relative = card.training["config"]["relative"]
    return export_model(generator, critic, card, model_dir, version, format, relative)


def load_networks(
    run: pathlib.Path, directory: pathlib.Path
) -> tuple[keras.Model, keras.Model, ModelCard]:
    """Generator, critic and card of the networks in a directory: the run, or `best/step-N` of it.

    Raises:
        UserError: if there are none, or the run's files cannot be read.
    """
    step = int(directory.name.removeprefix("step-")) if directory.parent.name == BEST else None
    card = card_of(run, step)
    generator, critic = (load_network(directory, name) for name in ("generator", "critic"))
    return generator, critic, card


def card_of(run: pathlib.Path, step: int | None = None) -> ModelCard:
    """The model card of a run, its version still open.

    Args:
        step: that of the networks, whose metrics it has; None: the last.

    Raises:
        UserError: if the run's files cannot be read.
    """
    facts = read_facts(run)
    with as_user_error(f"{run / METRICS}: cannot be read", OSError, *MALFORMED):
        rows = [json.loads(line) for line in (run / METRICS).read_text().splitlines()]
        metrics = [row for row in rows if step in (None, row["step"])]
    made_from = lineage.read(run)
    return ModelCard(
        action_units=tuple(facts["dataset"]["action_units"]),
        crop=CropSpec(**facts["dataset"]["crop"]),
        package=package_origin(),
        lineage=made_from | {"exported_with": made_with()},
        intensity_ranges=made_from.get("dataset", {}).get("intensity_ranges", {}),
        training={
            "preset": facts["preset"],
            "config": facts["train"],
            "steps": facts["steps"],
            "dataset_digest": facts["dataset"]["digest"],
            "metrics": metrics[-1] if metrics else {},
        },
    )
