"""Each warning provoked, and none of them on labels as annotators write them."""

import csv

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data.statistics.findings import findings
from statistics_data import gather, natural_labels

GOOD = natural_labels(1200)
AU = OPENFACE.index


def warn(train, eval_=None, rejected=0, names=OPENFACE, **values):
    splits = {"train": gather(train, **values)}
    if eval_ is not None:
        splits["eval"] = gather(eval_, **values)
    return {one.code: one.message for one in findings(splits, rejected, names)}


def changed(**columns):
    labels = GOOD.copy()
    for name, values in columns.items():
        labels[:, AU(name)] = values
    return labels


def test_nothing_is_said_of_good_labels_but_their_number():
    assert warn(GOOD, natural_labels(600, seed=1)) == {
        "few_images": "1,800 faces are fewer than 10,000: rare AUs and poses will be thin"
    }


@pytest.mark.parametrize(
    ("code", "labels", "message"),
    [
        ("constant_au", changed(AU05=0.98), "AU05 is 0.98 on all 1200 faces: labels look shifted"),
        ("strong_au", changed(AU04=np.linspace(0.5, 1, 1200)), "AU04 has a mean of 0.75"),
        ("eyes_closed", changed(AU45=np.linspace(0.1, 0.5, 1200)), "AU45 (blink) is active on 900"),
        ("binary_labels", np.round(GOOD), "all intensities are 0 or 1"),
        ("low_scale", GOOD / 5, "no intensity is above 0.2"),
        (
            "never_active",
            changed(AU23=0),
            "AU23: never active (intensity 0.2 or more) on the 1,200",
        ),
        (
            "rarely_active",
            changed(AU23=np.arange(1200) < 3),
            "AU23 (3): active on fewer than 50 of the 1,200 training faces",
        ),
    ],
)
def test_labels(code, labels, message):
    assert message in warn(labels.astype(np.float32))[code]


@pytest.mark.parametrize("shift", range(1, 17))
def test_shifted_columns(shift):
    shifted = warn(np.roll(GOOD, -shift, axis=1))
    assert "labels look shifted" in " ".join(shifted.values())


def test_the_shift_is_named():
    message = warn(np.roll(GOOD, -2, axis=1))["shifted_labels"]
    assert "read 2 columns further to the left they would" in message
    message = warn(np.roll(GOOD, 1, axis=1))["shifted_labels"]
    assert "read 1 column further to the right they would" in message


def test_columns_in_disorder():
    """No shift puts these right, so none is named."""
    places = [7, 12, 3, 16, 9, 1, 14, 5, 10, 2, 15, 8, 0, 13, 4, 11, 6]
    message = warn(GOOD[:, places])["shifted_labels"]
    assert "further to" not in message and "hardly do so here" in message


def test_independent_labels_are_not_called_shifted():
    labels = np.random.default_rng(0).exponential(0.1, (1000, 17)).clip(0, 1)
    assert "shifted_labels" not in warn(labels)


def test_sampled_labels_of_pairs_are_not_called_shifted():
    labels = np.roll(GOOD, 5, axis=1)
    assert "shifted_labels" in warn(labels)
    assert "shifted_labels" not in warn(labels, pair="ada_look_0000")


def test_few_faces_are_not_judged():
    assert set(warn(np.roll(GOOD, 5, axis=1)[:99])) == {"few_images"}


def test_other_au_lists():
    assert set(warn(GOOD[:, :3], names=OPENFACE[:3])) == {"few_images"}


def test_an_au_that_eval_lacks():
    held_out = natural_labels(200)
    held_out[:, AU("AU15")] = 0
    message = warn(GOOD, held_out)["missing_in_split"]
    assert message.startswith("eval has no face with AU15 active, but train has")


def test_amounts():
    warnings_of = warn(GOOD, np.zeros((0, 17)), rejected=400)
    assert warnings_of["empty_split"] == "there is no face for eval"
    assert warnings_of["many_rejected"].startswith("400 of 1600 inputs (25%) were rejected")
    assert "few_images" not in warn(natural_labels(10_000))


def test_enlarged_faces():
    small = np.array([[0.5, 0, 0], [0, 0.5, 0]], np.float32)
    assert "1200 of 1200 faces are smaller" in warn(GOOD, transform=small)["enlarged_faces"]
    # A frame that was cut to be cropped pixel for pixel, its anchors rounded on the way.
    rounded = np.array([[0.99998, 0, 0], [0, 0.99998, 0]], np.float32)
    assert "enlarged_faces" not in warn(GOOD, transform=rounded)


def test_clipped_values():
    train = gather(GOOD)
    train.clipped[AU("AU12")] = 13
    actual = {one.code: one.message for one in findings({"train": train}, 0, OPENFACE)}
    assert actual["clipped"].endswith("outside the source's scale: AU12 (13)")


@pytest.mark.faces
def test_real_labels_and_all_their_shifts(faces_dir):
    """On both halves of the real faces: nothing said in place, a shift said of all shifts."""
    labels = {"hmd": [], "sd15": []}
    for path in sorted((faces_dir / "openface_csv").iterdir()):
        with open(path) as file:
            row = next(csv.DictReader(file, skipinitialspace=True))
        if float(row["confidence"]) >= 0.8:
            group = labels[path.name.partition("_")[0]]
            group.append([float(row[f"{name}_r"]) / 5 for name in OPENFACE])
    everything = np.array(labels["hmd"] + labels["sd15"])
    for real in (everything, np.array(labels["hmd"])):
        assert "shifted" not in " ".join(warn(real).values())
        for shift in range(1, 17):
            assert "labels look shifted" in " ".join(warn(np.roll(real, shift, axis=1)).values())


@pytest.mark.parametrize(("faces", "said"), [(19, False), (20, True)])
def test_a_smaller_scale_is_seen_on_few_faces(faces, said):
    assert ("low_scale" in warn((GOOD[:faces] / 5).astype(np.float32))) == said
