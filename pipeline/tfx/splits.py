"""A dataset directory that is an Examples artifact as well: one folder for each split.

TFX looks for `Split-train/*`, this package for the files that `dataset.json` lists. So each shard
has a second name, which takes no space where there are hard links; elsewhere it is a copy.
"""

import os

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.data import manifest
from pipeline import files


def add_split_folders(directory: str, made: manifest.Manifest) -> list[str]:
    """Names the shards of a finished dataset in `Split-<split>/`, too.

    Args:
        directory: of the dataset, on any of Beam's file systems.
        made: its `dataset.json`.

    Returns:
        The splits that have records; the others get no folder.
    """
    splits = [split for split in made.splits if made.records(split)]
    for split in splits:
        folder = FileSystems.join(directory, f"Split-{split}")
        FileSystems.mkdirs(folder)
        for shard in made.splits[split]:
            _second_name(
                FileSystems.join(directory, shard.file), FileSystems.join(folder, shard.file)
            )
    return splits


def _second_name(path: str, second: str) -> None:
    if files.is_local(path):
        try:
            os.link(path, second)
            return
        except OSError:  # another file system, or one without links
            pass
    FileSystems.copy([path], [second])
