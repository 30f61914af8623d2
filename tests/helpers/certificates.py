"""Certificates for the tests of TLS, made by the `openssl` command on the spot."""

import dataclasses
import pathlib
import shutil
import subprocess

import pytest


@dataclasses.dataclass(frozen=True)
class Pair:
    """A certificate and its private key, PEM files."""

    certificate: pathlib.Path
    key: pathlib.Path


def _openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def authority(directory: pathlib.Path, name: str = "authority") -> Pair:
    """A certificate that may sign others; the test is skipped where `openssl` is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("the `openssl` command is not installed")
    pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    out = ("-keyout", pair.key, "-out", pair.certificate, "-days", 2)
    _openssl("req", "-x509", *key, *out, "-subj", f"/CN={name}")
    return pair


def signed(directory: pathlib.Path, by: Pair, name: str, addresses: str = "IP:127.0.0.1") -> Pair:
    """A certificate for `addresses`, signed by an authority."""
    pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", *key, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
    extensions.write_text(f"subjectAltName={addresses}\n")
    issuer = ("-CA", by.certificate, "-CAkey", by.key, "-CAcreateserial", "-days", 2)
    files = ("-in", request, "-extfile", extensions, "-out", pair.certificate)
    _openssl("x509", "-req", *issuer, *files)
    return pair
