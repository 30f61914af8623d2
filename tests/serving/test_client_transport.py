"""What happens between client and server: sending again, deadlines, TLS, streams; both clients."""

import asyncio
import itertools
import threading
import time

import grpc
import numpy as np
import pytest

import certificates
from ganimation_tf.errors import UserError
from scripted_server import Scripted, running
from serving.client import channel
from serving.client.aio import AsyncGanimationClient
from serving.client.sync import GanimationClient, ServerError, Tls

BUSY = grpc.StatusCode.UNAVAILABLE


def ask(kind: str, method: str, target: str, *arguments, **options):
    """Calls a method of a fresh client of either kind."""
    if kind == "sync":
        with GanimationClient(target, **options) as client:
            return getattr(client, method)(*arguments)

    async def call():
        async with AsyncGanimationClient(target, **options) as client:
            return await getattr(client, method)(*arguments)

    return asyncio.run(call())


def failing(times: int, code=BUSY):
    def behave(number, context):
        if number < times:
            context.abort(code, "busy")

    return behave


@pytest.fixture(params=["sync", "asyncio"])
def kind(request):
    return request.param


def test_unavailable_is_sent_again_after_growing_pauses(kind):
    with running(Scripted(failing(3))) as script:
        assert ask(kind, "status", script.address) == {7: "AVAILABLE"}
    pauses = np.diff(script.times)
    assert len(script.times) == 4
    # 0.2, 0.4 and 0.8 s, each up to a fifth more or less.
    assert (pauses >= [0.15, 0.3, 0.6]).all()


@pytest.mark.parametrize("name", ["http_proxy", "grpc_proxy"])
def test_no_proxy_is_asked_for_what_listens_on_loopback(kind, name, monkeypatch):
    monkeypatch.setenv(name, "http://127.0.0.1:1")  # where nobody listens
    with running(Scripted(failing(0))) as script:
        assert ask(kind, "status", script.address, timeout=5) == {7: "AVAILABLE"}


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        *(("localhost:1", 0), ("127.9.0.1:1", 0), ("[::1]:1", 0)),
        *(("localhost.example:1", 1), ("10.0.0.1:1", 1), ("[::2]:1", 1)),
    ],
)
def test_which_targets_are_loopback(target, asked):
    assert dict(channel.channel_options(target))["grpc.enable_http_proxy"] == asked


def test_a_server_that_stays_unavailable_is_asked_five_times(kind):
    with running(Scripted(failing(99))) as script:
        with pytest.raises(ServerError, match="UNAVAILABLE: busy") as caught:
            ask(kind, "status", script.address)
    assert caught.value.code == BUSY
    assert len(script.times) == channel.ATTEMPTS


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL])
def test_other_refusals_are_final(kind, code):
    with running(Scripted(failing(99, code))) as script:
        with pytest.raises(ServerError, match=f"{code.name}: busy"):
            ask(kind, "status", script.address)
    assert len(script.times) == 1


def test_the_timeout_includes_sending_again(kind):
    with running(Scripted(failing(99))) as script:
        began = time.monotonic()
        with pytest.raises(ServerError):
            ask(kind, "status", script.address, timeout=0.5)
        assert time.monotonic() - began < 2
    assert len(script.times) < channel.ATTEMPTS


def test_the_timeout_ends_a_request_that_takes_too_long(kind):
    done = threading.Event()
    with running(Scripted(lambda *_: done.wait(10))) as script:
        with pytest.raises(ServerError) as caught:
            ask(kind, "status", script.address, timeout=0.3)
        done.set()
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_large_request_is_sent_again_too():
    with running(Scripted(failing(1))) as script, GanimationClient(script.address) as client:
        picture = bytes(2**20)
        assert client.edit([picture], np.zeros((1, 3))) == [picture]
    assert len(script.times) == 2


def test_a_server_that_restarts_is_found_again():
    with running(Scripted()) as script, GanimationClient(script.address) as client:
        client.status()
        address = script.address
    with GanimationClient(address) as client:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(client.status()))
        asking.start()
        time.sleep(0.7)
        with running(Scripted(), address):
            asking.join(20)
        assert answers == [{7: "AVAILABLE"}]


def faces(count: int):
    return [(str(number).encode(), np.zeros(3)) for number in range(count)]


