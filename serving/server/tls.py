"""Certificates, for both ports."""

import dataclasses
import pathlib
import ssl
import typing

from ganimation_tf.errors import as_user_error

if typing.TYPE_CHECKING:
    import grpc


@dataclasses.dataclass(frozen=True)
class ServerTls:
    """Files in PEM format.

    Attributes:
        key, certificate: the server's; the certificate may be a chain.
        client_ca: if given, clients must show a certificate that it has signed.
    """

    key: pathlib.Path
    certificate: pathlib.Path
    client_ca: pathlib.Path | None = None

    def check(self) -> None:
        """Reads all files once.

        Raises:
            UserError: if one is missing, is no PEM, or key and certificate do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with as_user_error(f"{self.certificate} and {self.key}", OSError, ValueError):
            # A callback in place of the prompt: the server may run without a terminal.
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        with as_user_error(str(self.client_ca)):
            if self.client_ca:
                context.load_verify_locations(self.client_ca)

    def grpc_credentials(self) -> "grpc.ServerCredentials":
        """For `add_secure_port`."""
        import grpc  # the command line reads this module for its help

        return grpc.ssl_server_credentials(
            [(self.key.read_bytes(), self.certificate.read_bytes())],
            root_certificates=self.client_ca.read_bytes() if self.client_ca else None,
            require_client_auth=self.client_ca is not None,
        )

    def uvicorn_options(self) -> dict:
        """For `uvicorn.Config`."""
        options: dict[str, typing.Any] = {
            "ssl_keyfile": str(self.key),
            "ssl_certfile": str(self.certificate),
        }
        if self.client_ca:
            options |= {"ssl_ca_certs": str(self.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return options
