"""The round trip of annotators that are programs: pictures out, annotations in."""

import cv2
import numpy as np
import pytest

import drawn_pairs
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.baselines import Copy
from ganimation_tf.evaluation.evaluate import Instruments, evaluate
from ganimation_tf.evaluation.judges.files import FilesJudge, PictureWriter, name_of
from ganimation_tf.synthetic import openface


@pytest.fixture(scope="module")
def samples():
    return drawn_pairs.draw(10, 2)


@pytest.fixture(scope="module")
def copy(samples):
    return Copy(samples.names, samples.crop)


@pytest.fixture(scope="module")
def written(samples, copy, tmp_path_factory):
    writer = PictureWriter(tmp_path_factory.mktemp("pictures"), OPENFACE)
    evaluate(copy, samples, instruments=Instruments(judges=[writer], swept=1))
    return writer


def annotate(samples, directory, left_out=()):
    """What OpenFace would write, had it read the truth: a file for each picture."""
    landmarks = np.tile(np.arange(68.0)[:, None], 2)
    for row, (image, units) in enumerate(zip(samples.images, samples.action_units, strict=True)):
        if row not in left_out:
            path = directory / f"{name_of(image)}.csv"
            path.write_text(openface.to_csv(landmarks, units))


def test_every_picture_is_written_once_and_large_enough(written, samples):
    paths = sorted(written.directory.iterdir())
    # Inputs, edits and sweeps of copies are the same pictures.
    assert [path.stem for path in paths] == sorted({name_of(image) for image in samples.images})
    assert cv2.imread(str(paths[0])).shape == (256, 256, 3)


def test_annotations_are_found_by_the_picture(samples, copy, tmp_path):
    annotate(samples, tmp_path)
    judge = FilesJudge(tmp_path)
    assert judge.action_units == OPENFACE and "openface" in judge.provenance
    # OpenFace writes two decimals of a scale of 5.
    read = judge.read(samples.images, samples.crop)
    assert np.abs(read - samples.action_units).max() <= 0.0011
    report = evaluate(copy, samples, instruments=Instruments(judges=[judge], swept=0)).report
    assert report.metrics["files_own_mae"] < 0.006
    assert report.metrics["files_mae"] == report.metrics["files_copy_mae"] > 0.1


def test_a_picture_without_annotation_has_no_face(samples, tmp_path):
    annotate(samples, tmp_path, left_out={3})
    read = FilesJudge(tmp_path).read(samples.images, samples.crop)
    assert np.flatnonzero(np.isnan(read).all(1)).tolist() == [3]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no file with suffix"):
        FilesJudge(tmp_path)
