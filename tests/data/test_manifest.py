import dataclasses
import json

import pytest

from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment


@pytest.fixture
def dataset() -> manifest.Manifest:
    return manifest.Manifest(
        action_units=("AU01", "AU12"),
        action_units_maximum=5.0,
        crop=alignment.CropSpec(64, 0.2),
        splits={
            "train": (
                manifest.Shard("train-00000-of-00002.tfrecord", 3, "aa"),
                manifest.Shard("train-00001-of-00002.tfrecord", 4, "bb"),
            ),
            "eval": (manifest.Shard("eval-00000-of-00001.tfrecord", 1, "cc"),),
        },
        inputs=10,
        rejections={"no_image": 2},
        clipped={"AU12": 1},
        options={"faces": "largest"},
    )


def test_json_round_trip(dataset, tmp_path):
    (tmp_path / manifest.FILE).write_text(dataset.to_json())
    assert manifest.Manifest.load(tmp_path) == dataset
    assert manifest.Manifest.from_json(dataset.to_json()).to_json() == dataset.to_json()


def test_records_of_a_split(dataset):
    assert dataset.records(manifest.TRAIN) == 7
    assert dataset.records(manifest.EVAL) == 1
    assert dataset.records("other") == 0


def test_digest_follows_the_data_and_not_the_options(dataset):
    assert dataclasses.replace(dataset, options={}).digest() == dataset.digest()
    other = {**dataset.splits, "eval": (manifest.Shard("eval-00000-of-00001.tfrecord", 1, "cd"),)}
    assert dataclasses.replace(dataset, splits=other).digest() != dataset.digest()
    assert dataclasses.replace(dataset, action_units=("AU12", "AU01")).digest() != dataset.digest()


def test_directory_without_a_manifest(tmp_path):
    with pytest.raises(UserError, match="is not a finished dataset: cannot read .*dataset.json"):
        manifest.Manifest.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda facts: facts.update(version=9), "version must be 1, found 9"),
        (lambda facts: facts.pop("version"), "is not a dataset description: 'version'"),
        (lambda facts: facts.pop("crop"), "is not a dataset description"),
        (lambda facts: facts["crop"].update(size=1), "crop size must be at least 8"),
        (lambda facts: facts.update(splits=[]), "is not a dataset description"),
        (lambda facts: facts.update(more=1), "is not a dataset description"),
        (lambda facts: facts.update(rejections=None), "rejections must be .*, got None"),
        (lambda facts: facts.update(rejections=[]), r"rejections must be .*, got \[\]"),
        (lambda facts: facts.update(clipped={"AU12": "1"}), "clipped must be a count for each AU"),
        (lambda facts: facts.update(inputs="10"), "inputs must be a count, got '10'"),
        (lambda facts: facts.update(inputs=-1), "inputs must be a count, got -1"),
        (lambda facts: facts.update(action_units="AU01"), "action_units must be a list of names"),
        (lambda facts: facts.update(action_units=[1]), "action_units must be a list of names"),
        (lambda facts: facts.update(action_units_maximum="5"), "maximum must be a number, got '5'"),
        (lambda facts: facts.update(options=None), "options must be an object, got None"),
        (lambda facts: facts.update(sources=[]), "sources must be an object"),
        (lambda facts: facts["splits"]["train"][0].update(records="3"), "splits must be lists of"),
        (lambda facts: facts["splits"]["train"][0].update(file=3), "splits must be lists of files"),
    ],
)
def test_wrong_facts_are_refused(dataset, change, message):
    facts = json.loads(dataset.to_json())
    change(facts)
    with pytest.raises(UserError, match=f"here.json.*{message}"):
        manifest.Manifest.from_json(json.dumps(facts), "here.json")


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 200_000])
def test_text_that_is_no_manifest(text):
    with pytest.raises(UserError, match="dataset.json is not a dataset description"):
        manifest.Manifest.from_json(text)


def test_a_description_in_another_encoding_is_no_dataset(dataset, tmp_path):
    (tmp_path / manifest.FILE).write_text(dataset.to_json(), encoding="utf-16")
    with pytest.raises(UserError, match="is not a finished dataset: .*utf-8"):
        manifest.Manifest.load(tmp_path)
