"""Batches, alone and over the wire; the order of events is forced, not slept for."""

import gc
import math
import pathlib
import threading
import time
import weakref
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf

import serving
import serving_model
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from serving.client.sync import GanimationClient, ServerError
from serving.server.batching import Batcher
from serving.server.batching_config import read_parameters
from serving.server.config import BatchingParameters
from serving.server.models import LoadedVersion
from serving.server.status import StatusError
from serving.server.task import Task, cancelled
from serving_model import face

FOREVER = math.inf


class Observed:
    """Counts what a batcher says."""

    def __init__(self):
        self.batches, self.waiting = [], []

    def queued(self, rows):
        self.waiting.append(rows)

    def batch(self, rows, padded, seconds):
        self.batches.append((rows, padded))


class Doubling:
    """A signature that doubles, and refuses a batch with a negative number in it.

    The first call waits for `go_on`, so that others gather behind it.
    """

    def __init__(self):
        self.calls: list[list[float]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, inputs):
        self.calls.append(inputs["x"].tolist())
        self.begun.set()
        assert self.go_on.wait(20)
        if (inputs["x"] < 0).any():
            raise tf.errors.InvalidArgumentError(None, None, "x must not be negative")
        return {"y": 2 * inputs["x"]}


class Harness:
    """A batcher on `Doubling`, and requests to it in threads of their own."""

    def __init__(self, **parameters):
        self.observed, self.double = Observed(), Doubling()
        self.version = LoadedVersion(1, {}, {"double": self.double})
        self.batcher = Batcher(BatchingParameters(**parameters), self.observed)
        self.batcher.start()

    def ask(self, *values, deadline=FOREVER, on_cancel=lambda cancel: None):
        inputs = {"x": np.array(values, np.float32)}
        return self.batcher.run(self.version, "double", inputs, len(values), deadline, on_cancel)[
            "y"
        ].tolist()

    def send(self, *values, **options):
        """The request in a thread, once it is queued; a list that will hold its answer."""
        answer = []

        def call():
            try:
                answer.append(self.ask(*values, **options))
            except StatusError as error:
                answer.append((error.code, error.message))

        before = len(self.observed.waiting)
        thread = threading.Thread(target=call)
        thread.start()
        while len(self.observed.waiting) == before and thread.is_alive():
            time.sleep(0.001)
        return answer, thread

    def block(self):
        """A request that runs until `go_on`."""
        sent = self.send(0.0)
        assert self.double.begun.wait(20)
        return sent

    def release(self, *sent):
        """Lets all run; the answers."""
        self.double.go_on.set()
        for _, thread in sent:
            thread.join(20)
            assert not thread.is_alive()
        return [answer[0] for answer, _ in sent]


@pytest.fixture
def harness():
    made = []

    def make(**parameters):
        made.append(Harness(**parameters))
        return made[-1]

    yield make
    for each in made:
        each.double.go_on.set()
        each.batcher.stop()


def test_a_task_that_is_done_stays_as_it_is():
    task = Task({}, 1, FOREVER)
    task.finish({"y": 1})
    task.fail(cancelled())
    task.finish({"y": 2})
    assert (task.outputs, task.error) == ({"y": 1}, None)


def test_a_lone_request_does_not_wait(harness):
    assert BatchingParameters().batch_timeout_micros == 0
    running = harness()
    running.double.go_on.set()
    assert running.ask(1.0, 2.0) == [2.0, 4.0]
    assert running.observed.batches == [(2, 2)]


def test_what_gathers_while_a_batch_runs_makes_the_next_one(harness):
    running = harness(max_batch_size=4)
    first = running.block()
    sent = [running.send(1.0), running.send(2.0, 3.0), running.send(4.0, 5.0)]
    assert running.release(first, *sent) == [[0.0], [2.0], [4.0, 6.0], [8.0, 10.0]]
    assert running.double.calls == [[0.0], [1.0, 2.0, 3.0], [4.0, 5.0]]  # 5 rows are more than 4


def test_a_timeout_gathers_requests_and_a_full_batch_does_not_wait_for_it(harness):
    running = harness(max_batch_size=2, batch_timeout_micros=10**9)
    running.double.go_on.set()
    first = running.send(1.0)
    assert not running.double.begun.wait(0.1)
    assert running.release(first, running.send(2.0)) == [[2.0], [4.0]]
    assert running.double.calls == [[1.0, 2.0]]


