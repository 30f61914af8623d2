"""Runs the preprocessing job in this process and reads what it wrote, for tests of its readers."""

import json
import pathlib

from ganimation_tf import cli
from ganimation_tf.annotations.face import FaceAnnotation
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.data import manifest, records, tfrecord
from pipeline.inventory import list_inputs
from pipeline.options import PreprocessOptions
from pipeline.planning import reader_for


def reader_of(images, annotations, **options) -> Reader:
    """The reader that a job over these inputs would have."""
    places = {"images": str(images), "annotations": str(annotations)}
    listed = list_inputs(*places.values())
    return reader_for(PreprocessOptions(**places, output="out", **options), *listed)


def faces_in(reader: Reader, key: str, file: str, reference) -> list[FaceAnnotation | Rejection]:
    """What a reader says about the one image behind a reference."""
    (image,) = reader.images(key, file, reference)
    return list(image.faces)


def preprocess(images, annotations, output, *more: str, code: int = 0) -> pathlib.Path:
    """Runs `ganimation preprocess` on 32 pixel crops and returns the output directory.

    `annotations` may be None: the option is left out.
    """
    told = () if annotations is None else ("--annotations", annotations)
    arguments = ["--images", images, *told, "--output", output, *more]
    assert cli.main(["preprocess", "--image-size", "32", *map(str, arguments)]) == code
    return pathlib.Path(output)


def kept(output: pathlib.Path) -> dict[str, records.FaceRecord]:
    """All records by key."""
    faces = {}
    for shards in manifest.Manifest.load(output).splits.values():
        for shard in shards:
            with open(output / shard.file, "rb") as file:
                faces |= {r.key: r for r in map(records.decode, tfrecord.read(file))}
    return faces


def rejected(output: pathlib.Path) -> dict[str, str]:
    """Reason code of each rejected key; checks that nothing was lost."""
    lines = (output / manifest.REJECTED).read_text(encoding="utf-8").splitlines()
    content = [json.loads(line) for line in lines]
    if (output / manifest.FILE).exists():
        made = manifest.Manifest.load(output)
        count = sum(made.records(split) for split in made.splits)
        assert made.inputs == count + len(content)
    codes = {line["key"]: line["code"] for line in content}
    assert len(codes) == len(content), "keys must differ in these tests"
    return codes


def split_of(output: pathlib.Path) -> dict[str, str]:
    """Split of each record's key."""
    splits = {}
    for split, shards in manifest.Manifest.load(output).splits.items():
        for shard in shards:
            with open(output / shard.file, "rb") as file:
                splits |= {records.decode(data).key: split for data in tfrecord.read(file)}
    return splits


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    """All files of a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}