def collect(kind: str, target: str, source, **options) -> list[bytes]:
    if kind == "sync":
        with GanimationClient(target) as client:
            return list(client.edit_stream(source, **options))

    async def gather():
        async with AsyncGanimationClient(target) as client:
            return [picture async for picture in client.edit_stream(source, **options)]

    return asyncio.run(gather())


@pytest.mark.parametrize(("count", "rows"), [(0, 4), (1, 4), (23, 4), (24, 4), (7, 1)])
def test_a_stream_keeps_the_order_and_bounds_what_is_under_way(kind, count, rows):
    rng = np.random.default_rng(0)
    pauses = rng.uniform(0, 0.03, 100)  # later requests often finish first
    with running(Scripted(lambda number, _: time.sleep(pauses[number]))) as script:
        pictures = collect(kind, script.address, faces(count), concurrency=3, rows=rows)
    assert pictures == [image for image, _ in faces(count)]
    assert len(script.times) == -(-count // rows)
    assert script.most_at_once <= 3
    if count > 20:
        assert script.most_at_once > 1


def test_an_endless_source_is_read_only_as_far_as_needed():
    read = []

    def endless():
        for number in itertools.count():
            read.append(number)
            yield str(number).encode(), np.zeros(3)

    with running(Scripted()) as script, GanimationClient(script.address) as client:
        stream = client.edit_stream(endless(), concurrency=2, rows=3)
        assert [next(stream) for _ in range(4)] == [b"0", b"1", b"2", b"3"]
        stream.close()
    assert len(read) <= 4 + 2 * 3


def test_an_asynchronous_source():
    async def source():
        for face in faces(5):
            await asyncio.sleep(0)
            yield face

    with running(Scripted()) as script:
        pictures = collect("asyncio", script.address, source(), concurrency=2, rows=2)
    assert pictures == [b"0", b"1", b"2", b"3", b"4"]


def test_a_refusal_ends_the_stream(kind):
    def behave(number, context):
        if number == 1:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no face")

    with running(Scripted(behave)) as script:
        with pytest.raises(ServerError, match="no face"):
            collect(kind, script.address, faces(100), concurrency=2, rows=1)
    assert len(script.times) <= 4


@pytest.mark.parametrize("option", ["concurrency", "rows"])
def test_a_stream_needs_room(kind, option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        collect(kind, "127.0.0.1:1", faces(1), **{option: 0})


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    root = certificates.authority(directory)
    return {
        "root": root,
        "server": certificates.signed(directory, root, "server"),
        "client": certificates.signed(directory, root, "client"),
        "stranger": certificates.authority(directory, "stranger"),
    }


def credentials(pairs, ask_client: bool = False):
    server, root = pairs["server"], pairs["root"].certificate.read_bytes()
    chain = [(server.key.read_bytes(), server.certificate.read_bytes())]
    return grpc.ssl_server_credentials(chain, root if ask_client else None, ask_client)


def test_tls(kind, pairs):
    with running(Scripted(), credentials=credentials(pairs)) as script:
        tls = Tls(pairs["root"].certificate)
        assert ask(kind, "status", script.address, tls=tls) == {7: "AVAILABLE"}


def test_tls_with_a_client_certificate(kind, pairs):
    with running(Scripted(), credentials=credentials(pairs, ask_client=True)) as script:
        known = Tls(pairs["root"].certificate, pairs["client"].certificate, pairs["client"].key)
        assert ask(kind, "status", script.address, tls=known) == {7: "AVAILABLE"}
        anonymous = Tls(pairs["root"].certificate)
        with pytest.raises(ServerError) as caught:
            ask(kind, "status", script.address, tls=anonymous, timeout=3)
        assert caught.value.code in (BUSY, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert len(script.times) == 1


def test_a_server_that_another_authority_vouches_for_is_not_talked_to(kind, pairs):
    with running(Scripted(), credentials=credentials(pairs)) as script:
        with pytest.raises(ServerError):
            ask(kind, "status", script.address, tls=Tls(pairs["stranger"].certificate), timeout=3)
    assert script.times == []


def test_tls_files_that_do_not_fit():
    with pytest.raises(UserError, match="go together; no key was given"):
        Tls(certificate="client.pem")
    with pytest.raises(UserError, match="go together; no certificate was given"):
        Tls(key="client.key")
    with pytest.raises(UserError, match="none.pem: cannot be read"):
        GanimationClient("127.0.0.1:1", tls=Tls("none.pem"))
