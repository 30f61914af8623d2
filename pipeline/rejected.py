"""`rejected.jsonl`: each shard's rejections are a sorted file, and sorted files are merged.

So the list has the same bytes whatever the workers were, and no worker holds it in memory.
"""

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.annotations.rejections import Rejection
from pipeline import files
from pipeline.progress import TEMPORARY

_TOGETHER = 64  # files that are merged at a time: a process may have few open


class Run(NamedTuple):
    """A file of sorted lines, each a rejection, and how many they are."""

    path: str
    lines: int


def write_run(output: str, shard: str, rejections: Sequence[Rejection]) -> Run:
    """Writes the rejections of a shard into a file beside it."""
    path = FileSystems.join(output, f"{TEMPORARY}rejected-{shard}.jsonl")
    lines = sorted(rejection.to_json() for rejection in rejections)
    files.write_text(path, "".join(f"{line}\n" for line in lines))
    return Run(path, len(lines))


def merge_runs(paths: Sequence[str], target: str) -> None:
    """Merges files of sorted lines into one, a line of each in memory at a time."""
    paths = list(paths)
    step = 0
    while len(paths) > _TOGETHER:
        merged = []
        for start in range(0, len(paths), _TOGETHER):
            directory, name = FileSystems.split(target)
            path = FileSystems.join(directory, f"{TEMPORARY}{name}-{step}-{start}")
            _merge(paths[start : start + _TOGETHER], path)
            merged.append(path)
        paths, step = merged, step + 1
    _merge(paths, target)


def _merge(paths: Sequence[str], target: str) -> None:
    with contextlib.ExitStack() as stack:
        runs = [_lines(stack.enter_context(files.opened(path))) for path in paths]
        with files.created(target) as file:
            for line in heapq.merge(*runs):
                file.write(line)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline():
        yield line
