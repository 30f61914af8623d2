"""Answers that are none of a model of ours, and clients that are closed: one kind of error."""

import asyncio
import threading

import grpc
import numpy as np
import pytest

from ganimation_tf.errors import ServiceError
from ganimation_tf.protos import serving_pb2, wire
from scripted_server import Scripted, running
from serving.client import AsyncGanimationClient, GanimationClient, ServerError
from serving_model import face

AUS = np.zeros((1, 3), np.float32)


def call(kind: str, target: str, method: str, *arguments):
    """A method of a fresh client of either kind."""
    if kind == "sync":
        with GanimationClient(target) as client:
            return getattr(client, method)(*arguments)

    async def ask():
        async with AsyncGanimationClient(target) as client:
            return await getattr(client, method)(*arguments)

    return asyncio.run(ask())


@pytest.fixture(params=["sync", "asyncio"])
def kind(request):
    return request.param


def claimed(dtype: int, *shape: int) -> serving_pb2.TensorProto:
    """A tensor without values."""
    tensor = serving_pb2.TensorProto(dtype=dtype)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def texts(*values: bytes) -> serving_pb2.TensorProto:
    return wire.to_tensor(np.array(values, object))


HALF = 19  # DT_HALF in TensorFlow's types.proto


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (claimed(HALF, 1), "a tensor must be one of float32, .*, got 19"),
        (claimed(1, -5), r"must have a size in each dimension, got shape \(-5,\)"),
        (claimed(1, 2**40), r"must have at most 67108864 values, got shape \(1099511627776,\)"),
        (wire.to_tensor(np.zeros(1, np.float32)), r"model_card must be bytes \(1\), got float32"),
        (texts(), r"model_card must be bytes \(1\), got object \(0,\)"),
        (texts(b"\xff"), "'utf-8' codec can't decode byte 0xff"),
        (texts(b"[1]"), "model_card is not a model card: "),
    ],
)
def test_a_card_that_is_none(kind, tensor, text):
    with running(Scripted(outputs={"model_card": tensor})) as script:
        with pytest.raises(ServiceError, match=f"^server {script.address}: .*{text}"):
            call(kind, script.address, "describe")


@pytest.mark.parametrize(
    ("method", "outputs", "text"),
    [
        (
            "edit",
            {"image_bytes": texts(b"a", b"b")},
            r"image_bytes must be bytes \(1\), got object",
        ),
        ("edit", {"image_bytes": wire.to_tensor(AUS)}, "image_bytes must be bytes"),
        ("edit", {}, r"the served model must answer with image_bytes, got \[\]"),
        (
            "estimate",
            {"action_units": texts(b"a")},
            r"action_units must be float \(1, N\), got obj",
        ),
    ],
)
def test_outputs_that_do_not_fit(kind, method, outputs, text):
    arguments = (face(), AUS) if method == "edit" else (face(),)
    with running(Scripted(outputs=outputs)) as script:
        with pytest.raises(ServiceError, match=f"^server {script.address}: .*{text}"):
            call(kind, script.address, method, *arguments)


def test_bytes_that_are_no_message(kind, capfd, monkeypatch):
    broken = lambda self, request_class, answer: grpc.unary_unary_rpc_method_handler(  # noqa: E731
        lambda request, context: b"\xff\xff\xff"
    )
    monkeypatch.setattr(Scripted, "_handler", broken)
    with running(Scripted()) as script:
        with pytest.raises(ServiceError, match=f"^server {script.address}: ") as caught:
            call(kind, script.address, "status")
    assert not isinstance(caught.value, ServerError)
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_is_closed_says_so(kind):
    with running(Scripted()) as script, pytest.raises(ServerError, match="client is closed"):
        if kind == "sync":
            with GanimationClient(script.address) as client:
                pass
            client.status()

        async def closed():
            async with AsyncGanimationClient(script.address) as client:
                pass
            await client.status()

        asyncio.run(closed())


def test_closing_ends_a_call_with_an_error_of_the_client():
    begun, end = threading.Event(), threading.Event()

    def behave(number, context):
        begun.set()
        end.wait(30)

    async def closed_meanwhile(target: str):
        client = AsyncGanimationClient(target)
        call = asyncio.create_task(client.status())
        await asyncio.to_thread(begun.wait, 20)
        await client.close()
        with pytest.raises(ServerError, match="the client is closed") as caught:
            await call
        assert caught.value.code == grpc.StatusCode.CANCELLED

    async def cancelled(target: str):
        begun.clear()
        async with AsyncGanimationClient(target) as client:
            call = asyncio.create_task(client.status())
            await asyncio.to_thread(begun.wait, 20)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    with running(Scripted(behave)) as script:
        try:
            asyncio.run(closed_meanwhile(script.address))
            asyncio.run(cancelled(script.address))
        finally:
            end.set()
