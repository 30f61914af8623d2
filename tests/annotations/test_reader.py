"""The faces of one image out of its rows."""

import dataclasses

import numpy as np
import pytest

from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.annotations.reader import Parsed, settle
from ganimation_tf.annotations.rejections import Rejection


def parsed(number, named=None, value=0.5, **said):
    face = FaceAnnotation("", "", f"t.csv:{number}", ("AU12",), np.array([value]), 1.0, 1.0)
    return Parsed(number, named, dataclasses.replace(face, **said))


def settled(*rows):
    """What became of each row: its face's id, or the code of its rejection."""
    faces = settle("a", "t.csv", rows)
    return [face.code if isinstance(face, Rejection) else face.face for face in faces]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([None, None], ["0", "1"]),
        ([None, "0"], ["1", "0"]),
        (["0", None], ["0", "1"]),
        ([None, "anna", "1", None], ["0", "anna", "1", "2"]),
        (["0", "0", None], ["0", "duplicate_face", "1"]),
    ],
)
def test_an_id_that_is_given_is_no_other_row_s(named, expected):
    rows = [parsed(row, name, value=row / 10) for row, name in enumerate(named, start=2)]
    assert settled(*rows) == expected


COPY = "duplicate_face"
BOX = {"box": np.array([1.0, 2.0, 30.0, 40.0])}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, ["0", COPY]),
        ({}, {"value": 0.6}, ["0", "1"]),
        ({}, {"confidence": 0.9}, ["0", "1"]),
        ({}, {"subject": "anna"}, ["0", "1"]),
        ({}, {"pose": np.zeros(3)}, ["0", "1"]),
        ({}, BOX, ["0", "1"]),
        (BOX, BOX, ["0", COPY]),
        (BOX, BOX | {"value": 0.6}, [COPY, COPY]),
    ],
)
def test_of_rows_that_say_the_same_of_nobody_in_particular_one_counts(one, other, expected):
    """Without place, rows that differ are of several faces; with one, they contradict."""
    assert settled(parsed(2, **one), parsed(3, **other)) == expected
