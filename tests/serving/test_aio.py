"""The asyncio twin against the embedded server: the same methods, the same answers."""

import asyncio
import inspect

import numpy as np
import pytest

from serving.client.aio import AsyncGanimationClient
from serving.client.sync import GanimationClient, ServerError
from serving_model import SIZE, face

UNITS = np.array([[0.5, 0, 0]], np.float32)
CALLS = {
    "edit": ([face(55)], UNITS),
    "estimate": ([face(102)],),
    "render": (np.full((1, SIZE, SIZE, 3), 0.5), UNITS),
    "describe": (),
    "status": (),
    "metadata": (),
    "predict": ("describe", {"request": np.array([b""], object)}),
}


def public(kind) -> dict:
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in vars(kind).items()
        if name == "__init__" or not name.startswith("_")
    }


def test_both_clients_have_the_same_methods():
    assert public(AsyncGanimationClient) == public(GanimationClient)
    others = {"__init__", "close", "edit_stream", "pinned"}
    assert set(public(GanimationClient)) == others | set(CALLS)


@pytest.mark.parametrize("name", list(CALLS))
def test_both_clients_give_the_same_answer(served_model, name):
    async def ask():
        async with AsyncGanimationClient(served_model.address, timeout=20) as client:
            return await getattr(client, name)(*CALLS[name])

    with GanimationClient(served_model.address, timeout=20) as client:
        expected = getattr(client, name)(*CALLS[name])
    answers = asyncio.run(ask())
    assert type(answers) is type(expected)
    np.testing.assert_equal(answers, expected)


def test_many_at_a_time_each_get_their_own(served_model):
    async def ask():
        async with AsyncGanimationClient(served_model.address, timeout=20) as client:
            values = range(0, 250, 10)
            asked = (client.estimate([face(value)]) for value in values)
            return list(values), [row[0, 0] for row in await asyncio.gather(*asked)]

    values, answers = asyncio.run(ask())
    np.testing.assert_allclose(answers, np.array(values) / 255, atol=1e-5)  # a float32 mean


def test_a_refusal(served_model):
    async def ask():
        async with AsyncGanimationClient(served_model.address, timeout=20) as client:
            await client.edit([face()], np.zeros((1, 5)))

    with pytest.raises(ServerError, match="INVALID_ARGUMENT: action_units must be float32"):
        asyncio.run(ask())


def test_a_pinned_client_is_for_the_version_that_is_served(served_model):
    (number,) = served_model.versions.versions

    async def ask():
        async with AsyncGanimationClient(served_model.address, timeout=20) as client:
            return await (await client.pinned()).estimate([face(102)])

    np.testing.assert_allclose(asyncio.run(ask())[0, 0], 0.4, atol=1e-6)
    with GanimationClient(served_model.address, timeout=20) as client:
        assert client.pinned().status() == {number: "AVAILABLE"}
