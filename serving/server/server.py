"""A server that speaks TensorFlow Serving's API, for where its image is not at hand.

It answers `PredictionService` Predict and GetModelMetadata and `ModelService` GetModelStatus for
one model, over gRPC and as REST, with the codes and messages of TensorFlow Serving. The other
calls answer UNIMPLEMENTED.

    watcher -> models <- predict <- batching
                            ^
    grpc_api, rest  -->  service  --> metrics
"""

import logging
import socket
import threading

import uvicorn

from serving.server.config import ServerConfig
from serving.server.grpc_api import GrpcServer
from serving.server.inputs_seen import InputsSeen
from serving.server.listening import listen, require_free
from serving.server.metrics import Metrics
from serving.server.models import ModelVersions
from serving.server.rest import RestApplication
from serving.server.service import Service
from serving.server.tls import ServerTls
from serving.server.watcher import Watcher

KEEP_ALIVE_SECONDS = 60
"""How long an idle connection of a REST client stays."""


class Server:
    """The running server of one model.

    Attributes:
        address, rest_address: HOST:PORT of gRPC and REST, the ports as they were chosen;
            `rest_address` is None without REST.
        versions: the served model.
    """

    def __init__(self, config: ServerConfig):
        """Binds the addresses and loads the model; `start` begins to answer.

        Raises:
            UserError: if an address cannot be bound, a certificate cannot be used or no version
                can be loaded.
        """
        if config.tls:
            config.tls.check()
        require_free(config.host, config.port, config.rest_port)  # before the model is loaded
        metrics = Metrics(config.model_name)
        self.versions = ModelVersions(config.model_name)
        self.versions.follow(metrics.serving)
        inputs_seen = InputsSeen() if config.measure_inputs else None
        if inputs_seen:
            metrics.register(inputs_seen)
        self._service = Service(self.versions, config.batching, metrics, inputs_seen)
        self._watcher = Watcher(config.model_dir, self.versions, config.poll_seconds)
        bracketed = f"[{config.host}]" if ":" in config.host else config.host
        self._rest = None
        self.rest_address = None
        self._watcher.load_first()
        if config.rest_port is not None:
            self._rest = _HttpServer(self._service, config.host, config.rest_port, config.tls)
            self.rest_address = f"{bracketed}:{self._rest.port}"
        self._grpc = GrpcServer(
            self._service,
            f"{bracketed}:{config.port}",
            config.tls.grpc_credentials() if config.tls else None,
        )
        self.address = f"{bracketed}:{self._grpc.port}"

    def start(self) -> None:
        """Begins to answer."""
        self._service.start()
        self._watcher.start()
        if self._rest:
            self._rest.start()
        self._grpc.start()

    def stop(self, grace: float) -> None:
        """Takes no new requests, lets the running ones finish for `grace` seconds, returns."""
        self._watcher.stop()
        rest = threading.Thread(target=self._rest.stop if self._rest else int, args=(grace,))
        rest.start()
        self._grpc.stop(grace)
        rest.join()
        self._service.stop()
        self._watcher.join()


class _HttpServer:
    """uvicorn in a thread."""

    def __init__(self, service: Service, host: str, port: int, tls: ServerTls | None):
        self._socket = listen(host, port)
        # Accepted connections inherit it. asyncio sets it only on sockets that name their protocol,
        # and without it an answer waits 40 ms for the client to acknowledge its headers.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                RestApplication(service),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                log_level=logging.ERROR,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                server_header=False,
                **(tls.uvicorn_options() if tls else {}),
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="http", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self, grace: float) -> None:
        self._server.config.timeout_graceful_shutdown = int(grace)
        self._server.should_exit = True
        if self._thread.ident:
            self._thread.join()
        self._socket.close()
