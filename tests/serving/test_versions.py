"""Versions that come, go and break while requests are answered."""

import gc
import json
import os
import pathlib
import shutil
import threading
import time
import weakref

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

import serving_model
from ganimation_tf import cli
from ganimation_tf.errors import ServiceError, UserError
from ganimation_tf.protos.wire import STATES, to_tensor
from serving.client import calls
from serving.client.sync import GanimationClient, ServerError
from serving.server import warmup, watcher
from serving.server.models import LoadedVersion, ModelVersions, load_version
from serving.server.watcher import Watcher, find_versions

SPEC = model_pb2.ModelSpec(name="ganimation")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> pathlib.Path:
    """A SavedModel to copy from: writing one takes a second, copying it a millisecond."""
    return serving_model.save(tmp_path_factory.mktemp("saved"), 1)


@pytest.fixture
def models(tmp_path, saved) -> pathlib.Path:
    """A model directory with version 1."""
    shutil.copytree(saved, tmp_path / "models" / "1")
    return tmp_path / "models"


class Watched:
    """A watcher that looks only when it is told to."""

    def __init__(self, root: pathlib.Path):
        self.model = ModelVersions("ganimation")
        self.watcher = Watcher(root, self.model, poll_seconds=0)
        self.watcher.load_first()

    def poll(self, times: int = 2) -> list[int]:
        for _ in range(times):
            self.watcher.poll()
        return self.model.versions

    def states(self) -> dict[int, str]:
        return {status.version: STATES[status.state] for status in self.model.statuses(SPEC)}

    def error(self, number: int) -> str:
        spec = model_pb2.ModelSpec(name="ganimation", version={"value": number})
        (status,) = self.model.statuses(spec)
        assert (status.state, status.status.error_code) == (status.END, 2)
        return status.status.error_message


def edit_request(value: int = 100):
    request = predict_pb2.PredictRequest(model_spec=SPEC)
    inputs = {
        "image_bytes": np.array([serving_model.face(value)], object),
        "action_units": np.zeros((1, 3), np.float32),
    }
    for alias, array in inputs.items():
        request.inputs[alias].MergeFromString(to_tensor(array).SerializeToString())
    return request


def test_a_new_version_takes_over_and_the_old_one_ends(models, saved):
    watched = Watched(models)
    old = weakref.ref(watched.model.find(SPEC))
    shutil.copytree(saved, models / "2")
    assert watched.poll() == [2]
    gc.collect()
    assert old() is None
    assert watched.states() == {2: "AVAILABLE", 1: "END"}


def test_an_old_version_is_unloading_while_a_request_holds_it(models, saved):
    watched = Watched(models)
    held = watched.model.find(SPEC)
    shutil.copytree(saved, models / "2")
    watched.poll()
    assert watched.states() == {2: "AVAILABLE", 1: "UNLOADING"}
    inputs = {"request": np.array([b"a"], object)}
    assert held.functions["describe"](inputs)["model_card"].shape == (1,)
    del held
    gc.collect()
    assert watched.states()[1] == "END"


def test_only_the_highest_of_several_new_versions_is_loaded(models, saved):
    watched = Watched(models)
    for number in (2, 10):
        shutil.copytree(saved, models / str(number))
    assert watched.poll() == [10]
    assert watched.states() == {10: "AVAILABLE", 1: "END"}


def test_a_directory_that_still_grows_is_left_alone(models, saved):
    watched = Watched(models)
    target = models / "2"
    (target / "variables").mkdir(parents=True)
    assert watched.poll() == [1]
    shutil.copy(saved / "saved_model.pb", target)
    assert watched.poll(1) == [1]
    for path in sorted((saved / "variables").iterdir()):
        shutil.copy(path, target / "variables")
        assert watched.poll(1) == [1]
    assert watched.states() == {1: "AVAILABLE"}  # never touched: nothing has failed
    assert watched.poll(1) == [2]


def test_a_broken_version_is_reported_and_the_old_one_serves(models, saved):
    watched = Watched(models)
    shutil.copytree(saved, models / "2")
    (models / "2" / "saved_model.pb").write_bytes(b"damaged")
    assert watched.poll(4) == [1]
    assert watched.states() == {2: "END", 1: "AVAILABLE"}
    assert watched.error(2).startswith(f"{models}/2: cannot be loaded as a SavedModel: ")
    shutil.copy(saved / "saved_model.pb", models / "2")  # put right: tried again
    assert watched.poll() == [2]
    assert watched.states() == {2: "AVAILABLE", 1: "END"}


