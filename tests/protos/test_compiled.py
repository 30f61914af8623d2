"""The committed messages: what the compiler makes of the .proto files, beside TensorFlow's own."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROTOS = sorted((ROOT / "ganimation_tf/protos").glob("*.proto"))

OURS = (
    "from ganimation_tf.protos import example_pb2, face_geometry_pb2, serving_pb2",
    "ours = serving_pb2.PredictRequest(output_filter=['image'])",
)
THEIRS = (
    "import tensorflow as tf",
    "from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_log_pb2",
    "theirs = predict_pb2.PredictRequest(output_filter=['image'])",
)
AGREE = (
    "assert ours.SerializeToString() == theirs.SerializeToString()",
    "assert tf.train.Example.FromString(example_pb2.Example().SerializeToString())"
    " == tf.train.Example()",
)


@pytest.mark.parametrize("proto", PROTOS, ids=lambda proto: proto.stem)
def test_the_committed_files_are_what_the_compiler_makes(proto, tmp_path):
    """After a change of a .proto file: `make protos`."""
    name = proto.relative_to(ROOT)
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", "--proto_path=.", *outputs, str(name)]
    subprocess.run(command, cwd=ROOT, check=True)
    for suffix in (".py", ".pyi"):
        compiled = name.with_name(f"{name.stem}_pb2{suffix}")
        assert (ROOT / compiled).read_text() == (tmp_path / compiled).read_text()


@pytest.mark.parametrize("first, second", [(OURS, THEIRS), (THEIRS, OURS)], ids=["first", "last"])
def test_they_live_beside_tensorflow_and_its_stubs(first, second):
    """Names of messages are global in a process: whichever comes first, both must load."""
    code = "\n".join((*first, *second, *AGREE))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
