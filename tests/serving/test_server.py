"""The embedded server over a real socket, asked through the official stubs."""

import contextlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from waiting import wait_for

import serving_model
from ganimation_tf import cli, quiet
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from serving.server import grpc_api, streams
from serving.server.config import BatchingParameters, ServerConfig
from serving.server.models import LoadedVersion, ModelVersions
from serving.server.predict import predict
from serving.server.server import Server
from serving.server.status import StatusError
from serving.server.watcher import find_versions
from serving_model import clear, face, half_and_half, lying

SIZE = serving_model.SIZE
UNITS = len(serving_model.ACTION_UNITS)
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def stubs(served_model):
    with grpc.insecure_channel(served_model.address) as channel:
        yield (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


def request(signature_name: str = "", name: str = "ganimation", **inputs):
    message = predict_pb2.PredictRequest()
    message.model_spec.name = name
    message.model_spec.signature_name = signature_name
    for alias, value in inputs.items():
        message.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return message


def edit_request(rows: int = 1):
    return request(
        image_bytes=[face()] * rows, action_units=np.full((rows, UNITS), 0.2, np.float32)
    )


def check_still_serving(stubs):
    answer = stubs[0].Predict(edit_request(), timeout=10)
    pixels = images.decode(answer.outputs["image_bytes"].string_val[0])
    assert (pixels == 131).all()  # 100 + 0.2 * (255 - 100)


def refused(stubs, message, timeout: float = 10):
    """The status that `message` gets; the server must answer a good request afterwards."""
    with pytest.raises(grpc.RpcError) as caught:
        stubs[0].Predict(message, timeout=timeout)
    check_still_serving(stubs)
    return caught.value.code(), caught.value.details()


def test_edit_answers_each_row_in_order(stubs):
    units = np.zeros((3, UNITS), np.float32)
    units[:, 0] = [0.0, 0.5, 1.0]
    answer = stubs[0].Predict(
        request("serving_default", image_bytes=[face(55)] * 3, action_units=units), timeout=10
    )
    encoded = answer.outputs["image_bytes"].string_val
    assert [images.decode(png)[0, 0].tolist() for png in encoded] == [
        [55] * 3,
        [155] * 3,
        [255] * 3,
    ]
    assert answer.model_spec.name == "ganimation"
    assert answer.model_spec.signature_name == "serving_default"
    assert answer.model_spec.version.value == 2


@pytest.mark.parametrize(
    ("picture", "expected"),
    [(lying("JPEG"), half_and_half()), (lying("PNG"), half_and_half()), (clear(), 255)],
    ids=["lying JPEG", "lying PNG", "transparent PNG"],
)
def test_a_picture_is_taken_as_viewers_show_it(stubs, picture, expected):
    units = np.zeros((2, UNITS), np.float32)
    message = request("serving_default", image_bytes=[face(55), picture], action_units=units)
    plain, shown = stubs[0].Predict(message, timeout=10).outputs["image_bytes"].string_val
    assert (images.decode(plain) == 55).all()
    np.testing.assert_allclose(
        images.decode(shown), np.broadcast_to(expected, (SIZE, SIZE, 3)), atol=12
    )


def test_render_keeps_the_published_composition(stubs):
    image = np.random.default_rng(0).random((2, SIZE, SIZE, 3), np.float32)
    units = np.array([[0.25, 0, 0], [0.75, 0, 0]], np.float32)
    answer = stubs[0].Predict(request("render", image=image, action_units=units), timeout=10)
    outputs = {name: tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}
    mask = outputs["attention"]
    np.testing.assert_allclose(
        outputs["image"], mask * image + (1 - mask) * outputs["color"], atol=1e-6
    )


def test_output_filter_is_honoured(stubs):
    message = request(
        "render",
        image=np.zeros((1, SIZE, SIZE, 3), np.float32),
        action_units=np.zeros((1, UNITS), np.float32),
    )
    message.output_filter.append("attention")
    assert set(stubs[0].Predict(message, timeout=10).outputs) == {"attention"}


def test_version_can_be_named(stubs):
    message = edit_request()
    message.model_spec.version.value = 2
    assert stubs[0].Predict(message, timeout=10).model_spec.version.value == 2


def test_values_may_come_one_by_one_and_the_last_one_repeat(stubs):
    message = edit_request(2)
    tensor = message.inputs["action_units"]
    tensor.ClearField("tensor_content")
    tensor.float_val.append(1.0)  # stands for all six
    answer = stubs[0].Predict(message, timeout=10)
    assert (images.decode(answer.outputs["image_bytes"].string_val[1]) == 255).all()


def test_unknown_signature(stubs):
    message = edit_request()
    message.model_spec.signature_name = "classify"
    assert refused(stubs, message) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        'Serving signature key "classify" not found.',
    )


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (
            ["image_bytes"],
            "input size does not match signature: 1!=2 len({image_bytes}) != "
            "len({action_units,image_bytes}). Sent extra: {}. "
            "Missing but required: {action_units}.",
        ),
        (
            ["action_units", "image_bytes", "seed"],
            "input size does not match signature: 3!=2 len({action_units,image_bytes,seed}) != "
            "len({action_units,image_bytes}). Sent extra: {seed}. Missing but required: {}.",
        ),
        (
            [],
            "input size does not match signature: 0!=2 len({}) != len({action_units,image_bytes})."
            " Sent extra: {}. Missing but required: {action_units,image_bytes}.",
        ),
        (
            ["image_bytes", "units"],
            "Signature input alias: action_units(feed name: serving_default_action_units:0) not "
            "found in request and no default value provided. Inputs expected to be in the request "
            "{image_bytes,units}, or default input alias set: ",
        ),
    ],
)
def test_wrong_input_names(stubs, inputs, text):
    good = {"image_bytes": [face()], "action_units": np.zeros((1, UNITS), np.float32)}
    message = request(**{name: good.get(name, [0.0]) for name in inputs})
    assert refused(stubs, message) == (INVALID, text)


