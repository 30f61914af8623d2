"""The client's own messages against the official ones, both ways."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from ganimation_tf.protos import serving_pb2, wire


@pytest.fixture(scope="module")
def official():
    """The official message classes by name."""
    from tensorflow.core.framework import tensor_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
        predict_pb2,
        prediction_log_pb2,
    )

    modules = (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
        predict_pb2,
        prediction_log_pb2,
        tensor_pb2,
    )
    return {
        name: getattr(module, name)
        for module in modules
        for name in module.DESCRIPTOR.message_types_by_name
    }


@pytest.mark.parametrize(
    "name",
    [
        "TensorProto",
        "ModelSpec",
        "PredictRequest",
        "PredictResponse",
        "GetModelMetadataRequest",
        "GetModelMetadataResponse",
        "SignatureDefMap",
        "GetModelStatusRequest",
        "GetModelStatusResponse",
        "PredictionLog",
    ],
)
def test_every_field_has_its_official_number_type_and_label(official, name):
    def compare(mine, theirs):
        assert {f.number for f in mine.fields} <= {f.number for f in theirs.fields}
        for field in mine.fields:
            other = theirs.fields_by_number[field.number]
            assert field.name == other.name
            assert field.is_repeated == other.is_repeated
            assert field.is_packed == other.is_packed
            if other.enum_type:
                assert field.type == field.TYPE_INT32
            else:
                assert field.type == other.type
            if field.message_type and not field.message_type.full_name.startswith("google."):
                compare(field.message_type, other.message_type)

    compare(getattr(serving_pb2, name).DESCRIPTOR, official[name].DESCRIPTOR)


def test_predict_request_is_byte_equal_to_the_official_one(official):
    def fill(request, tensor):
        request.model_spec.name = "ganimation"
        request.model_spec.signature_name = "render"
        request.model_spec.version.value = 12
        request.inputs["action_units"].ParseFromString(tensor)
        request.output_filter.extend(["image", "color"])
        return request.SerializeToString(deterministic=True)

    tensor = wire.to_tensor(np.array([[0.25, 1.0]], np.float32)).SerializeToString()
    assert fill(serving_pb2.PredictRequest(), tensor) == fill(official["PredictRequest"](), tensor)


ARRAYS = [
    np.array([[0.0, 0.5, 1.0], [0.25, -2.0, 3e9]], np.float32),
    np.array([1.5], np.float64),
    np.array([[-3], [4]], np.int32),
    np.array([0, 255], np.uint8),
    np.array([2**60, -1], np.int64),
    np.array([True, False]),
    np.array(7.5, np.float32),
    np.zeros((0, 3), np.float32),
    np.array([b"\x89PNG\0", b""], object),
    np.array([], object),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_tensors_mean_the_same_to_tensorflow_and_here(official, array):
    import tensorflow as tf

    sent = official["TensorProto"].FromString(wire.to_tensor(array).SerializeToString())
    np.testing.assert_array_equal(tf.make_ndarray(sent), array)
    theirs = tf.make_tensor_proto(array, shape=array.shape, dtype=tf.as_dtype(sent.dtype))
    received = wire.from_tensor(serving_pb2.TensorProto.FromString(theirs.SerializeToString()))
    assert received.dtype == array.dtype
    np.testing.assert_array_equal(received, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_values_one_by_one_as_tensorflow_serving_answers(official, array):
    """The real server writes `float_val`, not `tensor_content`."""
    kind = wire.to_tensor(array).dtype
    tensor = official["TensorProto"](dtype=kind)
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    field = {1: "float_val", 2: "double_val", 3: "int_val", 4: "int_val", 7: "string_val"}
    name = (field | {9: "int64_val", 10: "bool_val"})[kind]
    getattr(tensor, name).extend(array.ravel().tolist())
    received = wire.from_tensor(serving_pb2.TensorProto.FromString(tensor.SerializeToString()))
    np.testing.assert_array_equal(received, array)


def test_last_value_stands_for_those_left_out():
    tensor = serving_pb2.TensorProto(dtype=1, float_val=[1.0, 2.0])
    tensor.tensor_shape.dim.add(size=4)
    np.testing.assert_array_equal(wire.from_tensor(tensor), [1, 2, 2, 2])


def test_a_tensor_that_does_not_fill_its_shape_is_refused():
    tensor = wire.to_tensor(np.zeros(3, np.float32))
    tensor.tensor_shape.dim[0].size = 4
    with pytest.raises(ValueError, match=r"shape \(4,\) must not hold 3 values"):
        wire.from_tensor(tensor)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((-5,), "a size in each dimension"),
        ((-1, -1), "a size in each dimension"),
        ((2**26 + 1,), "at most 67108864 values"),
        ((2**40, 2**40), "at most 67108864 values"),
    ],
)
@pytest.mark.parametrize("dtype", [1, 7])
def test_a_shape_that_no_values_fill_takes_no_memory(shape, text, dtype):
    tensor = serving_pb2.TensorProto(dtype=dtype)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=text):
            wire.from_tensor(tensor)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("array", [np.zeros(2, np.complex64), np.array(["text"])])
def test_other_types_are_refused(array):
    with pytest.raises(ValueError, match="a tensor must be one of float32"):
        wire.to_tensor(array)


def test_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="got 8"):
        wire.from_tensor(serving_pb2.TensorProto(dtype=8))


def test_signatures_are_read_out_of_an_official_any(official):
    theirs = official["SignatureDefMap"]()
    info = theirs.signature_def["serving_default"].inputs["action_units"]
    info.name, info.dtype = "serving_default_action_units:0", 1
    info.tensor_shape.dim.add(size=-1)
    response = official["GetModelMetadataResponse"]()
    response.metadata["signature_def"].Pack(theirs)

    mine = serving_pb2.GetModelMetadataResponse.FromString(response.SerializeToString())
    signatures = serving_pb2.SignatureDefMap.FromString(mine.metadata["signature_def"].value)
    actual = signatures.signature_def["serving_default"].inputs["action_units"]
    assert (actual.dtype, [dim.size for dim in actual.tensor_shape.dim]) == (1, [-1])
    assert type(info).FromString(actual.SerializeToString()) == info  # its name survives, unread


def test_states_have_their_official_names(official):
    assert wire.STATES == {
        number: name for name, number in official["ModelVersionStatus"].State.items()
    }


def test_client_imports_neither_tensorflow_nor_its_stubs():
    code = (
        "import sys, serving.client, ganimation_tf.cli;"
        "ganimation_tf.cli.build_parser();"
        "print([name for name in sys.modules if name.startswith(('tensorflow', 'keras'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
