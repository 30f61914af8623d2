"""What an edit's pictures alone tell, by hand: a model that does the same to every face."""

import dataclasses

import numpy as np
import pytest

import drawn_pairs
from ganimation_tf.evaluation import preservation
from ganimation_tf.evaluation.evaluate import evaluate
from ganimation_tf.evaluation.samples import requests

ADDED = 0.1


class Brighter:
    """Adds 0.1 to all pixels, and keeps the left half of the input by its mask."""

    name = "brighter"

    def __init__(self, samples):
        self.action_units, self.crop = samples.names, samples.crop

    def edit(self, images, source_aus, target_aus):
        attention = np.full((*images.shape[:3], 1), 0.5, np.float32)
        attention[:, :, : images.shape[2] // 2] = 1
        return {"image": images + ADDED, "attention": attention}

    def estimate(self, images):
        return None


@pytest.fixture(scope="module")
def samples():
    """Faces without pixels that are so light that 0.2 more would be cut off."""
    drawn = drawn_pairs.draw(4, 3)
    return dataclasses.replace(drawn, images=np.minimum(drawn.images, 200))


@pytest.mark.parametrize("paired", [True, False])
def test_one_that_brightens_by_a_tenth(samples, paired):
    if not paired:
        samples = dataclasses.replace(samples, pairs=[""] * len(samples))
    metrics = evaluate(Brighter(samples), samples).report.metrics
    assert metrics["zero_edit"] == pytest.approx(ADDED, rel=1e-5)
    assert metrics["cycle"] == pytest.approx(2 * ADDED, rel=1e-5)  # twice lighter, there and back
    assert metrics["background"] == pytest.approx(ADDED, rel=1e-5)
    assert metrics["attention_mean"] == pytest.approx(0.75)
    assert metrics["attention_saturated"] == pytest.approx(0.5)
    assert ("truth_error" in metrics) == paired


def test_truth_figures_of_one_that_brightens(samples):
    """Error and share of `input + 0.1` written out from the pixels."""
    rows = evaluate(Brighter(samples), samples).report.rows
    asked = requests(samples)
    for row, (source, truth) in enumerate(zip(asked.sources, asked.truths, strict=True)):
        change = (samples.images[truth].astype(float) - samples.images[source]).ravel() / 255
        squares = (change**2).sum()
        assert rows["truth_share"][row] == pytest.approx(ADDED * change.sum() / squares, rel=1e-4)
        expected = ((ADDED - change) ** 2).sum() / squares
        assert rows["truth_error"][row] == pytest.approx(expected, rel=1e-4)


class Turning:
    """A mesh finder by whose word a light picture shows a head that is turned."""

    def read(self, images, crop):
        return np.array([image.mean() for image in images])


def test_turns_of_the_head_by_hand(samples, monkeypatch):
    """Pitch, yaw and roll of each edit have moved by 0.1, 0.2 and -0.2: their RMS."""
    monkeypatch.setattr(
        preservation.pose, "head_pose", lambda light: np.outer(light, [0.1, 0.2, -0.2])
    )
    asked = requests(samples)
    lighter = samples.images[asked.sources] + np.uint8(1)
    actual, figures = preservation.head_pose(Turning(), samples, asked, lighter)
    assert actual["head_pose"] == pytest.approx(np.full(len(asked), np.sqrt(0.09 / 3)))
    assert figures["head_pose_no_face"] == 0
