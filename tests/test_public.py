"""The public names: there are no others, they load lazily, and the example of each runs."""

import asyncio
import doctest
import inspect
import subprocess
import sys

import keras
import numpy as np
import pytest

import ganimation_tf as gan
import serving_model
import tiny_head
from ganimation_tf import api
from ganimation_tf.synthetic.reanimation.fitting import Camera, turn

CONSTANTS = ("ACTION_UNITS", "EXPRESSIONS", "PRESETS")
"""They have no docstring of their own; the module that holds them says what they are."""

FUNCTIONS = [name for name in gan.__all__ if name not in (*CONSTANTS, "__version__")]

IMPORT_SECONDS = 0.2

PROGRAM = """
import sys, time
began = time.perf_counter()
import ganimation_tf
seconds = time.perf_counter() - began
heavy = {"numpy", "cv2", "tensorflow", "keras", "apache_beam", "grpc"} & sys.modules.keys()
print(seconds, *heavy)
"""


@pytest.fixture(scope="module")
def names(tmp_path_factory, drawn, served_model):
    """What the examples take for given: a dataset, a run, and where to write more."""
    root, data = tmp_path_factory.mktemp("public"), drawn.data
    return {
        **{"gan": gan, "np": np, "asyncio": asyncio, "keras": keras, "data": data},
        "run": drawn.run,
        **{"runs": root / "more-runs", "models": root / "models"},
        "batches": gan.training_dataset(data, gan.PRESETS["tiny"]),
        "address": served_model.address,
        "crop": serving_model.face(),
        **dict(zip(("head", "photo", "landmarks"), photographed(), strict=True)),
    }


def test_the_import_is_quick_and_loads_nothing_heavy():
    done = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, *heavy = min(process.stdout for process in done).split()
    assert float(seconds) < IMPORT_SECONDS
    assert heavy == []


def test_all_lists_what_is_there():
    assert set(gan.__all__) == {*gan._PLACES, "__version__"}
    assert set(gan.__all__) <= set(dir(gan))
    with pytest.raises(AttributeError, match="module 'ganimation_tf' has no attribute 'nothing'"):
        gan.nothing  # noqa: B018


def photographed():
    """A face model, a photo and the landmarks of the head in it."""
    head = tiny_head.tiny_head()
    camera = Camera(turn(np.zeros(3)), 10.0, np.array([128.0, 132.0]))
    photo = np.random.default_rng(3).integers(90, 200, (256, 256, 3)).astype(np.uint8)
    return head, photo, tiny_head.project(head, camera, head.neutral)


def documented(name):
    """The object of a public name; `export` is a package too."""
    return getattr(api, name, None) or getattr(gan, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_each_name_runs(name, names):
    value = documented(name)
    examples = doctest.DocTestParser().get_doctest(inspect.getdoc(value), names, name, None, 0)
    assert examples.examples, f"{name} has no example"
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_name_says_what_it_takes(name):
    text = inspect.getdoc(documented(name))
    assert "Args:" in text or "Attributes:" in text


def test_export_is_a_function_whatever_was_imported_first(names):
    program = "import ganimation_tf.export.signature, ganimation_tf as g; print(callable(g.export))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
