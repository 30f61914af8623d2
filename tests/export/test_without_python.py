"""The export in a C++ program, loaded as TensorFlow Serving loads it: nothing needs Python."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

import tiny
from ganimation_tf.export import versions
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec

SOURCE = pathlib.Path(__file__).parents[1] / "helpers" / "cpp" / "predict.cc"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    card = ModelCard(tiny.UNITS, CropSpec(tiny.SIZE))
    return versions.export_model(*tiny.build_networks(), card, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The compiled program, built with the headers and the library in TensorFlow's own wheel."""
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler: `c++` is not on the PATH")
    library = pathlib.Path(tf.sysconfig.get_lib())
    path = tmp_path_factory.mktemp("program") / "predict"
    command = [compiler, "-O0", str(SOURCE), "-o", str(path), *tf.sysconfig.get_compile_flags()]
    # The session registers itself when the library is loaded; no symbol of it is named here.
    command += [
        "-Wl,--no-as-needed",
        f"-L{library}",
        "-l:libtensorflow_cc.so.2",
        "-l:libtensorflow_framework.so.2",
    ]
    done = subprocess.run([*command, f"-Wl,-rpath,{library}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def predict(program, exported, picture: pathlib.Path, units) -> subprocess.CompletedProcess:
    command = [program, exported, picture, *(repr(float(value)) for value in units)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(list(map(str, command)), env=environment, capture_output=True)


def test_one_predict_gives_pythons_bytes(program, exported, tmp_path):
    rng = np.random.default_rng(3)
    picture = tmp_path / "face.png"
    picture.write_bytes(images.encode_png(rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)))
    units = rng.uniform(0, 1, len(tiny.UNITS)).astype(np.float32)
    done = predict(program, exported, picture, units)
    assert done.returncode == 0, done.stderr.decode()
    with tf.device("CPU"):
        signature = tf.saved_model.load(str(exported)).signatures["serving_default"]
        (expected,) = signature(
            image_bytes=tf.constant([picture.read_bytes()]), action_units=tf.constant([units])
        )["image_bytes"].numpy()
    assert done.stdout == expected
    assert images.decode(done.stdout).shape == (tiny.SIZE, tiny.SIZE, 3)


def test_a_refusal_has_its_code_and_words_there_too(program, exported, tmp_path):
    picture = tmp_path / "face.gif"
    picture.write_bytes(b"GIF89a..")
    done = predict(program, exported, picture, np.zeros(len(tiny.UNITS)))
    assert done.returncode == 1
    assert b"INVALID_ARGUMENT" in done.stderr
    assert b"image_bytes must be JPEG or PNG" in done.stderr
