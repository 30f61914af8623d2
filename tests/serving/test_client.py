"""The client against the embedded server, over a real socket."""

import grpc
import numpy as np
import pytest

from ganimation_tf.errors import UserError
from ganimation_tf.faces import images
from serving.client.sync import GanimationClient, ServerError
from serving_model import ACTION_UNITS, SIZE, face


@pytest.fixture(scope="module")
def client(served_model):
    with GanimationClient(served_model.address, timeout=20) as one:
        yield one


def test_edit(client):
    units = np.zeros((2, 3))
    units[1, 0] = 0.5
    edited = client.edit([face(55), face(55)], units)
    assert [images.decode(png)[0, 0, 0] for png in edited] == [55, 155]


def test_estimate(client):
    red = images.encode_png(np.full((SIZE, SIZE, 3), (255, 51, 0), np.uint8))
    units = client.estimate([red, face(102)])
    assert units.dtype == np.float32
    np.testing.assert_allclose(units, [[1.0, 0.2, 0.0], [0.4, 0.4, 0.4]], atol=1e-6)


def test_render(client):
    image = np.full((1, SIZE, SIZE, 3), 0.5)
    outputs = client.render(image, [[0.5, 0, 0]])
    assert {name: array.shape[-1] for name, array in outputs.items()} == {
        "image": 3,
        "attention": 1,
        "color": 3,
    }
    assert (outputs["image"] == 0.75).all() and (outputs["attention"] == 0.5).all()


def test_describe_status_and_metadata(client):
    card = client.describe()
    assert (card.action_units, card.crop.size, card.version) == (ACTION_UNITS, SIZE, 2)
    assert client.status() == {2: "AVAILABLE"}
    metadata = client.metadata()
    assert metadata["serving_default"]["inputs"] == {
        "image_bytes": ("string", (-1,)),
        "action_units": ("float32", (-1, 3)),
    }
    assert metadata["render"]["outputs"]["attention"] == ("float32", (-1, SIZE, SIZE, 1))


def test_no_rows_give_no_rows(client):
    assert client.edit([], np.zeros((0, 3))) == []


def test_a_refusal_names_server_code_and_message(client, served_model):
    with pytest.raises(ServerError) as caught:
        client.edit([face()], np.zeros((1, 5)))
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert str(caught.value) == (
        f"server {served_model.address}: INVALID_ARGUMENT: "
        "action_units must be float32 (?, 3), got float32 (1, 5)"
    )
    assert not isinstance(caught.value, ValueError)  # no argument was wrong


@pytest.mark.parametrize("call", ["describe", "status", "metadata"])
def test_unknown_model(served_model, call):
    with GanimationClient(served_model.address, "resnet") as other:
        with pytest.raises(ServerError, match="NOT_FOUND: .*resnet"):
            getattr(other, call)()


def test_no_server():
    with GanimationClient("127.0.0.1:1", timeout=5) as nobody:
        with pytest.raises(ServerError, match="server 127.0.0.1:1: UNAVAILABLE: "):
            nobody.status()


@pytest.mark.parametrize("target", ["", "localhost", "http://localhost:8500", "a b:1", ":8500"])
def test_targets_that_are_no_address(target):
    with pytest.raises(UserError, match="a server is given as HOST:PORT"):
        GanimationClient(target)


def test_address_of_ipv6():
    with GanimationClient("[::1]:1", timeout=0.5) as nobody:
        with pytest.raises(ServerError) as caught:
            nobody.status()
    assert caught.value.target == "[::1]:1"
    assert caught.value.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
