"""What a run remembers of its dataset, up to the model card."""

import json

import pytest

import tiny
from ganimation_tf.data.manifest import STATISTICS
from ganimation_tf.data.statistics.dataset import DatasetStatistics, to_dict, to_json
from ganimation_tf.errors import UserError
from ganimation_tf.export import versions
from ganimation_tf.training import lineage
from ganimation_tf.training.plan import make_plan
from statistics_data import gather


@pytest.fixture
def plan(tmp_path):
    tiny.write_dataset(tmp_path)
    return make_plan(tmp_path, tiny.CONFIG, "tiny")


def note(plan, path):
    """A run directory with its facts and its lineage."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps(plan.facts))
    (path / "metrics.jsonl").write_text("")
    lineage.note(path, plan)
    return path


def test_what_training_saw_is_in_the_card(plan, tmp_path):
    faces = [[0.0, 0.3, 0.52]] * 90 + [[0.63, 0.3, 0.52]] * 10 + [[1.0, 0.9, 0.52]] * 9
    facts = to_dict(DatasetStatistics(3, {"train": gather(faces)}), tiny.UNITS, ())
    (plan.data / STATISTICS).write_text(to_json(facts))
    card = versions.card_of(note(plan, tmp_path / "run"))
    ranges = {name: tuple(card.intensity_ranges[name]) for name in tiny.UNITS}
    # The tenth strongest face ends it: 0.63 is in the bin up to 0.65, 0.3 in that up to 0.35.
    # All are 0.52, so that it ends there and not with the bin.
    assert ranges == dict(zip(tiny.UNITS, [(0, 0.65), (0.3, 0.35), (0.52, 0.52)], strict=True))


def test_a_dataset_without_statistics_leaves_it_open(plan, tmp_path):
    assert versions.card_of(note(plan, tmp_path / "run")).intensity_ranges == {}


def test_statistics_that_cannot_be_read_are_named(plan, tmp_path):
    (plan.data / STATISTICS).write_text("{")
    with pytest.raises(UserError, match=r"statistics\.json: cannot be read: "):
        note(plan, tmp_path / "run")
