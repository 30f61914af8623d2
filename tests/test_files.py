import hashlib
import io
import os
import subprocess
import zipfile

import numpy as np
import pytest

from ganimation_tf import files, inputs
from ganimation_tf.errors import UserError


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_digest_of_a_tree_is_that_of_its_list(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b" / "c").write_bytes(b"2")
    listed = f"{digest(b'1')} a\n{digest(b'2')} b/c\n"
    assert files.tree_digest(tmp_path) == digest(listed.encode())
    assert files.tree_digest(tmp_path, leave_out=("b/c",)) == digest(f"{digest(b'1')} a\n".encode())


def test_a_tree_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="none: cannot be read: No such file or directory"):
        files.tree_digest(tmp_path / "none")


def test_nothing_is_left_of_scratch_unless_it_was_renamed(tmp_path):
    with files.scratch(tmp_path / "a.txt") as partial:
        partial.write_text("lost")
    assert list(tmp_path.iterdir()) == []
    with files.scratch(tmp_path / "a.txt") as partial:
        partial.write_text("kept")
        partial.rename(tmp_path / "b.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_a_name_may_be_as_long_as_the_disk_allows(tmp_path):
    path = tmp_path / ("é" * 125 + ".png")  # 254 bytes; what is written first has a longer name
    files.write_whole(path, b"1")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_claim_is_held_by_whoever_inherits_it(tmp_path):
    path = tmp_path / "lock"
    with files.locked(path, "busy") as claim:
        heir = subprocess.Popen(["sleep", "600"], pass_fds=(claim,))
    try:
        with pytest.raises(UserError, match="^busy$"), files.locked(path, "busy"):
            raise AssertionError("there are two at once")
    finally:
        heir.kill()
        heir.wait()
    with files.locked(path, "busy"):
        assert path.is_file()


def test_a_pipe_is_read_to_its_end():
    reading, writing = os.pipe()
    with open(writing, "wb") as file:
        file.write(b"12345")
    assert inputs.read(f"/dev/fd/{reading}", 5) == b"12345"
    os.close(reading)


def test_what_has_no_end_is_too_large():
    with pytest.raises(inputs.FileError, match="has more than 1000 bytes"):
        inputs.read("/dev/zero", 1000)


def test_arrays_come_back_by_name(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", one=np.arange(3), two=np.float32([0.5]))
    arrays = files.read_arrays(tmp_path / "a.npz", "weights")
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "one": [0, 1, 2],
        "two": [0.5],
    }


def damaged(data, kind):
    """What is left of a file: nothing, half of it, flipped bits, other text, an object."""
    if kind == "object":
        buffer = io.BytesIO()
        np.savez(buffer, one=np.array([{}], dtype=object))
        return buffer.getvalue()
    flipped = bytearray(data)
    flipped[len(data) // 3] ^= 0xFF
    kinds = {"empty": b"", "half": data[: len(data) // 2], "flipped": bytes(flipped)}
    return kinds.get(kind, b"# a text\n")


@pytest.mark.parametrize("kind", ["empty", "half", "flipped", "text", "object"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_arrays_are_the_user_s_to_know(tmp_path, kind, save):
    path = tmp_path / "a.npz"
    save(path, one=np.random.default_rng(0).integers(0, 9, 4000))
    path.write_bytes(damaged(path.read_bytes(), kind))
    with pytest.raises(UserError, match=r"a\.npz: cannot be read as a face model: ") as refused:
        files.read_arrays(path, "a face model")
    assert "unsafely" not in str(refused.value)


def changed_entry(data: bytes, field: int, value: int) -> bytes:
    """The archive with a 16-bit field of its one file changed, in both of its headers.

    Args:
        field: offset in the local header; two more in the central one (APPNOTE.TXT 4.3.7, 4.3.12).
    """
    data = bytearray(data)
    for place in (data.index(b"PK\x03\x04") + field, data.index(b"PK\x01\x02") + field + 2):
        data[place : place + 2] = value.to_bytes(2, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [(6, 1, "is encrypted"), (8, 99, "compression method is not supported")],
)
def test_an_archive_that_numpy_would_not_have_written(tmp_path, field, value, message):
    path = tmp_path / "a.npz"
    np.savez(path, one=np.arange(9))
    path.write_bytes(changed_entry(path.read_bytes(), field, value))
    with pytest.raises(UserError, match=rf"a\.npz: cannot be read as weights: .*{message}"):
        files.read_arrays(path, "weights")


def test_an_array_that_claims_more_than_there_is_memory(tmp_path):
    path, header = tmp_path / "a.npz", io.BytesIO()
    facts = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    np.lib.format.write_array_header_1_0(header, facts)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.npy", header.getvalue())
    with pytest.raises(UserError, match=r"a\.npz: cannot be read as weights: "):
        files.read_arrays(path, "weights")


def test_an_array_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="none: cannot be read as weights: No such file"):
        files.read_arrays(tmp_path / "none", "weights")
