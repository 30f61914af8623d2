"""`sources.jsonl`: each input file with the digest of its bytes."""

import hashlib
import json

from ganimation_tf.data import manifest
from jobs import preprocess
from openface_files import write_faces


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_each_input_is_listed_with_the_digest_of_its_bytes(tmp_path):
    write_faces(tmp_path, ["a", "b/c"])
    photos, csv = tmp_path / "photos", tmp_path / "csv"
    output = preprocess(photos, csv, tmp_path / "out")
    text = (output / manifest.SOURCES).read_bytes()
    listed = {
        (line["kind"], line["file"]): line["sha256"] for line in map(json.loads, text.splitlines())
    }
    expected = {
        (kind, path.relative_to(root).as_posix()): digest(path.read_bytes())
        for kind, root in (("image", photos), ("annotation", csv))
        for path in root.rglob("*.*")
    }
    assert listed == expected and len(listed) == 4
    made = manifest.Manifest.load(output)
    assert made.sources == {"images": 2, "annotations": 2, "sha256": digest(text)}


def test_equal_inputs_elsewhere_are_the_same_list(tmp_path):
    outputs = []
    for place in ("one", "other"):
        write_faces(tmp_path / place, ["a", "b"])
        inputs = (tmp_path / place / name for name in ("photos", "csv"))
        outputs.append(preprocess(*inputs, tmp_path / place / "out"))
    first, second = ((out / manifest.SOURCES).read_bytes() for out in outputs)
    assert first == second