def test_the_highest_version_that_works_is_served_first(models, saved):
    shutil.copytree(saved, models / "2")
    (models / "2" / "saved_model.pb").write_bytes(b"damaged")
    watched = Watched(models)
    assert watched.states() == {2: "END", 1: "AVAILABLE"}
    shutil.rmtree(models / "1")
    with pytest.raises(UserError, match="2: cannot be loaded as a SavedModel"):
        Watched(models)


def test_a_deleted_version_makes_room_for_the_one_below(models, saved):
    shutil.copytree(saved, models / "2")
    watched = Watched(models)
    assert watched.model.versions == [2]
    shutil.rmtree(models / "2")
    assert watched.poll() == [1]
    shutil.rmtree(models / "1")
    assert watched.poll() == []
    shutil.copytree(saved, models / "3")
    assert watched.poll() == [3]


def test_a_lower_version_that_came_later_takes_over_without_a_gap(models, saved):
    (models / "1").rename(models / "2")
    watched = Watched(models)
    shutil.copytree(saved, models / "1")
    shutil.rmtree(models / "2")
    assert watched.poll(1) == [2]  # 1 has been seen once only
    assert watched.poll(1) == [1]


def test_a_lower_version_that_is_broken_does_not_hold_a_deleted_one(models, saved):
    shutil.copytree(saved, models / "2")
    watched = Watched(models)
    (models / "1" / "saved_model.pb").write_bytes(b"damaged")
    shutil.rmtree(models / "2")
    assert watched.poll(1) == [2]
    assert watched.poll(1) == []
    assert watched.error(1).startswith(f"{models}/1: cannot be loaded as a SavedModel: ")


def test_health_says_whether_a_version_is_served(models, saved):
    with (
        serving_model.running(models, poll_seconds=0) as one,
        grpc.insecure_channel(one.address) as channel,
    ):
        stub, ask = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckRequest()
        watch = stub.Watch(ask)
        loaded = one.versions.find(SPEC)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        for published, expected in (((), "NOT_SERVING"), ((loaded,), "SERVING")):
            one.versions.publish(*published)
            status = health_pb2.HealthCheckResponse.ServingStatus.Value(expected)
            assert next(watch).status == stub.Check(ask, timeout=20).status == status
            assert one.metric('ganimation_model_version{model_name="ganimation"}') == len(published)


def test_the_containers_health_check_fails_without_a_version(models, capsys):
    text = pathlib.Path("deploy/server.Dockerfile").read_text()
    (words,) = (
        json.loads(line.split("CMD ")[1]) for line in text.splitlines() if '"query"' in line
    )
    assert words[0] == "ganimation"
    with serving_model.running(models, poll_seconds=0) as one:
        command = [one.address if word == "127.0.0.1:8500" else word for word in words[1:]]
        assert one.address in command
        assert cli.main(command) == 0
        one.versions.publish()
        assert cli.main(command) == 2
    assert "serves no version now" in capsys.readouterr().err


def test_a_copy_under_way_when_the_server_starts(models, monkeypatch):
    looks = iter(range(10))
    monkeypatch.setattr(watcher, "_look", lambda *_: frozenset({("a", next(looks), 0)}))
    with pytest.raises(UserError, match="version 1 is still being written"):
        Watched(models)


def test_a_version_that_changes_while_it_is_loaded_is_loaded_again(models, saved, monkeypatch):
    watched, warmed = Watched(models), []

    def copied_on(version, path):
        if not warmed:
            (path / "late").touch()
        warmed.append(version.number)
        return 0

    monkeypatch.setattr(watcher, "warm_up", copied_on)
    shutil.copytree(saved, models / "2")
    assert watched.poll(2) == [1]
    assert watched.error(2) == f"{models}/2: its files changed while it was loaded"
    assert watched.poll(2) == [2]
    assert warmed == [2, 2]


def test_whatever_a_load_raises_it_is_reported_and_not_tried_again(models, saved, monkeypatch):
    watched, tried = Watched(models), []

    def strange(number, path):
        tried.append(number)
        raise ValueError("a type that nobody knows")

    monkeypatch.setattr(watcher, "load_version", strange)
    shutil.copytree(saved, models / "2")
    assert watched.poll(4) == [1]
    assert tried == [2]
    assert watched.error(2) == f"{models}/2: ValueError: a type that nobody knows"


