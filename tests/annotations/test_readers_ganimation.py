"""The published layout, and pickles that want to be more than numbers."""

import collections
import os
import pickle
import tracemalloc

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.arrays import load_arrays
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.ganimation import GANimationReader
from ganimation_tf.data import manifest
from jobs import faces_in, kept, preprocess, reader_of, rejected, split_of
from openface_files import write_photo


def units(value):
    return np.arange(17) / 4 + value


def write_layout(root, arrays, train, test, protocol=4):
    (root / "aus_openface.pkl").write_bytes(pickle.dumps(arrays, protocol))
    (root / "train_ids.csv").write_text("".join(f"{name}.jpg\n" for name in train))
    (root / "test_ids.csv").write_text("".join(f"{name}.jpg\n" for name in test))
    for name in {*arrays, *train, *test}:
        write_photo(root / f"imgs/{name}.jpg")


def with_landmarks(monkeypatch):
    """The layout has no geometry; gives faces a box, as a detector would."""
    original = GANimationReader._face

    def face(self, array, where):
        actual = original(self, array, where)
        if not isinstance(actual, AnnotationError):
            object.__setattr__(actual, "box", np.array([40.0, 40.0, 80.0, 90.0]))
        return actual

    monkeypatch.setattr(GANimationReader, "_face", face)


def test_the_layouts_own_split(tmp_path, monkeypatch):
    with_landmarks(monkeypatch)
    names = [f"N_{i:03}" for i in range(30)]
    arrays = {name: units(i / 100) for i, name in enumerate(names)}
    train, test = names[:20], names[20:27]
    train += [names[28], "listed_only"]
    test += [names[28]]
    arrays |= {names[3]: np.zeros(16), names[4]: units(np.nan), names[5]: np.zeros((1, 17))}
    arrays |= {names[6]: "text", names[7]: np.array([None] * 17)}
    write_layout(tmp_path, arrays, train, test)
    write_photo(tmp_path / "imgs/unknown.jpg")
    # Small shards, and an evaluation share that the lists overrule.
    more = ["--records-per-shard", "5", "--eval-fraction", "0"]
    output = preprocess(tmp_path / "imgs", tmp_path, tmp_path / "out", *more)
    splits = split_of(output)
    good = [*names[:3], *names[8:27]]
    assert splits == {name: "train" if name in train else "eval" for name in good}
    expected = np.float32((np.arange(17) / 4 + 0.25) / 5)
    np.testing.assert_allclose(kept(output)[names[25]].action_units, expected, rtol=1e-6)
    made = manifest.Manifest.load(output)
    assert made.action_units == OPENFACE and made.options["reader"] == "ganimation"
    assert len(made.splits["train"]) == 5 and len(made.splits["eval"]) == 2
    bad = {f"{names[i]}#0": "bad_value" for i in (3, 4, 5, 6, 7)}
    unlisted = {f"{names[i]}#0": "no_split" for i in (27, 28, 29)}
    alone = {"unknown": "no_annotation", "listed_only": "no_annotation"}
    assert rejected(output) == bad | unlisted | alone


def test_without_geometry_it_needs_a_detector(tmp_path):
    write_layout(tmp_path, {"a": units(0), "b": units(0)}, ["a"], ["b"])
    output = preprocess(tmp_path / "imgs", tmp_path, tmp_path / "out", code=2)
    assert rejected(output) == {"a": "no_landmarks", "b": "no_landmarks"}


def test_selected_action_units(tmp_path):
    write_layout(tmp_path, {"a": units(0)}, ["a"], [])
    reader = reader_of(tmp_path / "imgs", tmp_path, action_units="AU12,AU01")
    (part,) = reader.index(str(tmp_path / "aus_openface.pkl"), "aus_openface.pkl")
    (face,) = faces_in(reader, part.key, "aus_openface.pkl", part.reference)
    assert face.intensities.tolist() == [8 / 4, 0.0]
    assert (part.split, part.subject) == ("train", None)


def test_lists_are_needed(tmp_path, capsys):
    write_layout(tmp_path, {"a": units(0)}, ["a"], [])
    (tmp_path / "test_ids.csv").unlink()
    preprocess(tmp_path / "imgs", tmp_path, tmp_path / "out", code=2)
    error = capsys.readouterr().err
    assert "aus_openface.pkl needs its lists of images beside it: test_ids.csv: cannot" in error


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(17.0),
        np.arange(17, dtype=">f4"),
        np.arange(17, dtype=np.int16),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(20.0)[2:19],
        np.zeros(0),
    ],
    ids=["float64", "big-endian", "int16", "fortran", "slice", "empty"],
)
def test_arrays_of_every_protocol(protocol, array):
    data = pickle.dumps({"a": array, "b": [1, 2.5]}, protocol)
    arrays = load_arrays(data)
    np.testing.assert_array_equal(arrays["a"], array)
    assert arrays["a"].dtype == array.dtype
    np.testing.assert_array_equal(arrays["b"], [1.0, 2.5])