def test_unknown_model_version_and_label(stubs):
    not_found = grpc.StatusCode.NOT_FOUND
    message = edit_request()
    message.model_spec.name = "resnet"
    assert refused(stubs, message) == (
        not_found,
        "Servable not found for request: Latest(resnet)",
    )
    message = edit_request()
    message.model_spec.version.value = 7
    assert refused(stubs, message) == (
        not_found,
        "Servable not found for request: Specific(ganimation, 7)",
    )
    message.model_spec.version_label = "stable"
    assert refused(stubs, message) == (INVALID, "Unrecognized servable version label: stable")


def test_missing_model_spec_and_name(stubs):
    message = edit_request()
    message.model_spec.name = ""
    assert refused(stubs, message) == (INVALID, "ModelSpec has no name specified.")
    message.ClearField("model_spec")
    assert refused(stubs, message) == (INVALID, "Missing ModelSpec")


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (np.zeros((1, 4), np.float32), "got float32 (1, 4)"),
        (np.zeros(UNITS, np.float32), "got float32 (3)"),
        (np.zeros((1, UNITS), np.float64), "got float64 (1, 3)"),
        ([[b"a", b"b", b"c"]], "got string (1, 3)"),
    ],
)
def test_wrong_type_or_shape_names_input_rule_and_value(stubs, units, text):
    message = request(image_bytes=[face()], action_units=units)
    assert refused(stubs, message) == (INVALID, f"action_units must be float32 (?, 3), {text}")


def test_unknown_dtype_number_and_negative_size(stubs):
    message = edit_request()
    message.inputs["action_units"].dtype = 99
    code, text = refused(stubs, message)
    assert (code, text) == (INVALID, "action_units must be float32 (?, 3), got dtype 99 (1, 3)")
    message = edit_request()
    message.inputs["action_units"].tensor_shape.dim[0].size = -5
    assert refused(stubs, message)[0] == INVALID