def test_links_in_a_circle_and_names_that_are_no_text(models, saved):
    watched = Watched(models)
    for number in (2, 3):
        shutil.copytree(saved, models / str(number))
    (models / "2" / "circle").symlink_to("circle")
    os.symlink(b"/etc", os.fsencode(models / "3") + b"/\xff")
    shutil.copytree(saved, models / "4")
    (models / "4" / "up").symlink_to("..")  # leads through all versions, and to itself
    assert watched.poll(4) == [1]
    assert "cannot be read" in watched.error(2)
    assert "3/?: a link that leaves the model directory is not followed" in watched.error(3)
    assert watched.error(4)  # for one reason or the other
    shutil.rmtree(models / "2")
    shutil.rmtree(models / "3")
    assert watched.poll() == [4]


def test_a_directory_that_vanishes_as_a_whole_changes_nothing_and_is_told_once(models, caplog):
    watched = Watched(models)
    away = models.with_name("away")
    with caplog.at_level("WARNING", logger="serving"):
        models.rename(away)
        assert watched.poll(3) == [1]
        away.rename(models)
        assert watched.poll(3) == [1]
    expected = [f"{models}: no such model directory", f"{models} can be read again"]
    assert [record.getMessage() for record in caplog.records] == expected
    assert not any(record.exc_info for record in caplog.records)


def test_a_directory_that_is_empty_for_one_look_changes_nothing(models):
    watched = Watched(models)
    loaded = watched.model.find(SPEC)
    (models / "1").rename(models.with_name("away"))
    for _ in range(2):  # one look each, with one between them that finds it
        assert watched.poll(1) == [1]
        models.with_name("away").rename(models / "1")
        assert watched.poll(1) == [1]
        (models / "1").rename(models.with_name("away"))
    assert watched.model.find(SPEC) is loaded
    assert watched.poll(2) == []


@pytest.mark.parametrize("inner", [False, True])
def test_links_that_leave_the_model_directory_are_refused(models, saved, inner):
    watched = Watched(models)
    if inner:
        shutil.copytree(saved, models / "2", ignore=lambda *_: ["variables"])
        (models / "2" / "variables").symlink_to(saved / "variables")
    else:
        (models / "2").symlink_to(saved)
    assert watched.poll(4) == [1]
    assert "a link that leaves the model directory is not followed" in watched.error(2)


def test_links_inside_the_model_directory_are_followed(models, saved):
    shutil.copytree(saved, models / "data")
    (models / "2").symlink_to("data")
    assert Watched(models).model.versions == [2]


def test_a_linked_directory_that_still_grows_is_left_alone(models, saved):
    watched = Watched(models)
    (models / "data").mkdir()
    shutil.copytree(saved, models / "2", ignore=lambda *_: ["variables"])
    (models / "2" / "variables").symlink_to("../data")
    for path in sorted((saved / "variables").iterdir()):
        shutil.copy(path, models / "data")
        assert watched.poll(1) == [1]
    assert watched.poll(1) == [2]


def test_a_variable_without_a_value_is_found_when_the_version_is_loaded(tmp_path):
    class Adding(tf.Module):
        def __init__(self):
            super().__init__()
            self.kept = tf.Variable(1.0)
            self.other = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, name="x")])
        def add(self, x):
            return {"y": x + self.kept}

    module = Adding()
    path = tmp_path / "1"
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.add})
    version = load_version(1, path)
    inputs = {"x": np.array([1.0], np.float32)}
    assert version.functions["serving_default"](inputs)["y"].tolist() == [2.0]
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].ClearField("saver_def")  # nothing restores now
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())
    with pytest.raises(UserError, match="its checkpoint has no value for 2 variables, "):
        load_version(1, path)


