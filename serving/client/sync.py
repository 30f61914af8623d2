"""The client: face crops and Action Units in, edited faces out, over gRPC.

It works against TensorFlow Serving and against `serving.server` alike, and imports neither
TensorFlow nor its stubs (see `ganimation_tf.protos.wire`). `serving.client.aio` is the same for
asyncio.
"""

import collections
import copy
import typing
from collections.abc import Iterable, Iterator

import grpc
import numpy as np

from ganimation_tf.export import signature
from serving.client import calls, channel, pictures, wanted
from serving.client.calls import Call, Face
from serving.client.channel import ServerError, Tls
from serving.client.pictures import Pictures
from serving.client.wanted import ActionUnits

if typing.TYPE_CHECKING:
    from ganimation_tf.export.model_card import ModelCard

__all__ = ["GanimationClient", "ServerError", "Tls"]


class GanimationClient:
    """A connection to a served model; use it as a context manager.

        >>> with gan.GanimationClient(address) as client:
        ...     names = client.describe().action_units
        ...     (png,) = client.edit([crop], [[1.0] + [0.0] * (len(names) - 1)])
        >>> png[:4]
        b'\\x89PNG'

    A request that the server answers with UNAVAILABLE, or that does not reach it, is sent again:
    up to `channel.ATTEMPTS` times in all, after a growing pause, while the timeout lasts. Threads
    may share a client.

    Args:
        target: HOST:PORT of the gRPC endpoint.
        model_name: the name under which the model is served.
        timeout: seconds that one request may take, connecting and sending again included.
        tls: None talks in the clear.
    """

    def __init__(
        self,
        target: str,
        model_name: str = signature.MODEL_NAME,
        timeout: float = 60.0,
        tls: Tls | None = None,
    ):
        self._channel = channel.connect(grpc, target, tls)
        self._target = target
        self._model = calls.Model(model_name)
        self._timeout = timeout

    def __enter__(self) -> "GanimationClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def pinned(self) -> "GanimationClient":
        """This client for the version that is served now, and no other.

        What it answers belongs together, the card's AU names and the faces, even when another
        version takes over meanwhile. Once the old one is unloaded it answers NOT_FOUND. Both use
        one connection.

        Raises:
            ServiceError: if no version is served.
        """
        version = calls.served(self.status(), self._target)
        twin = copy.copy(self)
        twin._model = self._model._replace(version=version)
        return twin

    def edit(self, images: Pictures, action_units: ActionUnits) -> list[bytes]:
        """Each face with the expression asked for, as a PNG.

        Args:
            images: face crops: JPEG or PNG or WebP bytes, paths, uint8 (H, W, 3) arrays, or
                pictures of Pillow's; one or several.
            action_units: float (N,) or (B, N) in [0, 1], in the order of
                `describe().action_units`; or by name, `{"AU12": 0.8, "AU04": "-0.2"}`, once or for
                each face, where AUs that are not named stay as the face has them. One face goes
                with several rows, and one row with several faces.

        Raises:
            ServerError: as every method here does, if the server refuses or cannot be reached, or
                the client is closed.
            ServiceError: as every method here does, if the answer is none of a model of ours.
            UserError: if a picture or an AU is none.
        """
        faces = pictures.all_encoded(images)
        rows = wanted.named(action_units)
        if rows is not None:
            names = self.describe().action_units
            action_units = wanted.vectors(rows, self.estimate(faces), names)
        return self._run(calls.edit(self._model, *wanted.paired(faces, action_units)))

    def edit_stream(
        self, faces: Iterable[Face], concurrency: int = 4, rows: int = 8
    ) -> Iterator[bytes]:
        """A PNG for each of any number of faces, in order, while the next ones are on the way.

        `faces` is read only as far as needed: at most `concurrency * rows` faces are under way or
        wait to be taken. Whoever stops taking ends the requests too.

        Args:
            faces: pairs of a face crop, JPEG or PNG, and the wanted AUs (N,).
            concurrency: requests at a time.
            rows: faces in one request.
        """
        calls.check_stream(concurrency, rows)
        pending: collections.deque[tuple[Call, grpc.Future]] = collections.deque()
        try:
            for call in calls.edits(self._model, faces, rows):
                pending.append((call, self._start(call)))
                if len(pending) == concurrency:
                    yield from self._finish(*pending.popleft())
            while pending:
                yield from self._finish(*pending.popleft())
        finally:
            for _, future in pending:
                future.cancel()

    def estimate(self, images: Pictures) -> np.ndarray:
        """float32 (B, N) in [0, 1]: the AUs that the model sees in each face crop."""
        return self._run(calls.estimate(self._model, pictures.all_encoded(images)))

    def render(
        self, image: np.ndarray, action_units: np.ndarray, source: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """The result and what it is made of, without any encoding.

        Args:
            image: float (B, S, S, 3) in [0, 1], S the model's image size; integers are refused.
            action_units: float (B, N) in [0, 1].
            source: float (B, N) in [0, 1], the AUs that the faces show; a face whose AUs are to
                stay comes back bit for bit. None: the model reads them, where it needs them.

        Returns:
            `image` and `color` float32 (B, S, S, 3), `attention` (B, S, S, 1), all in [0, 1], and,
            of a model that warps, `flow` (B, S, S, 2), x and y in pixels.
        """
        return self._run(calls.render(self._model, image, action_units, source))

    def describe(self) -> "ModelCard":
        """The `ModelCard` of the served version: AU names, image size, crop, training facts."""
        return self._run(calls.describe(self._model))

    def status(self) -> dict[int, str]:
        """The versions that the server knows and their states, such as `{3: "AVAILABLE"}`."""
        return self._run(calls.status(self._model))

    def metadata(self) -> dict[str, dict[str, dict[str, tuple[str, tuple[int, ...]]]]]:
        """Signature -> "inputs" and "outputs" -> name -> type and shape, -1 where it is open."""
        return self._run(calls.metadata(self._model))

    def predict(self, signature_name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calls any signature: arrays by name in, arrays by name out."""
        return self._run(calls.predict(self._model, signature_name, inputs))

    def _run(self, call: Call):
        return self._finish(call, self._start(call))

    def _start(self, call: Call) -> grpc.Future:
        method = self._channel.unary_unary(
            call.path, request_serializer=lambda message: message.SerializeToString()
        )
        try:
            return method.future(call.request, timeout=self._timeout)
        except ValueError as error:  # what gRPC says of a closed channel
            raise channel.closed(self._target) from error

    def _finish(self, call: Call, future: grpc.Future):
        try:
            answer = future.result()
        except grpc.RpcError as error:
            raise ServerError(self._target, error.code(), error.details()) from error
        return calls.read(call, answer, self._target)
