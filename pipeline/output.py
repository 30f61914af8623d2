"""The output directory before the job: nothing finished in it, nothing left over."""

import contextlib
import dataclasses
import fcntl
import glob
import os
import re
from collections.abc import Iterator, Sequence

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError, as_user_error
from pipeline import files, sharding
from pipeline.fingerprint import Fingerprint
from pipeline.progress import TEMPORARY
from pipeline.resume import FACTS

_MAX_BYTES = 1 << 30

_NAMED = 4  # changes that a message lists

_LISTED = (manifest.REJECTED, manifest.STATISTICS, manifest.REPORT, manifest.SOURCES)
_OURS = "|".join((rf"{re.escape(TEMPORARY)}.*", sharding.SHARD_PATTERN, *map(re.escape, _LISTED)))
"""Names that a job writes, and the next one clears away."""


@dataclasses.dataclass(frozen=True)
class Output:
    """A directory that is ready for the job, or needs none.

    Attributes:
        directory: absolute if it is local.
        finished: it holds the very dataset that the job would make.
        resumed: number of finished shards that an earlier job left.
    """

    directory: str
    finished: bool = False
    resumed: int = 0


@contextlib.contextmanager
def claimed(where: str) -> Iterator[None]:
    """No other job of this machine writes a local output meanwhile; a kill gives it up, too.

    It is the directory itself that is locked, so that nothing is left in it.

    Args:
        where: directory of the dataset, which is made.

    Raises:
        UserError: if another job writes it, or it cannot be made.
    """
    if not files.is_local(where):
        yield
        return
    with as_user_error(f"--output {where} cannot be written", OSError, ValueError):
        os.makedirs(where, exist_ok=True)
        directory = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"--output {where}: another job is writing it") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(directory)


def prepare_output(where: str, overwrite: bool, now: Fingerprint) -> Output:
    """An output directory without a finished dataset of other inputs or options.

    Of an unfinished one the shards that are complete stay, if they come from the same inputs and
    options; all else of ours is deleted. So a job that overwrites, killed and started again, goes
    on.

    Args:
        where: directory of the dataset.
        overwrite: whether to replace a finished dataset, whatever it was made from.
        now: what the dataset is to be made from.

    Raises:
        UserError: if there is another finished dataset and not `overwrite`, files of another
            origin would be replaced, or the directory cannot be made.
    """
    with as_user_error(f"--output {where} cannot be written", OSError, ValueError):
        output = os.path.abspath(where) if files.is_local(where) else where.rstrip("/")
        before = _fingerprint(output)
        changes = before.changes(now) if before else None
        finished = FileSystems.join(output, manifest.FILE)
        if FileSystems.exists(finished):
            if not overwrite:
                if changes == [] and _is_whole(output, finished):
                    return Output(output, finished=True)
                raise UserError(_refusal(where, changes))
            changes = None  # its shards do not count as an interrupted job's
            FileSystems.delete([glob.escape(finished)])  # first: now it looks unfinished
        elif before is None:
            _require_no_strangers(where, output)
        if files.is_local(where):
            os.makedirs(output, exist_ok=True)
        resumed = _clear(output, keep_shards=changes == [])
        files.write_text(FileSystems.join(output, manifest.FINGERPRINT), now.to_json())
    return Output(output, resumed=resumed)


def _require_no_strangers(where: str, output: str) -> None:
    """What no job has begun may be another command's report, or a person's own."""
    present = _names(output)
    if manifest.FINGERPRINT in present:  # of another form: a job of ours all the same
        return
    for name in sorted(present):
        if re.fullmatch(_OURS, name) and not name.startswith(TEMPORARY):
            raise UserError(
                f"--output {where} holds {name}, which no data job has written; choose another "
                "directory, or move it away"
            )


def _fingerprint(output: str) -> Fingerprint | None:
    """That of the job before; None if there was none, or it did not live to write it."""
    path = FileSystems.join(output, manifest.FINGERPRINT)
    if not FileSystems.exists(path):
        return None
    return Fingerprint.from_json(files.read(path, _MAX_BYTES).decode(errors="replace"))


def _is_whole(output: str, finished: str) -> bool:
    """Whether the files of a finished dataset are still there; `inspect` looks into them."""
    text = files.read(finished, _MAX_BYTES).decode(errors="replace")
    made = manifest.Manifest.from_json(text, finished)
    names = {shard.file for split in made.splits.values() for shard in split}
    names |= {manifest.REJECTED, manifest.STATISTICS, manifest.REPORT}
    names |= {manifest.SOURCES} if made.sources else set()
    return names <= set(_names(output))


def _refusal(where: str, changes: Sequence[str] | None) -> str:
    if changes:
        more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
        why = f", made otherwise: {'; '.join(changes[:_NAMED])}{more}"
    elif changes is None:
        why = ", made from what cannot be told"
    else:
        why = " of which files are missing"
    return f"{where} holds a finished dataset{why}; --overwrite replaces it"


def _clear(output: str, keep_shards: bool) -> int:
    """Deletes our files; returns how many finished shards were kept."""
    kept = set()
    if keep_shards:
        present = set(_names(output))
        kept = {name for name in present if f"{FACTS}{name}.json" in present}
    spared = {*kept, *(f"{FACTS}{name}.json" for name in kept)}
    files.delete_matching(output, _OURS, spared)
    return len(kept)


def _names(directory: str) -> list[str]:
    matched = FileSystems.match([f"{glob.escape(directory)}/*"])[0].metadata_list
    return [metadata.path.rpartition("/")[2] for metadata in matched]
