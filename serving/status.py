"""The error that a server answers a request with."""

import grpc


class StatusError(Exception):
    """A request that gets an error status and not an answer; the server goes on.

    Attributes:
        code: the gRPC status code, as TensorFlow Serving would give it.
        message: what the client reads.
    """

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> StatusError:
    """The request breaks a rule of the model's signature or of the API."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> StatusError:
    """The request asks for a model or version that is not served."""
    return StatusError(grpc.StatusCode.NOT_FOUND, message)