def test_a_timeout_ends(harness):
    running = harness(batch_timeout_micros=50_000)
    running.double.go_on.set()
    started = time.monotonic()
    assert running.ask(1.0) == [2.0]
    assert time.monotonic() - started >= 0.05


def test_padding_repeats_a_row_and_stays_inside(harness):
    running = harness(max_batch_size=4, allowed_batch_sizes=(2, 4))
    first = running.block()
    sent = [running.send(5.0), running.send(6.0, 7.0)]
    assert running.release(first, *sent) == [[0.0], [10.0], [12.0, 14.0]]
    assert running.double.calls == [[0.0, 0.0], [5.0, 6.0, 7.0, 7.0]]
    assert running.observed.batches == [(1, 2), (3, 4)]


def test_a_large_request_runs_in_parts_and_the_others_are_not_held_to_it(harness):
    running = harness(max_execution_batch_size=2)
    first = running.block()
    sent = [running.send(1.0, 2.0, 3.0, 4.0, 5.0), running.send(6.0), running.send(7.0)]
    answers = running.release(first, *sent)
    assert answers == [[0.0], [2.0, 4.0, 6.0, 8.0, 10.0], [12.0], [14.0]]
    assert running.double.calls == [[0.0], [1.0, 2.0], [3.0, 4.0], [5.0], [6.0, 7.0]]
    assert running.observed.batches == [(1, 1), (2, 2), (2, 2), (1, 1), (2, 2)]


def test_parts_that_nobody_waits_for_are_not_run(harness):
    running, cancels = harness(max_execution_batch_size=2), []
    gone = running.send(1.0, 2.0, 3.0, 4.0, on_cancel=cancels.append)
    assert running.double.begun.wait(20)
    cancels[0]()
    gone[1].join(20)
    assert running.release(running.send(5.0)) == [[10.0]]
    assert gone[0][0][0] == grpc.StatusCode.CANCELLED
    assert running.double.calls == [[1.0, 2.0], [5.0]]


def test_parts_are_padded(harness):
    running = harness(max_execution_batch_size=4, allowed_batch_sizes=(2, 4))
    running.double.go_on.set()
    assert running.ask(1.0, 2.0, 3.0, 4.0, 5.0) == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert running.observed.batches == [(4, 4), (1, 2)]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ((64, 0, 2, 1, 8, (4,)), "max_execution_batch_size"),
        ((2, 0, 2, 1, 8, (4,)), "max_batch_size"),
    ],
)
def test_the_last_allowed_size_is_what_runs_together(parameters, name):
    with pytest.raises(
        UserError, match=rf"allowed_batch_sizes must end with {name}, \d, got \(4,\)"
    ):
        BatchingParameters(*parameters)


def test_no_rows_are_a_batch_too(harness):
    running = harness(max_batch_size=4, allowed_batch_sizes=(2, 4))
    first = running.block()
    assert running.release(first, running.send(), running.send(1.0)) == [[0.0], [], [2.0]]


def test_one_bad_request_fails_alone(harness):
    running = harness()
    first = running.block()
    sent = [running.send(1.0), running.send(-1.0), running.send(2.0)]
    refused = (grpc.StatusCode.INVALID_ARGUMENT, "x must not be negative")
    assert running.release(first, *sent) == [[0.0], [2.0], refused, [4.0]]


def test_a_full_queue_refuses_at_once(harness):
    running = harness(max_batch_size=2, max_enqueued_batches=2)
    first = running.block()
    sent = [running.send(1.0, 2.0), running.send(3.0)]
    started = time.monotonic()
    with pytest.raises(StatusError, match="submitted is full") as caught:
        running.ask(4.0, 5.0)  # 3 wait, 4 may
    assert time.monotonic() - started < 10  # what waits in the queue waits for good
    assert caught.value.code == grpc.StatusCode.UNAVAILABLE
    assert running.release(first, *sent) == [[0.0], [2.0, 4.0], [6.0]]


def test_a_request_past_its_deadline_leaves_and_is_not_run(harness):
    running = harness()
    first = running.block()
    late = running.send(1.0, deadline=time.monotonic() + 0.05)
    late[1].join(20)
    code, _ = late[0][0]
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert running.observed.waiting[-1] == 0
    assert running.release(first) == [[0.0]] and running.double.calls == [[0.0]]


