"""The local runner's workers as Beam is told of them: an environment, and who starts processes."""

import logging

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from apache_beam.transforms import environments
from google.protobuf import json_format, text_format

from pipeline.local.workers import LocalWorkers


def pipeline(options: PipelineOptions, workers: LocalWorkers) -> beam.Pipeline:
    """An empty pipeline whose steps run in these workers."""
    # It would warn that several workers need Beam's own mode for this, multi_processing, whose
    # workers import everything one by one.
    logging.getLogger(fn_runner.__name__).setLevel(logging.ERROR)
    runner = fn_runner.FnApiRunner(_LocalEnvironment(workers))
    return beam.Pipeline(runner=runner, options=options)


_URN = "ganimation:env:local_workers:v1"
_LOCAL: dict[bytes, LocalWorkers] = {}


@environments.Environment.register_urn(_URN, bytes)
class _LocalEnvironment(environments.Environment):
    """Beam's name for processes that `LocalWorkers` starts."""

    def __init__(self, workers: LocalWorkers):
        super().__init__()
        self._payload = str(id(workers)).encode()
        _LOCAL[self._payload] = workers

    def __eq__(self, other):
        return isinstance(other, _LocalEnvironment) and self._payload == other._payload

    def __hash__(self):
        return hash(self._payload)

    def to_runner_api_parameter(self, context):
        return _URN, self._payload

    @staticmethod
    def from_runner_api_parameter(payload, *_):
        return _LocalEnvironment(_LOCAL[payload])


@worker_handlers.WorkerHandler.register_environment(_URN, bytes)
class _LocalWorkerHandler(worker_handlers.GrpcWorkerHandler):
    """How the local runner starts and ends one of those processes."""

    def __init__(self, payload: bytes, state, provision_info, grpc_server):
        super().__init__(state, provision_info, grpc_server)
        self._workers = _LOCAL[payload]

    def start_worker(self) -> None:
        address = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            "WORKER_ID": self.worker_id,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(address),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
        }
        self._workers.start(self.worker_id, environment, self.control_conn.abort)

    def close(self) -> None:
        """Ends the stream of data before that of control, at whose end the worker ends itself.

        In Beam's order a worker that is quick breaks the stream of data that is open still: an
        exception in a thread and a traceback in the log of a job that went well.
        """
        try:
            self.data_conn.close()
        finally:
            super().close()

    def stop_worker(self) -> None:
        """Nothing: a worker ends when its connection does."""
