import keras
import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.expressions import EMOTIONS, prototypes
from ganimation_tf.networks.generator import build_generator
from ganimation_tf.networks.labels import NearestLabel
from ganimation_tf.presets import PRESETS


def test_each_emotion_is_its_own_label():
    known = prototypes(OPENFACE)
    assert known.shape == (8, 17) and EMOTIONS[0] == "neutral"
    assert np.array_equal(NearestLabel(known)(known), np.eye(8))
    assert np.array_equal(NearestLabel(known)(0.8 * known), np.eye(8))


def test_by_hand():
    """Labels at 0 and 1: what is below the middle is the first, the middle too."""
    layer = NearestLabel([[0.0], [1.0]])
    actual = np.asarray(layer(np.array([[0.4], [0.5], [0.6]], np.float32)))
    assert actual.tolist() == [[1, 0], [1, 0], [0, 1]]


def test_aus_that_a_dataset_lacks_are_left_out():
    known = prototypes(("AU26", "AU12"))
    assert known[EMOTIONS.index("surprise")].tolist() == [1.0, 0.0]


@pytest.fixture(scope="module")
def generator():
    return build_generator(16, 17, filters=4, residual_blocks=1, labels=prototypes(OPENFACE))


def test_between_two_labels_there_is_nothing(generator):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    smile = prototypes(OPENFACE)[EMOTIONS.index("happiness")]
    made = [
        np.asarray(generator([image, (share * smile)[None]])["image"])
        for share in (0.0, 0.2, 0.7, 1.0)
    ]
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[2], made[3])
    assert not np.array_equal(made[1], made[2])


def test_a_saved_generator_is_asked_by_the_same_labels(generator, tmp_path):
    generator.save(tmp_path / "generator.keras")
    again = keras.models.load_model(tmp_path / "generator.keras")
    image = np.zeros((2, 16, 16, 3), np.float32)
    wanted = prototypes(OPENFACE)[[1, 5]]
    expected = np.asarray(generator([image, wanted])["image"])
    assert np.asarray(again([image, wanted])["image"]) == pytest.approx(expected, abs=1e-6)


def test_labels_are_never_relative():
    with pytest.raises(ValueError, match="asked for as it is"):
        build_generator(16, 17, filters=4, relative=True, labels=prototypes(OPENFACE))


def test_the_preset_is_the_paper_but_for_the_labels():
    """And its epochs on the paper's 200,000 photographs, counted in updates of 25 x 5 of them."""
    paper, stargan = (PRESETS[name].to_dict() for name in ("paper", "stargan"))
    assert stargan.pop("steps") == 30 * 200_000 // (25 * 5) and paper.pop("steps") == 0
    assert stargan.pop("labels") and not paper.pop("labels")
    assert stargan == paper
