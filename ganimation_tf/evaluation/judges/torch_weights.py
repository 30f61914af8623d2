"""The tensors of a `.pth` file of PyTorch before 1.6, without PyTorch and without running anything.

Such a file is a row of pickles: magic number, version, system, the state dict, names of storages;
then each storage as its length and its numbers. A pickle may call any function that it names: here
only those that make a tensor are known, and everything else is refused.
"""

import collections
import pathlib
import pickle
import struct
from typing import Any, BinaryIO

import numpy as np

from ganimation_tf.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage:
    """Numbers that tensors look into; filled in when the file's end has been read."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self.numbers = np.zeros(0, dtype)


class _WeightsOnly(pickle.Unpickler):
    """Knows tensors, storages and ordered dicts."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no weight")

    def persistent_load(self, saved: Any) -> _Storage:
        kind, dtype, key, *_ = saved
        if kind != "storage":
            raise pickle.UnpicklingError(f"it holds a {kind!r}, which is no weight")
        return self.storages.setdefault(key, _Storage(dtype))


def read_weights(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The state dict of a file.

    Raises:
        UserError: if it cannot be read, or holds what is no weight.
    """
    try:
        with open(path, "rb") as file:
            magic, version, _ = (_WeightsOnly(file).load() for _ in range(3))
            if magic != _MAGIC:
                raise ValueError(f"magic number {magic!r}, version {version!r}")
            reader = _WeightsOnly(file)
            tensors = reader.load()
            for key in _WeightsOnly(file).load():
                storage = reader.storages[key]
                (count,) = struct.unpack("<q", file.read(8))
                data = file.read(count * storage.dtype.itemsize)
                storage.numbers = np.frombuffer(data, storage.dtype, count)
            return {name: _array(*tensor) for name, tensor in tensors.items()}
    except (OSError, ValueError, KeyError, TypeError, EOFError, struct.error) as error:
        raise UserError(f"{path} cannot be read as weights of PyTorch: {error}") from error
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is refused: {error}") from error


def _array(storage: _Storage, offset: int, shape: tuple, strides: tuple) -> np.ndarray:
    """A tensor of its own, C-ordered."""
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if not 0 <= offset <= last < len(storage.numbers):
        raise ValueError(f"a tensor of shape {shape} lies outside of its storage")
    size = storage.dtype.itemsize
    view = np.lib.stride_tricks.as_strided(
        storage.numbers[offset:], shape, [step * size for step in strides], writeable=False
    )
    return np.ascontiguousarray(view)
