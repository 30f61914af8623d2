"""What made a model, read off its card: back to the digests of the photographs."""

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ganimation_tf import quiet, shipped
from ganimation_tf.animation import models, pretrained
from ganimation_tf.errors import MALFORMED, UserError, as_user_error, require
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.export.model_directory import PUSHED, newest_version

PRETRAINED = "pretrained"

_UNKNOWN = "unknown"


def facts_of(name: str) -> dict[str, Any]:
    """What is known of a model.

    Args:
        name: a run, an export, a model directory (its newest version), a directory of weights,
            `pretrained`, or HOST:PORT of a server.

    Returns:
        `model`, its name; `card`, the facts of its card; `pushed`, what `ganimation push` noted,
        None where it was not pushed or is asked over the network.

    Raises:
        UserError: if it is none of them.
    """
    if name == PRETRAINED:
        return _facts("the weights that ship", pretrained.read_card(shipped.directory()))
    if models.names_server(name):
        require("grpc", "client")
        from serving.client.sync import GanimationClient

        with GanimationClient(name) as client:
            return _facts(name, client.describe())
    path = pathlib.Path(name)
    if not path.is_dir():
        raise UserError(f"{name}: no such run or export; besides there is HOST:PORT, {PRETRAINED}")
    path = newest_version(path) or path
    if (path / shipped.CONFIG).is_file():
        return _facts(str(path), pretrained.read_card(path))
    for place in (path / "assets.extra" / signature.MODEL_CARD, path / signature.MODEL_CARD):
        if place.is_file():
            return _facts(str(path), ModelCard.load(place), _pushed(path))
    require("tensorflow", "train")
    quiet.import_tensorflow()
    from ganimation_tf.export import versions

    return _facts(str(path), versions.card_of(path))


def _facts(name: str, card: ModelCard, pushed: Mapping | None = None) -> dict[str, Any]:
    return {"model": name, "card": json.loads(card.to_json()), "pushed": pushed}


def _pushed(path: pathlib.Path) -> Mapping | None:
    note = path / PUSHED
    with as_user_error(f"{note}: cannot be read", OSError, *MALFORMED):
        return json.loads(note.read_text(encoding="utf-8")) if note.is_file() else None


def lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The same for people: the model first, the photographs last.

    Raises:
        UserError: if what was noted at the push has been changed to something else.
    """
    card, pushed = facts["card"], facts["pushed"]
    made_from = card.get("lineage", {})
    with as_user_error(f"{facts['model']}/{PUSHED} is not what a push notes", *MALFORMED):
        judged = [] if pushed is None else [*_judged(pushed)]
    yield _line("model", f"{facts['model']}: {card['model_name']}, {card['image_size']} px")
    yield from judged
    yield _line("exported", _process(made_from.get("exported_with") or card["package"]))
    yield from _trained(card["training"], made_from, "")


def _judged(pushed: Mapping[str, Any]) -> Iterator[str]:
    yield _line("pushed", f"the model of digest {pushed['digest']}")
    evaluation, served = pushed["evaluation"], pushed["infrastructure"]
    evaluated = evaluation["facts"]
    for condition in evaluation["conditions"]:
        metric = re.match(r"\s*([\w.]+)", condition)
        value = evaluated["metrics"].get(metric[1]) if metric else None
        yield _line("gate", f"{condition} holds{'' if value is None else f', it is {value}'}")
    yield _line(
        "evaluated",
        f"on {evaluated['people']} people of {evaluated['split']}, dataset {evaluated['dataset']}",
    )
    for condition in served["conditions"]:
        yield _line("served", condition)


def _trained(
    training: Mapping[str, Any], made_from: Mapping[str, Any], indent: str
) -> Iterator[str]:
    """A training, then its dataset, then its parent in the same manner."""
    config = training.get("config", {})
    steps = (
        training.get("steps") or training.get("updates") or training.get("metrics", {}).get("step")
    )
    yield _line(
        "trained",
        f"{indent}preset {training.get('preset', _UNKNOWN)}, {steps or _UNKNOWN} updates, seed "
        f"{config.get('seed', _UNKNOWN)}",
    )
    for process in made_from.get("made_with", ()):
        yield _line("by", indent + _process(process))
    for name in ("device", "data"):
        if name in training:
            yield _line(name, f"{indent}{training[name]}")
    for source in training.get("sources", ()):
        yield _line("source", f"{indent}{source['what']}: {source['from']}, {source['licence']}")
    yield from _dataset(training, made_from.get("dataset", {}), indent)
    if parent := made_from.get("start_from"):
        yield _line("begun from", f"{indent}{parent['name']}")
        yield from _trained(parent.get("training", {}), parent.get("lineage", {}), indent + "  ")


def _dataset(training: Mapping[str, Any], dataset: Mapping[str, Any], indent: str) -> Iterator[str]:
    digest = dataset.get("digest") or training.get("dataset_digest")
    if digest:
        records = ", ".join(f"{n} {split}" for split, n in dataset.get("records", {}).items())
        yield _line("dataset", f"{indent}{digest}{f': {records}' if records else ''}")
    if "inputs" in dataset:
        rejected = sum(dataset["rejected"].values())
        options = dataset["options"]
        shown = (f"{name} {value}" for name, value in sorted(options.items()) if value is not None)
        yield _line("options", f"{indent}{', '.join(shown)}")
        yield _line("inputs", f"{indent}{dataset['inputs']}, {rejected} of them rejected")
    if sources := dataset.get("sources"):
        yield _line(
            "photos",
            f"{indent}{sources['images']} images, {sources['annotations']} annotations; their "
            f"digests are the sources.jsonl of SHA-256 {sources['sha256']}",
        )


def _process(made_with: Mapping[str, Any]) -> str:
    parts = [f"ganimation-tf {made_with.get('version', _UNKNOWN)}"]
    parts += [f"commit {made_with['commit']}"] if made_with.get("commit") else []
    parts += [f"lock {made_with['lock']}"] if made_with.get("lock") else []
    parts += [f"Python {made_with['python']}"] if "python" in made_with else []
    parts += [f"{name} {v}" for name, v in made_with.get("libraries", {}).items() if v]
    parts += [made_with["cpu"]] if "cpu" in made_with else []
    return ", ".join(parts)


def _line(name: str, text: str) -> str:
    return f"{name:<10} {text}"