def test_inputs_with_different_numbers_of_rows(stubs):
    message = request(image_bytes=[face()] * 2, action_units=np.zeros((3, UNITS), np.float32))
    assert refused(stubs, message) == (
        INVALID,
        "Batching Run() input tensors must have equal 0th-dimension size: "
        "action_units has 3, image_bytes has 2",
    )


def test_too_many_rows(stubs):
    assert refused(stubs, edit_request(9)) == (
        INVALID,
        "Task size 9 is larger than maximum input batch size 8",
    )


def test_an_input_without_rows_is_refused_as_batching_must():
    signature = meta_graph_pb2.SignatureDef()
    signature.inputs["x"].dtype = tf.float32.as_datatype_enum
    signature.inputs["x"].tensor_shape.SetInParent()
    model = ModelVersions("m")
    model.publish(LoadedVersion(1, {"serving_default": signature}, {"serving_default": None}))
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "m"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32(1)))
    with pytest.raises(StatusError, match="must have at least one dimension") as caught:
        predict(model, message, 8, lambda *_: {})
    assert caught.value.code == INVALID
    signature.inputs["x"].tensor_shape.dim.add(size=-1)  # the same with rows is let through
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones(1, np.float32)))
    assert predict(model, message, 8, lambda *_: {}).model_spec.version.value == 1


@pytest.mark.parametrize("where", ["inputs", "outputs"])
def test_types_that_are_left_to_tensorflow_serving_are_told_before_anything_runs(where):
    signature = meta_graph_pb2.SignatureDef()
    for infos, alias in ((signature.inputs, "x"), (signature.outputs, "y")):
        infos[alias].dtype = tf.float32.as_datatype_enum
        infos[alias].tensor_shape.dim.add(size=-1)
    signature.outputs["z"].CopyFrom(signature.outputs["y"])
    dtype = tf.float16 if where == "outputs" else tf.complex64
    alias = {"inputs": "x", "outputs": "y"}[where]
    getattr(signature, where)[alias].dtype = dtype.as_datatype_enum
    model = ModelVersions("m")
    model.publish(LoadedVersion(1, {"serving_default": signature}, {"serving_default": None}))
    sent = tf.ones(1, dtype if where == "inputs" else tf.float32)
    message = predict_pb2.PredictRequest(
        model_spec={"name": "m"}, inputs={"x": tf.make_tensor_proto(sent)}
    )
    with pytest.raises(StatusError, match=f"^{alias} of type {dtype.name} is not part") as caught:
        predict(model, message, 8, lambda *_: pytest.fail("runs"))
    assert caught.value.code == grpc.StatusCode.UNIMPLEMENTED
    if where == "outputs":  # the others can be had
        message.output_filter.append("z")
        answer = predict(model, message, 8, lambda *_: {"z": np.ones(1, np.float32)})
        assert list(answer.outputs) == ["z"]


def test_a_few_bytes_that_claim_a_huge_tensor(stubs):
    message = edit_request()
    for tensor in message.inputs.values():
        tensor.tensor_shape.dim[0].size = 2**40
    assert refused(stubs, message) == (
        INVALID,
        f"action_units must hold at most {2**26} values, got shape [{2**40}, 3]",
    )


def test_content_that_does_not_fill_the_shape(stubs):
    message = edit_request()
    message.inputs["action_units"].tensor_content = b"\0" * 5
    assert refused(stubs, message) == (INVALID, "tensor parsing error: action_units")


@pytest.mark.parametrize("broken", [b"", b"not a picture", face()[:20]])
def test_what_is_no_picture(stubs, broken):
    message = request(image_bytes=[face(), broken], action_units=np.zeros((2, UNITS), np.float32))
    assert refused(stubs, message) == (
        INVALID,
        "image_bytes row 1: not a picture in one of JPEG, PNG",
    )


def test_a_damaged_picture_is_refused_in_the_words_of_the_graph(stubs):
    message = request(image_bytes=[face()[:60]], action_units=np.zeros((1, UNITS), np.float32))
    code, text = refused(stubs, message)
    assert code == INVALID
    assert text.startswith("Invalid PNG data") and "[Op:" not in text


