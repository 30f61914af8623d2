"""Errors survive the way from one process to another, with all that they say."""

import pickle

import grpc
import pytest

from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.fit import GeometryError
from ganimation_tf.errors import CodedError, GanimationError, UserError
from ganimation_tf.faces.images import ImageError
from ganimation_tf.inputs import FileError
from ganimation_tf.options import OptionError
from serving.client import ServerError
from serving.server.status import StatusError

ERRORS = [
    (OptionError("batch_size", "must be at least 1", 0), "batch_size must be at least 1, got 0"),
    (ImageError("empty_image", "a.jpg: no bytes"), "a.jpg: no bytes"),
    (AnnotationError("no_face", "a.csv: no row"), "a.csv: no row"),
    (GeometryError("no_face", "a.csv: no face"), "a.csv: no face"),
    (FileError("unreadable", "a.csv: gone"), "a.csv: gone"),
    (StatusError(grpc.StatusCode.NOT_FOUND, "no model"), "no model"),
    (
        ServerError("host:1", grpc.StatusCode.NOT_FOUND, "gone"),
        "server host:1: NOT_FOUND: gone",
    ),
]


@pytest.mark.parametrize(("error", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_it_can_be_pickled(error, text):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and vars(again) == vars(error)
    assert str(again) == str(error) == text


def test_what_each_is():
    assert issubclass(OptionError, UserError) and issubclass(UserError, ValueError)
    assert issubclass(ServerError, GanimationError) and not issubclass(ServerError, ValueError)
    assert not issubclass(CodedError, GanimationError)  # one bad input stops nothing
