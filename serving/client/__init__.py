"""The client of TensorFlow Serving's gRPC API; imports neither TensorFlow nor its stubs."""

from serving.client.aio import AsyncGanimationClient
from serving.client.channel import ServerError, Tls
from serving.client.sync import GanimationClient

__all__ = ["AsyncGanimationClient", "GanimationClient", "ServerError", "Tls"]
