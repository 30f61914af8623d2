"""`serving.client.sync` for asyncio: the same methods, to be awaited."""

import asyncio
import collections
import copy
import typing
from collections.abc import AsyncIterable, AsyncIterator, Iterable

import grpc.aio
import numpy as np

from ganimation_tf.export import signature
from serving.client import calls, channel, pictures, wanted
from serving.client.calls import Call, Face
from serving.client.channel import ServerError, Tls
from serving.client.pictures import Pictures
from serving.client.wanted import ActionUnits

if typing.TYPE_CHECKING:
    from ganimation_tf.export.model_card import ModelCard


class AsyncGanimationClient:
    """A connection to a served model; use it as an asynchronous context manager.

        >>> async def estimate():
        ...     async with gan.AsyncGanimationClient(address) as client:
        ...         return await client.estimate([crop, crop])
        >>> asyncio.run(estimate()).shape
        (2, 3)

    Results, errors and retries are those of `GanimationClient`.

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
        self._channel = channel.connect(grpc.aio, target, tls)
        self._target = target
        self._model = calls.Model(model_name)
        self._timeout = timeout

    async def __aenter__(self) -> "AsyncGanimationClient":
        return self

    async def __aexit__(self, *_) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        await self._channel.close()

    async def pinned(self) -> "AsyncGanimationClient":
        """This client for the version that is served now, and no other.

        What it answers belongs together, the card's AU names and the faces, even when another
        version takes over meanwhile. Once the old one is unloaded it answers NOT_FOUND. Both use
        one connection.

        Raises:
            ServiceError: if no version is served.
        """
        version = calls.served(await self.status(), self._target)
        twin = copy.copy(self)
        twin._model = self._model._replace(version=version)
        return twin

    async def edit(self, images: Pictures, action_units: ActionUnits) -> list[bytes]:
        """Each face with the expression asked for, as a PNG."""
        faces = pictures.all_encoded(images)
        rows = wanted.named(action_units)
        if rows is not None:
            card, seen = await asyncio.gather(self.describe(), self.estimate(faces))
            action_units = wanted.vectors(rows, seen, card.action_units)
        return await self._run(calls.edit(self._model, *wanted.paired(faces, action_units)))

    async def edit_stream(
        self, faces: Iterable[Face] | AsyncIterable[Face], concurrency: int = 4, rows: int = 8
    ) -> AsyncIterator[bytes]:
        """A PNG for each of any number of faces, in their order; `faces` may be asynchronous."""
        calls.check_stream(concurrency, rows)
        pending: collections.deque[asyncio.Task] = collections.deque()
        try:
            async for batch in _batches(faces, rows):
                (call,) = calls.edits(self._model, batch, rows)
                pending.append(asyncio.create_task(self._run(call)))
                if len(pending) == concurrency:
                    for picture in await pending.popleft():
                        yield picture
            while pending:
                for picture in await pending.popleft():
                    yield picture
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def estimate(self, images: Pictures) -> np.ndarray:
        """float32 (B, N) in [0, 1]: the AUs that the model sees in each face crop."""
        return await self._run(calls.estimate(self._model, pictures.all_encoded(images)))

    async def render(
        self, image: np.ndarray, action_units: np.ndarray, source: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """The result and what it is made of, without any encoding."""
        return await self._run(calls.render(self._model, image, action_units, source))

    async def describe(self) -> "ModelCard":
        """The `ModelCard` of the served version."""
        return await self._run(calls.describe(self._model))

    async def status(self) -> dict[int, str]:
        """The versions that the server knows and their states."""
        return await self._run(calls.status(self._model))

    async def metadata(self) -> dict[str, dict[str, dict[str, tuple[str, tuple[int, ...]]]]]:
        """Signature -> "inputs" and "outputs" -> name -> type and shape, -1 where it is open."""
        return await self._run(calls.metadata(self._model))

    async def predict(
        self, signature_name: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls any signature: arrays by name in, arrays by name out."""
        return await self._run(calls.predict(self._model, signature_name, inputs))

    async def _run(self, call: Call):
        method = self._channel.unary_unary(
            call.path, request_serializer=lambda message: message.SerializeToString()
        )
        try:
            answer = await method(call.request, timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            raise ServerError(self._target, error.code(), error.details()) from error
        except grpc.aio.UsageError as error:  # the channel was closed before
            raise channel.closed(self._target) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task and task.cancelling():  # whoever awaits has cancelled, and no `close`
                raise
            raise channel.closed(self._target) from error
        return calls.read(call, answer, self._target)


async def _batches(
    faces: Iterable[Face] | AsyncIterable[Face], rows: int
) -> AsyncIterator[list[Face]]:
    batch: list[Face] = []
    async for face in _each(faces):
        batch.append(face)
        if len(batch) == rows:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(faces: Iterable[Face] | AsyncIterable[Face]) -> AsyncIterator[Face]:
    if hasattr(faces, "__aiter__"):
        async for face in faces:
            yield face
    else:
        for face in faces:
            yield face
