"""TLS on both ports, with certificates made on the spot."""

import http.client
import json
import os
import ssl
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import certificates
import drawn_pairs
import serving_model
from ganimation_tf import cli
from ganimation_tf.errors import UserError
from ganimation_tf.faces.alignment import CropSpec
from serving.server.tls import ServerTls


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A directory with an authority, certificates that it signed, and a stranger's own."""
    path = tmp_path_factory.mktemp("pki")
    authority = certificates.authority(path, "ca")
    certificates.authority(path, "stranger")
    for name in ("server", "client"):
        certificates.signed(path, authority, name)
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["server", "mutual"])
def secure(request, pki, model_dir):
    """A server with TLS; with `mutual` it asks for the client's certificate."""
    client_ca = pki / "ca.pem" if request.param else None
    tls = ServerTls(pki / "server.key", pki / "server.pem", client_ca)
    with serving_model.running(model_dir, tls=tls) as server:
        yield server, request.param


def check_grpc(address, pki, client=None, root="ca"):
    key_pair = (
        [(pki / f"{client}.{kind}").read_bytes() for kind in ("key", "pem")] if client else []
    )
    credentials = grpc.ssl_channel_credentials((pki / f"{root}.pem").read_bytes(), *key_pair)
    with grpc.secure_channel(address, credentials) as channel:
        return health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )


def get(address, pki, client=None, root="ca"):
    context = ssl.create_default_context(cafile=pki / f"{root}.pem")
    if client:
        context.load_cert_chain(pki / f"{client}.pem", pki / f"{client}.key")
    connection = http.client.HTTPSConnection(address, timeout=10, context=context)
    try:
        connection.request("GET", "/v1/models/ganimation")
        return connection.getresponse().status
    finally:
        connection.close()


def test_clients_with_the_right_certificates_are_answered(secure, pki):
    server, mutual = secure
    client = "client" if mutual else None
    assert check_grpc(server.address, pki, client).status == 1
    assert get(server.rest_address, pki, client) == 200


@pytest.mark.parametrize("client", [None, "stranger"])
def test_mutual_tls_refuses_clients_that_the_authority_does_not_know(secure, pki, client):
    server, mutual = secure
    if not mutual:
        assert check_grpc(server.address, pki, client).status == 1  # nobody asked for it
        return
    with pytest.raises(grpc.RpcError) as caught:
        check_grpc(server.address, pki, client)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    with pytest.raises(OSError):
        get(server.rest_address, pki, client)


def test_clients_tell_a_server_that_their_authority_does_not_know(secure, pki):
    server, _ = secure
    with pytest.raises(grpc.RpcError):
        check_grpc(server.address, pki, "client", root="stranger")
    with pytest.raises(ssl.SSLCertVerificationError):
        get(server.rest_address, pki, "client", root="stranger")


def test_plain_text_is_not_answered(secure):
    server, _ = secure
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    connection = http.client.HTTPConnection(server.rest_address, timeout=10)
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/v1/models/ganimation")
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("key", "certificate", "client_ca"),
    [
        ("missing.key", "server.pem", None),
        ("client.key", "server.pem", None),
        ("server.pem", "server.key", None),
        ("server.key", "server.pem", "server.key"),
        ("server.key", "server.pem", "missing.pem"),
    ],
)
def test_wrong_files_stop_the_server_before_it_starts(pki, model_dir, key, certificate, client_ca):
    tls = ServerTls(pki / key, pki / certificate, client_ca and pki / client_ca)
    with pytest.raises(UserError, match="server|missing"):
        with serving_model.running(model_dir, tls=tls):
            pass


def test_evaluate_reaches_a_model_behind_tls(secure, pki, tmp_path):
    """The stand-in moves pixels towards white by the first AU: its edits are judged as such."""
    server, mutual = secure
    crop = CropSpec(serving_model.SIZE)
    drawn = drawn_pairs.draw(3, 2, crop=crop)
    data = tmp_path / "data"
    drawn_pairs.write(data, drawn, drawn)
    flags = ["--tls-root", str(pki / "ca.pem")]
    if mutual:
        flags += [
            "--tls-certificate",
            str(pki / "client.pem"),
            "--tls-key",
            str(pki / "client.key"),
        ]
    command = ["evaluate", server.address, "--data", str(data), "--pixels-only", "--report"]
    assert cli.main([*command, str(tmp_path / "report"), *flags]) == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["facts"]["model"] == server.address
    assert report["metrics"]["attention_mean"] < 1
    assert cli.main([*command, str(tmp_path / "none"), "--timeout", "3"]) == 2  # in the clear
    assert not (tmp_path / "none").exists()


def test_tls_with_a_server_in_the_clear_is_one_line(served_model, pki):
    """A process of its own: gRPC takes its log level when it is first used."""
    flags = ["--tls-root", str(pki / "ca.pem"), "--timeout", "1"]
    words = ["-m", "ganimation_tf", "query", "--status", "--server", served_model.address, *flags]
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ganimation query: server {served_model.address}: ")