def test_names_that_are_no_version(tmp_path, saved):
    for name in ("0", "7", "-3", "٣", "1.0", "9" * 30, "0" * 10 + "9" * 20, ".8.partial", "007"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    assert list(find_versions(tmp_path)) == [7, 0]


def test_warm_up_requests_are_run(models):
    loaded, calls = load_version(1, models / "1"), []

    def recorded(inputs):
        calls.append(len(inputs["image_bytes"]))
        return loaded.functions["serving_default"](inputs)

    version = LoadedVersion(1, loaded.signature_defs, {"serving_default": recorded})
    serving_model.save_warm_up(models / "1", edit_request(), edit_request())
    assert warmup.warm_up(version, models / "1") == 2
    assert calls == [1, 1]
    shutil.rmtree(models / "1" / "assets.extra")
    assert warmup.warm_up(version, models / "1") == 0


def test_a_version_whose_warm_up_fails_is_not_served(models, saved):
    watched = Watched(models)
    shutil.copytree(saved, models / "2")
    wrong = edit_request()
    wrong.inputs["image_bytes"].string_val[0] = b"no picture"
    serving_model.save_warm_up(models / "2", edit_request(), wrong)
    assert watched.poll(4) == [1]
    assert "request 2: image_bytes row 0: not a picture" in watched.error(2)


def test_too_many_warm_up_requests(models, monkeypatch):
    monkeypatch.setattr(warmup, "MAX_REQUESTS", 2)
    serving_model.save_warm_up(models / "1", *[edit_request()] * 3)
    with pytest.raises(UserError, match="more than 2 warm-up requests"):
        warmup.warm_up(load_version(1, models / "1"), models / "1")


@pytest.mark.parametrize("content", [b"cut", b""])
def test_a_damaged_file_of_warm_up_requests(models, content):
    serving_model.save_warm_up(models / "1", edit_request())
    path = models / "1" / warmup.REQUESTS
    path.write_bytes(path.read_bytes()[:20] + content)
    with pytest.raises(UserError, match="request 0: "):
        warmup.warm_up(load_version(1, models / "1"), models / "1")


def test_swaps_under_load_fail_no_request(models, saved):
    """Requests from four threads while three versions come in, the old ones deleted."""
    answered, failed, stop = [], [], threading.Event()
    with serving_model.running(models, poll_seconds=0.05) as server:

        def load():
            with grpc.insecure_channel(server.address) as channel:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
                while not stop.is_set():
                    try:
                        answer = stub.Predict(edit_request(), timeout=20)
                        answered.append(answer.model_spec.version.value)
                    except grpc.RpcError as error:
                        failed.append(error)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in (2, 3, 4):
            shutil.copytree(saved, models / str(number))
            until = time.monotonic() + 20
            while number not in answered:
                assert time.monotonic() < until and not failed
                time.sleep(0.01)
            shutil.rmtree(models / str(number - 1))
        stop.set()
        for thread in threads:
            thread.join()
        with grpc.insecure_channel(server.address) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            request = get_model_status_pb2.GetModelStatusRequest(model_spec=SPEC)
            statuses = stub.GetModelStatus(request, timeout=10).model_version_status
    assert not failed and set(answered) == {1, 2, 3, 4}
    actual = {status.version: STATES[status.state] for status in statuses}
    assert actual.pop(4) == "AVAILABLE" and set(actual.values()) <= {"END", "UNLOADING"}


def test_a_pinned_client_never_gets_answers_of_another_version(models, saved):
    with (
        serving_model.running(models, poll_seconds=0.05) as server,
        GanimationClient(server.address, timeout=20) as client,
    ):
        pinned = client.pinned()
        assert pinned.describe() == client.describe()
        shutil.copytree(saved, models / "2")
        until = time.monotonic() + 60
        while client.status().get(2) != "AVAILABLE":
            assert time.monotonic() < until
            time.sleep(0.02)
        client.describe()
        with pytest.raises(ServerError, match="NOT_FOUND"):
            pinned.describe()
    with pytest.raises(ServiceError, match="serves no version now, got {1: 'END'}"):
        calls.served({1: "END"}, "host:1")


def test_serve_refuses_a_model_directory_of_links(tmp_path, saved, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "1").symlink_to(saved)
    command = ["serve", "--model-dir", str(tmp_path / "models"), "--port", "0"]
    assert cli.main(command) == 2
    assert "a link that leaves the model directory" in capsys.readouterr().err


def test_the_end_of_an_old_object_says_nothing_of_its_number_come_again():
    model = ModelVersions("ganimation")
    model.publish(LoadedVersion(1, {}, {}))
    held = model.find(SPEC)
    model.publish(LoadedVersion(2, {}, {}))
    model.publish(LoadedVersion(1, {}, {}))
    del held
    gc.collect()
    states = {status.version: STATES[status.state] for status in model.statuses(SPEC)}
    assert states == {1: "AVAILABLE", 2: "END"}


def test_a_version_may_be_freed_in_the_middle_of_anything():
    """The garbage collector runs where it likes, also while its own thread holds the lock."""
    model = ModelVersions("ganimation")
    model.publish(LoadedVersion(1, {}, {}))
    held = model.find(SPEC)
    model.publish(LoadedVersion(2, {}, {}))
    with model._lock:
        del held
        gc.collect()
    (state,) = (status.state for status in model.statuses(SPEC) if status.version == 1)
    assert STATES[state] == "END"


def test_forgotten_are_the_oldest_that_have_ended(monkeypatch):
    monkeypatch.setattr("serving.server.models.REMEMBERED_VERSIONS", 3)
    model = ModelVersions("ganimation")
    for number in range(1, 6):
        model.publish(LoadedVersion(number, {}, {}))
        gc.collect()
    assert [status.version for status in model.statuses(SPEC)] == [5, 4, 3]