@pytest.mark.parametrize(("width", "text"), [(2049, "got 2049 x 2048"), (10**6, "2048000000 pix")])
def test_a_picture_whose_header_claims_too_many_pixels(stubs, width, text):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, 2048, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    bomb += struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 9) + b"IDAT"
    message = request(image_bytes=[bomb], action_units=np.zeros((1, UNITS), np.float32))
    code, actual = refused(stubs, message)
    assert code == INVALID and text in actual


def test_unknown_and_repeated_output(stubs):
    message = edit_request()
    message.output_filter.append("mask")
    assert refused(stubs, message) == (
        INVALID,
        "output tensor alias not found in signature: mask Outputs expected to be in the set "
        "{image_bytes}.",
    )
    message.output_filter[:] = ["image_bytes", "image_bytes"]
    assert refused(stubs, message) == (INVALID, "duplicate output tensor alias: image_bytes")


def test_message_over_the_limit(stubs):
    message = request(image_bytes=[b"\0" * (65 * 2**20)])
    code, text = refused(stubs, message)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text


def test_an_error_text_longer_than_a_header_still_arrives(stubs):
    message = edit_request()
    for number in range(2000):
        message.inputs[f"extra_{number}"].CopyFrom(tf.make_tensor_proto(0.0))
    code, text = refused(stubs, message)
    assert code == INVALID and text.startswith("input size does not match signature: 2002!=2")


def test_bytes_that_are_no_message(stubs, served_model):
    with grpc.insecure_channel(served_model.address) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\xff\xff\xff", timeout=10)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    check_still_serving(stubs)


def test_metadata(stubs):
    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    message.model_spec.name = "ganimation"
    answer = stubs[0].GetModelMetadata(message, timeout=10)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("ganimation", 2)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "render", "estimate", "describe"} <= set(signatures.signature_def)
    info = signatures.signature_def["render"].outputs["attention"]
    assert [dim.size for dim in info.tensor_shape.dim] == [-1, SIZE, SIZE, 1]


@pytest.mark.parametrize(
    ("fields", "name", "code", "text"),
    [
        ([], "ganimation", INVALID, "must specify at least one metadata_field"),
        (["assets"], "ganimation", INVALID, "Metadata field assets is not supported"),
        (
            ["signature_def"],
            "x",
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(x)",
        ),
    ],
)
def test_bad_metadata_requests(stubs, fields, name, code, text):
    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    message.model_spec.name = name
    with pytest.raises(grpc.RpcError) as caught:
        stubs[0].GetModelMetadata(message, timeout=10)
    assert caught.value.code() == code and text in caught.value.details()


def test_status(stubs):
    message = get_model_status_pb2.GetModelStatusRequest()
    message.model_spec.name = "ganimation"
    (actual,) = stubs[1].GetModelStatus(message, timeout=10).model_version_status
    assert (actual.version, actual.state, actual.status.error_code) == (2, actual.AVAILABLE, 0)

    def refusal():
        with pytest.raises(grpc.RpcError) as caught:
            stubs[1].GetModelStatus(message, timeout=10)
        return caught.value.code(), caught.value.details()

    message.model_spec.version.value = 1
    not_found = grpc.StatusCode.NOT_FOUND
    assert refusal() == (not_found, "Could not find version 1 of model ganimation")
    message.model_spec.ClearField("version")
    message.model_spec.name = "x"
    assert refusal() == (not_found, "Could not find any versions of model x")
    message.ClearField("model_spec")
    assert refusal() == (INVALID, "Missing ModelSpec")


