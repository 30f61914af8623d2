"""The output directory before the job: nothing finished in it, nothing left over."""

import glob
import os
import re

from apache_beam.io.filesystems import FileSystems

from ganimation_tf import manifest
from ganimation_tf.errors import UserError
from pipeline import files, sharding
from pipeline.progress import TEMPORARY


def prepare_output(where: str, overwrite: bool) -> str:
    """An output directory without a finished dataset and without leftovers of a killed job.

    Returns:
        The directory; absolute if it is local.

    Raises:
        UserError: if there is a finished dataset and not `overwrite`, or it cannot be made.
    """
    try:
        local = FileSystems.get_filesystem(where).scheme() is None
        output = os.path.abspath(where) if local else where.rstrip("/")
        finished = FileSystems.join(output, manifest.FILE)
        if FileSystems.exists(finished):
            if not overwrite:
                raise UserError(
                    f"{where} holds a finished dataset; --overwrite replaces it, "
                    "or choose another --output"
                )
            FileSystems.delete([glob.escape(finished)])  # first: now it looks unfinished
        if local:
            os.makedirs(output, exist_ok=True)
        named = "|".join(map(re.escape, (manifest.REJECTED, manifest.STATISTICS, manifest.REPORT)))
        ours = rf"{re.escape(TEMPORARY)}.*|{sharding.SHARD_PATTERN}|{named}"
        files.delete_matching(output, ours)
        probe = FileSystems.join(output, f"{TEMPORARY}probe")
        files.write_text(probe, "")
        FileSystems.delete([glob.escape(probe)])
    except UserError:
        raise
    except (OSError, ValueError) as error:  # BeamIOError is an OSError
        raise UserError(f"--output {where} cannot be written: {error}") from None
    return output
