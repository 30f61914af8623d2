"""The error that a server answers a request with."""

import itertools

import grpc

from ganimation_tf.errors import CodedError

MAX_STATUS_LENGTH = 2000
"""Most bytes of an error message: over gRPC it travels in a header, which holds 8 KiB."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class StatusError(CodedError):
    """A request that gets an error status and not an answer; the server goes on.

    Attributes:
        code: the gRPC status code, as TensorFlow Serving would give it.
    """

    @property
    def message(self) -> str:
        """What the client reads, cut after `MAX_STATUS_LENGTH` bytes."""
        return _cut(str(self))


def _cut(message: str) -> str:
    """What fits into the header; half of a surrogate pair, which no UTF-8 has, becomes `?`."""
    text = message[:MAX_STATUS_LENGTH].encode("utf-8", "replace").decode()
    lengths = itertools.accumulate(map(_bytes_in_header, text))
    return text[: sum(length <= MAX_STATUS_LENGTH for length in lengths)]


def _bytes_in_header(character: str) -> int:
    # gRPC writes each byte that is not printable ASCII, and %, in three.
    if " " <= character <= "~" and character != "%":
        return 1
    return 3 * len(character.encode())


def invalid(message: str) -> StatusError:
    """The request breaks a rule of the model's signature or of the API."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> StatusError:
    """The request asks for a model or version that is not served."""
    return StatusError(grpc.StatusCode.NOT_FOUND, message)


def left_to_tensorflow_serving(what: str) -> StatusError:
    """The request is for a call or a type that only TensorFlow Serving itself has."""
    return StatusError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"{what} is not part of the embedded server; TensorFlow Serving itself has it",
    )


def from_graph(error) -> StatusError:
    """What an op said (`tf.errors.OpError`), with its code and without the lines that the Python
    runtime writes before it, as TensorFlow Serving hands it on."""
    code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
    return StatusError(code, error.message.removeprefix("Graph execution error:").strip())