def test_an_array_of_python_2():
    """Bytes are text there, and numpy's module has its old name."""
    data = pickle.dumps({"N_1": np.arange(17.0)}, 2).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    encode = b"c_codecs\nencode\n"
    assert encode in data
    raw = np.arange(2.0).tobytes()
    old = (
        b"\x80\x02}U\x03N_1cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        b"U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10" + raw + b"tbs."
    )
    np.testing.assert_array_equal(load_arrays(old)["N_1"], [0.0, 1.0])
    np.testing.assert_array_equal(load_arrays(data)["N_1"], np.arange(17.0))


class Runs:
    """Unpickled, it makes a directory."""

    def __reduce__(self):
        return os.mkdir, ("PWNED",)


NDARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
DTYPE = b"cnumpy\ndtype\n"
UNSAFE = {
    "code": pickle.dumps({"a": Runs()}),
    "code beside arrays": pickle.dumps({"a": np.zeros(17), "b": Runs()}),
    "eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__call__\x93.",
    "another numpy function": b"cnumpy\nload\n(S'x'\ntR.",
    "ordered dict": pickle.dumps(collections.OrderedDict(a=1)),
    "object array": pickle.dumps({"a": np.array([Runs()])}),
}
DAMAGED = {
    "nothing": b"",
    "text": b"key,AU01\na,0.5\n",
    "truncated": pickle.dumps({"a": np.zeros(17)})[:-20],
    "a list": pickle.dumps([np.zeros(17)]),
    "no stop": b"}",
    "persistent id": b"Px\n.",
    "extension": b"\x82\x01.",
    "changed function": RECONSTRUCT + b"N}S'__defaults__'\nNs\x86b.",
    "function with state": RECONSTRUCT + b"}S'x'\nI1\nsb.",
    "array type as a class": NDARRAY + b")\x81.",
    "other codec": b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.",
    "type of objects": DTYPE + b"(S'O'\ntR.",
    "type by a long text": DTYPE + b"(S'f8,f8,f8'\ntR.",
    "huge memo": b"}r\xff\xff\xff\x7f.",
    "huge bytes": b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    # 2**40 tuples in 40 tuples; Python hashes a key by hashing each of them.
    "key of tuples": b"}N\x85q\0h\0\x86q\0" + b"h\0\x86q\0" * 40 + b"K\x01s.",
    "copies": b"](" + b"2" * 50 + b".",
    "a set": b"\x80\x04\x8f.",
    "marks": b"(" * 1_000_000 + b".",
    "tuples": b"N" + b"\x85" * 1_000_000 + b".",
    "huge bytearray": b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
}


@pytest.mark.parametrize("data", UNSAFE.values(), ids=UNSAFE)
def test_unsafe_pickles_run_nothing(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AnnotationError, match="only numpy arrays are read") as caught:
        load_arrays(data)
    assert caught.value.code == "unsafe_pickle"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_pickles(data):
    try:
        arrays = load_arrays(data)
    except AnnotationError as error:
        assert error.code == "bad_annotation"
    else:  # a dict all the same
        assert arrays == {}


def test_an_array_that_claims_more_than_it_has():
    good = pickle.dumps({"a": np.zeros(3)}, 2)
    assert b"K\x03\x85" in good
    bad = load_arrays(good.replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"))["a"]
    assert bad.code == "bad_value" and "is no array" in str(bad)


@pytest.mark.parametrize("shape", [b"J\xff\xff\xff\xff\x85", b"K\x03", b"U\x013"])
def test_a_shape_is_whole_numbers(shape):
    good = pickle.dumps({"a": np.zeros(3)}, 2)
    bad = load_arrays(good.replace(b"K\x03\x85", shape))["a"]
    assert bad.code == "bad_value" and "a shape must be of whole numbers" in str(bad)


@pytest.mark.timeout(60)
def test_memory_for_hostile_pickles_is_bounded():
    data = b"(" * 4_000_000
    tracemalloc.start()
    with pytest.raises(AnnotationError, match="more containers"):
        load_arrays(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * len(data)


def test_a_refused_pickle_is_one_rejection(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_layout(tmp_path, {"a": np.zeros(17)}, ["a"], [])
    (tmp_path / "aus_openface.pkl").write_bytes(UNSAFE["code"])
    output = preprocess(tmp_path / "imgs", tmp_path, tmp_path / "out", code=2)
    assert rejected(output) == {"aus_openface": "unsafe_pickle", "a": "no_annotation"}
    assert not (tmp_path / "PWNED").exists()


def test_a_pickle_may_name_files_and_holds_no_other_numbers(tmp_path, monkeypatch):
    with_landmarks(monkeypatch)
    write_layout(tmp_path, {"a": units(0), "b": units(0) - 1, "c": units(0)}, ["a", "b"], ["x/c"])
    named = {f"{key}.jpg": units(0) - (key == "b") for key in "abc"}
    (tmp_path / "aus_openface.pkl").write_bytes(pickle.dumps(named))
    (tmp_path / "imgs/x/c.jpg").unlink()
    output = preprocess(tmp_path / "imgs", tmp_path, tmp_path / "out")
    assert list(kept(output)) == ["a"]
    assert rejected(output) == {"b#0": "bad_value", "c#0": "no_split"}
    text = (output / manifest.REJECTED).read_text()
    assert "names 'c'; they name 'a'" in text and "AU01 must be in [0, 5], got -1" in text
