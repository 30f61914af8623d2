"""Pickled numpy arrays, read without running anything that the file says.

A pickle is a program: it names functions and calls them. Here each name stands for an inert
object, and only what numpy needs to restore an array of numbers is a name at all. Nothing of numpy
is called with what the file says before it is checked.
"""

import io
import pickle
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ganimation_tf.annotations.face import AnnotationError

_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
_NAMES = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # protocol 2 writes bytes as text
    ("__builtin__", "bytes"): "nothing",  # and no bytes as a call without arguments
    **{(module, "_reconstruct"): "reconstruct" for module in _MODULES},
    **{(module, "_frombuffer"): "frombuffer" for module in _NUMERIC},
}


class _Array:
    """An array that has not been made yet."""

    __slots__ = ("_state",)

    def __setstate__(self, state: Any) -> None:
        self._state = state

    def value(self) -> np.ndarray:
        """The array.

        Raises:
            ValueError, TypeError, AttributeError: if its parts do not fit.
        """
        _, shape, dtype, fortran, data = self._state
        return _make(data, dtype, shape, "F" if fortran else "C")


class _Type:
    """A number's type: the code that numpy pickles, and its byte order."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: Any):
        self._code = code
        self._order = "<"

    def __setstate__(self, state: Any) -> None:
        self._order = state[1]

    def value(self) -> np.dtype:
        """The type.

        Raises:
            ValueError: if it is none of a number.
        """
        if not re.fullmatch(r"[biuf][1248]", self._code):
            raise ValueError(f"{self._code!r} is no type of numbers")
        if self._order not in ("<", ">", "|", "="):
            raise ValueError(f"{self._order!r} is no byte order")
        return np.dtype(self._order.replace("|", "<") + self._code)


def _make(data: Any, dtype: Any, shape: Any, order: Literal["C", "F"]) -> np.ndarray:
    if isinstance(data, str):  # bytes of Python 2
        data = data.encode("latin1")
    if not isinstance(dtype, _Type) or not isinstance(data, bytes | bytearray):
        raise ValueError("an array must be of numbers")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("a shape must be of whole numbers")
    return np.frombuffer(data, dtype.value()).reshape(shape, order=order)


class _Function:
    """What a name in the pickle stands for: cannot be changed, does only what is written here."""

    __slots__ = ("_name",)
    _name: str

    def __init__(self, name: str):
        object.__setattr__(self, "_name", name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise pickle.UnpicklingError("functions cannot be changed")

    def __call__(self, *args: Any) -> Any:
        if self._name == "reconstruct":
            return _Array()
        if self._name == "dtype":
            return _Type(args[0])
        if self._name == "nothing" and not args:
            return b""
        if self._name == "encode" and len(args) == 2 and args[1] == "latin1":
            return args[0].encode("latin1")
        if self._name == "frombuffer":
            data, dtype, shape, order = args
            return _make(data, dtype, shape, "F" if order == "F" else "C")
        raise pickle.UnpicklingError(f"{self._name} is not called like this by numpy")


_Instruction = Callable[[Any], None]
"""What an instruction of a pickle does to an unpickler."""

_EVERY: Mapping[int, _Instruction] = pickle._Unpickler.dispatch
"""All of Python's, by their code."""


class _Unpickler(pickle._Unpickler):
    """Python's own unpickler written in Python: the one in C lets a file ask for any memory.

    Knows only the instructions of which pickled dicts of arrays are made.
    """

    stack: list[Any]

    def __init__(self, data: bytes):
        super().__init__(io.BytesIO(data), encoding="latin1")
        # Each of these may take a byte and make an object of 60; an array's have some 12 each.
        self._containers_left = 100 + len(data) // 4

    def find_class(self, module: str, name: str) -> _Function:
        function = _NAMES.get((module, name))
        if function is None:
            message = f"refers to {f'{module}.{name}':.80}; only numpy arrays are read"
            raise AnnotationError("unsafe_pickle", message)
        return _Function(function)

    def _counted(self, load: _Instruction) -> None:
        self._containers_left -= 1
        if self._containers_left < 0:
            raise pickle.UnpicklingError("more containers than arrays could need")
        load(self)

    def _keyed(self, code: bytes, names: Sequence[Any]) -> None:
        # Tuples of tuples would be a key that takes for ever to hash.
        if not all(isinstance(name, str | int) for name in names):
            raise pickle.UnpicklingError("a name must be text")
        _EVERY[code[0]](self)

    def _load_setitem(self) -> None:
        self._keyed(pickle.SETITEM, self.stack[-2:-1])

    def _load_setitems(self) -> None:
        self._keyed(pickle.SETITEMS, self.stack[::2])

    def _load_dict(self) -> None:
        self._keyed(pickle.DICT, self.stack[::2])


def _instructions() -> dict[int, _Instruction]:
    """What each instruction of a pickle does; those that arrays do without are missing."""
    plain = "PROTO FRAME STOP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1"
    plain += " FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8"
    plain += " BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE EMPTY_TUPLE LIST APPEND APPENDS"
    plain += " GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT GLOBAL STACK_GLOBAL REDUCE BUILD"
    counted = "MARK EMPTY_DICT EMPTY_LIST TUPLE TUPLE1 TUPLE2 TUPLE3 MEMOIZE"

    def code(name: str) -> int:
        return getattr(pickle, name)[0]

    def counting(load: _Instruction) -> _Instruction:
        return lambda unpickler: unpickler._counted(load)

    return {
        **{code(name): _EVERY[code(name)] for name in plain.split()},
        **{code(name): counting(_EVERY[code(name)]) for name in counted.split()},
        code("SETITEM"): _Unpickler._load_setitem,
        code("SETITEMS"): _Unpickler._load_setitems,
        code("DICT"): _Unpickler._load_dict,
    }


_Unpickler.dispatch = _instructions()


_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    struct.error,
)
"""What a damaged or hostile pickle raises inside the unpickler."""


def load_arrays(data: bytes) -> dict[str, np.ndarray | AnnotationError]:
    """A pickled dict of arrays, in its order.

    Args:
        data: the pickle; as Python 2 or 3 wrote it, with any numpy.

    Returns:
        Each name's array, or what is wrong with it.

    Raises:
        AnnotationError: if it is no pickled dict, or refers to anything but arrays.
    """
    try:
        content = _Unpickler(data).load()
    except AnnotationError:
        raise
    except _DAMAGE as error:
        message = " ".join(f"{type(error).__name__} {f'{error}':.200}".split())
        raise AnnotationError("bad_annotation", f"is no pickle of arrays: {message}") from None
    if not isinstance(content, dict):
        message = f"must hold a dict of image name -> array, holds a {type(content).__name__}"
        raise AnnotationError("bad_annotation", message)
    return {str(name): _value(value) for name, value in content.items()}


def _value(value: Any) -> np.ndarray | AnnotationError:
    try:
        if isinstance(value, _Array):
            value = value.value()
        if isinstance(value, list | tuple) and all(isinstance(v, int | float) for v in value):
            value = np.array(value, np.float64)
        if isinstance(value, np.ndarray):
            return value
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        return AnnotationError("bad_value", f"is no array: {' '.join(str(error).split())}")
    return AnnotationError("bad_value", f"must be an array, is a {type(value).__name__}")