def test_other_calls_are_left_to_tensorflow_serving(stubs):
    predictions, models = stubs
    for call, message in [
        (predictions.Classify, classification_pb2.ClassificationRequest()),
        (predictions.Regress, regression_pb2.RegressionRequest()),
        (predictions.MultiInference, inference_pb2.MultiInferenceRequest()),
        (models.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest()),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            call(message, timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "TensorFlow Serving itself has it" in caught.value.details()


def test_health_under_every_name(served_model):
    with grpc.insecure_channel(served_model.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        for name in (
            "",
            "PredictionService",
            "ModelService",
            "tensorflow.serving.PredictionService",
            "tensorflow.serving.ModelService",
        ):
            answer = check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == answer.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            check(health_pb2.HealthCheckRequest(service="x"), timeout=10)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services_and_describes_their_messages(served_model):
    with grpc.insecure_channel(served_model.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert set(database.get_services()) == {
            "tensorflow.serving.PredictionService",
            "tensorflow.serving.ModelService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        pool = DescriptorPool(database)
        service = pool.FindServiceByName("tensorflow.serving.PredictionService")
        assert {method.name for method in service.methods} >= {"Predict", "GetModelMetadata"}
        inputs = service.methods_by_name["Predict"].input_type.fields_by_name["inputs"]
        value = inputs.message_type.fields_by_name["value"].message_type
        assert value.full_name == "tensorflow.TensorProto"


def test_answers_carry_values_where_tensorflow_servings_clients_read_them(stubs):
    message = request("estimate", image_bytes=[face(51)])
    actual = stubs[0].Predict(message, timeout=10).outputs["action_units"]
    assert (
        list(actual.float_val) == pytest.approx([0.2] * 3, abs=1e-6) and not actual.tensor_content
    )


def test_values_that_are_all_left_out_are_zero(stubs):
    message = edit_request()
    message.inputs["action_units"].ClearField("tensor_content")
    answer = stubs[0].Predict(message, timeout=10)
    assert (images.decode(answer.outputs["image_bytes"].string_val[0]) == 100).all()


def test_concurrent_requests_are_all_answered(stubs):
    calls = [stubs[0].Predict.future(edit_request(2), timeout=30) for _ in range(40)]
    assert all(len(call.result().outputs["image_bytes"].string_val) == 2 for call in calls)


def test_highest_number_is_served_and_half_copied_directories_are_not(tmp_path):
    for name in ("2", "10", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    assert find_versions(tmp_path) == {10: tmp_path / "10", 2: tmp_path / "2"}


def test_a_published_version_replaces_the_one_before(served_model):
    versions = ModelVersions("m")
    first = served_model.versions.find(request(name="ganimation").model_spec)
    versions.publish(first)
    assert versions.find(request(name="m").model_spec) is first
    assert versions.versions == [2]


@pytest.mark.parametrize("which", ["address", "rest_address"])
def test_a_port_in_use_is_told_before_tensorflow_loads(
    served_model, model_dir, monkeypatch, capsys, which
):
    monkeypatch.setattr(quiet, "import_tensorflow", lambda: pytest.fail("loads TensorFlow"))
    port = getattr(served_model, which).rpartition(":")[2]
    ports = {"address": ["--port", port], "rest_address": ["--port", "0", "--rest-port", port]}
    assert cli.main(["serve", "--model-dir", str(model_dir), *ports[which]]) == 2
    assert capsys.readouterr().err == (
        f"ganimation serve: cannot listen at 127.0.0.1:{port}: Address already in use\n"
    )


@pytest.mark.parametrize("ports", [["--port", "0"], ["--port", "8500", "--rest-port", "0"]])
def test_a_host_of_another_machine_is_told_before_tensorflow_loads(
    model_dir, monkeypatch, capsys, ports
):
    monkeypatch.setattr(quiet, "import_tensorflow", lambda: pytest.fail("loads TensorFlow"))
    # 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has an address of it.
    command = ["serve", "--model-dir", str(model_dir), "--host", "192.0.2.1", *ports]
    assert cli.main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ganimation serve: cannot listen at 192.0.2.1:{ports[1]}: ")


def test_port_in_use(served_model, model_dir):
    port = int(served_model.address.rpartition(":")[2])
    with pytest.raises(UserError, match=f"cannot listen at 127.0.0.1:{port}"):
        Server(ServerConfig(model_dir, "ganimation", port=port))
    rest_port = int(served_model.rest_address.rpartition(":")[2])
    with pytest.raises(UserError, match=f"cannot listen at 127.0.0.1:{rest_port}"):
        Server(ServerConfig(model_dir, "ganimation", port=0, rest_port=rest_port))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: None, "no such model directory"),
        (lambda path: path.mkdir(), "holds numbered versions such as 1/saved_model.pb"),
        (
            lambda path: ((path / "3").mkdir(parents=True), (path / "3/saved_model.pb").touch()),
            "cannot be loaded as a SavedModel",
        ),
    ],
)
def test_serve_stops_at_once_without_a_model(tmp_path, capsys, make, text):
    make(tmp_path / "models")
    assert cli.main(["serve", "--model-dir", str(tmp_path / "models"), "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("ganimation serve: ") and text in line


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--port=70000", "--port must be in [0, 65535], got 70000"),
        ("--rest-port=-1", "--rest-port must be in [0, 65535], got -1"),
        ("--rest-port=8500", "--rest-port must not be the gRPC port, got 8500"),
        ("--poll-seconds=-1", "--poll-seconds must be in [0, 86400], got -1.0"),
        ("--model-name=", "--model-name must not be empty, got ''"),
        ("--max-batch-size=0", "--max-batch-size must be at least 1, got 0"),
        ("--num-batch-threads=257", "--num-batch-threads must be in [1, 256], got 257"),
        ("--poll-seconds=1e300", "--poll-seconds must be in [0, 86400], got 1e+300"),
        ("--tls-key=a.pem", "--tls-key and --tls-certificate must be given together"),
        ("--tls-client-ca=a.pem", "--tls-client-ca needs --tls-key and --tls-certificate"),
        (
            "--max-batch-size=8 --batching-parameters-file=f",
            "--max-batch-size cannot be given together with --batching-parameters-file",
        ),
    ],
)
def test_serve_checks_its_options(tmp_path, capsys, options, text):
    assert cli.main(["serve", "--model-dir", str(tmp_path), *options.split()]) == 2
    assert capsys.readouterr().err == f"ganimation serve: {text}\n"


def test_serve_says_where_and_ends_on_sigterm(model_dir):
    command = [sys.executable, "-m", "ganimation_tf", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--model-dir", str(model_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("serving ganimation version 2 at 127.0.0.1:"), line
        with grpc.insecure_channel(line.split()[-1]) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            assert stub.Predict(edit_request(), timeout=30).outputs
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


class Gate:
    """A port before another, which hands its answers on only while `open` is set.

    Attributes:
        address: HOST:PORT.
    """

    def __init__(self, target: str):
        self._target = target.split(":")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.open = threading.Event()
        self.open.set()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.open.set()
        self._listening.close()

    def _accept(self):
        client, _ = self._listening.accept()
        server = socket.create_connection(self._target)
        threading.Thread(target=self._hand_on, args=(client, server), daemon=True).start()
        self._hand_on(server, client, self.open.wait)

    def _hand_on(self, source, sink, ready=lambda: True):
        with contextlib.suppress(OSError):
            while ready() and (data := source.recv(2**16)):
                ready()
                sink.sendall(data)
        sink.close()


def idle_reflection(channel):
    """A reflection stream that the server has answered once, and what ends its requests."""
    never = threading.Event()

    def requests():
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        never.wait(60)

    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(requests())
    assert next(answers).list_services_response.service
    return answers, never


def watches(stub) -> bool:
    """Whether one more may watch."""
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    try:
        return bool(next(watch).status)
    except grpc.RpcError:
        return False
    finally:
        watch.cancel()


@pytest.fixture
def paused(model_dir):
    """As `serving_model.paused`."""
    with serving_model.paused(model_dir) as one:
        yield one


def test_stop_lets_running_requests_finish(paused):
    with grpc.insecure_channel(paused.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        running = stub.Predict.future(edit_request(), timeout=30)
        assert paused.begun.wait(20)
        stopping = threading.Thread(target=paused.server.stop, args=(20,))
        stopping.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING  # under way
        paused.go_on.set()
        assert len(running.result().outputs["image_bytes"].string_val) == 1
        stopping.join(20)
        assert not stopping.is_alive()


def test_a_stop_says_not_serving_first_and_does_not_wait_for_who_watches(paused):
    with grpc.insecure_channel(paused.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        running = stub.Predict.future(edit_request(), timeout=30)
        assert paused.begun.wait(20)
        stopping = threading.Thread(target=paused.server.stop, args=(20,))
        stopping.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not running.done()
        started = time.monotonic()
        paused.go_on.set()
        assert running.result().outputs
        stopping.join(20)
        assert time.monotonic() - started < 10  # of the 20 that it might have waited


def test_a_stop_waits_for_an_answer_that_is_still_being_sent(model_dir):
    batching = BatchingParameters(64, max_execution_batch_size=64)
    with (
        serving_model.running(model_dir, poll_seconds=0, batching=batching) as one,
        Gate(one.address) as gate,
        grpc.insecure_channel(gate.address) as channel,
    ):
        grpc.channel_ready_future(channel).result(20)
        gate.open.clear()
        # 458,752 bytes, of which HTTP/2 sends 65,535 to one that does not read.
        image = np.zeros((64, SIZE, SIZE, 3), np.float32)
        sent = request("render", image=image, action_units=np.zeros((64, UNITS), np.float32))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        running = stub.Predict.future(sent, timeout=60)
        wait_for(lambda: one.metric("ganimation_batch_rows_count") == 1, "a run", 20)
        stopping = threading.Thread(target=one.server.stop, args=(30,))
        stopping.start()
        stopping.join(1)
        assert stopping.is_alive()
        gate.open.set()
        assert running.result().outputs["image"].tensor_shape.dim[0].size == 64
        stopping.join(20)
        assert not stopping.is_alive()


def test_a_stop_ends_idle_streams(model_dir):
    with (
        serving_model.running(model_dir, poll_seconds=0) as one,
        grpc.insecure_channel(one.address) as channel,
    ):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        reflected, never = idle_reflection(channel)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        one.server.stop(600)
        assert [each.status for each in watch] == [health_pb2.HealthCheckResponse.NOT_SERVING]
        assert watch.code() == grpc.StatusCode.OK
        assert reflected.code() == grpc.StatusCode.CANCELLED
        never.set()


def test_idle_streams_leave_room_for_calls(model_dir, monkeypatch):
    monkeypatch.setattr(grpc_api, "MAX_CONCURRENT_CALLS", 4)
    monkeypatch.setattr(streams, "MAX_STREAMS", 2)
    with (
        serving_model.running(model_dir, poll_seconds=0) as one,
        grpc.insecure_channel(one.address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        next(watch)
        reflected, never = idle_reflection(channel)
        for _ in range(2):
            with pytest.raises(grpc.RpcError, match="too many streams at once") as caught:
                next(health.Watch(health_pb2.HealthCheckRequest()))
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        assert predict(edit_request(), timeout=20).outputs
        assert reflected.is_active()
        watch.cancel()
        wait_for(lambda: watches(health), "a place that is free again", 20)
        never.set()


def test_calls_beyond_the_most_at_once_are_turned_away(model_dir, monkeypatch):
    monkeypatch.setattr(grpc_api, "MAX_CONCURRENT_CALLS", 1)
    with (
        serving_model.paused(model_dir) as one,
        grpc.insecure_channel(one.address) as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        running = stub.Predict.future(edit_request(), timeout=60)
        assert one.begun.wait(20)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Predict(edit_request(), timeout=20)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        one.go_on.set()
        assert running.result().outputs


def test_a_request_whose_deadline_has_passed_is_not_run(paused):
    with grpc.insecure_channel(paused.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        first = stub.Predict.future(edit_request(), timeout=30)
        assert paused.begun.wait(20)
        with pytest.raises(grpc.RpcError) as caught:  # waits for its turn until it is too late
            stub.Predict(edit_request(), timeout=0.3)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        paused.begun.clear()
        paused.go_on.set()
        assert first.result().outputs
        paused.server.stop(20)  # after which every waiting call has had its turn
    assert not paused.begun.is_set()