def test_a_cancelled_request_leaves_the_queue_and_makes_room(harness):
    running, cancels = harness(max_batch_size=1, max_enqueued_batches=1), []
    first = running.block()
    gone = running.send(1.0, on_cancel=cancels.append)
    while not cancels:
        time.sleep(0.001)
    cancels[0]()
    gone[1].join(20)
    assert gone[0][0][0] == grpc.StatusCode.CANCELLED
    assert running.release(first, running.send(2.0)) == [[0.0], [4.0]]
    assert running.double.calls == [[0.0], [2.0]]


def test_a_bug_reaches_its_caller_and_the_thread_goes_on(harness):
    running = harness()
    running.double.go_on.set()
    with pytest.raises(KeyError, match="nothing"):
        running.batcher.run(running.version, "nothing", {}, 1, FOREVER)
    assert running.ask(1.0) == [2.0]


def test_a_signature_that_does_not_keep_the_rows(harness):
    running = harness()
    version = LoadedVersion(1, {}, {"sum": lambda inputs: {"y": np.zeros(1)}})
    with pytest.raises(StatusError, match="0th dimension does not equal"):
        running.batcher.run(version, "sum", {"x": np.zeros(2)}, 2, FOREVER)


def test_an_idle_batcher_does_not_keep_a_version(harness):
    running = harness()
    running.double.go_on.set()
    running.ask(1.0)
    version = weakref.ref(running.version)
    running.version = None
    gc.collect()
    assert version() is None


def units(rows, first=0.0):
    return np.full((rows, len(serving_model.ACTION_UNITS)), first, np.float32)


def test_requests_of_several_clients_run_together_and_a_broken_one_fails_alone(model_dir):
    broken = face()[:60]
    with serving_model.paused(model_dir) as server, GanimationClient(server.address) as client:
        with futures.ThreadPoolExecutor(5) as pool:
            first = pool.submit(client.edit, [face(0)], units(1))
            assert server.begun.wait(20)
            good = [pool.submit(client.edit, [face(55)], units(1, 0.5)) for _ in range(3)]
            bad = pool.submit(client.edit, [broken], units(1))
            while server.metric("ganimation_queued_rows") < 4:
                time.sleep(0.005)
            server.go_on.set()
            assert [images.decode(call.result()[0])[0, 0, 0] for call in good] == [155] * 3
            assert images.decode(first.result()[0])[0, 0, 0] == 0
            with pytest.raises(ServerError, match="INVALID_ARGUMENT: Invalid PNG data"):
                bad.result()
    assert server.sizes[:2] == [1, 4]


CONFIG = """
max_batch_size { value: 16 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 32 }
thread_pool_name { value: "pool" }
pad_variable_length_inputs: true
allowed_batch_sizes: 4  # then padded
allowed_batch_sizes: 16
"""


def test_parameters_are_read_as_tensorflow_serving_writes_them(tmp_path):
    path = tmp_path / "batching.config"
    path.write_text(CONFIG)
    assert read_parameters(path) == BatchingParameters(16, 5000, 32, 2, 16, (4, 16))
    path.write_text("")
    assert read_parameters(path) == BatchingParameters(max_execution_batch_size=64)


def test_the_deployment_file_is_one():
    path = pathlib.Path(serving.__file__).parent / "deploy" / "batching.config"
    assert read_parameters(path).max_batch_size == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch: 3", "not a text of BatchingParameters"),
        ("num_batch_threads { value: 257 }", r"num_batch_threads must be in \[1, 256\], got 257"),
        ("batch_timeout_micros { value: 3600000001 }", r"must be in \[0, 3600000000\], got 36"),
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, got 0"),
        ("allowed_batch_sizes: 4", "allowed_batch_sizes must end with max_batch_size"),
        ("allowed_batch_sizes: 64 allowed_batch_sizes: 4", "must be positive and increasing"),
    ],
)
def test_wrong_parameters_name_the_file_and_the_rule(tmp_path, text, message):
    path = tmp_path / "batching.config"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_parameters(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(("rows", "padded"), [(0, 0), (1, 2), (2, 2), (3, 8), (8, 8)])
def test_padded_size(rows, padded):
    assert BatchingParameters(8, 0, 2, 1, 8, (2, 8)).padded_size(rows) == padded
