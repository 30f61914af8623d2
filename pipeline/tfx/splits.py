"""A dataset directory that is an Examples artifact as well: one folder for each split.

TFX looks for `Split-train/*`; everything of this package goes by the file names in `dataset.json`,
and does not mind a folder in them.
"""

import dataclasses

from apache_beam.io.filesystems import FileSystems

from ganimation_tf.data import manifest
from pipeline import files


def to_split_folders(directory: str, made: manifest.Manifest) -> manifest.Manifest:
    """Moves the shards of a finished dataset to `Split-<split>/`; returns its new description.

    Args:
        directory: of the dataset, on any of Beam's file systems.
        made: its `dataset.json`.
    """
    splits = {}
    for split in (split for split in made.splits if made.records(split)):
        folder = FileSystems.join(directory, f"Split-{split}")
        FileSystems.mkdirs(folder)
        splits[split] = tuple(
            dataclasses.replace(shard, file=f"Split-{split}/{shard.file}")
            for shard in made.splits[split]
        )
        before = [FileSystems.join(directory, shard.file) for shard in made.splits[split]]
        after = [FileSystems.join(directory, shard.file) for shard in splits[split]]
        FileSystems.rename(before, after)
    moved = dataclasses.replace(made, splits={**made.splits, **splits})
    files.write_text(FileSystems.join(directory, manifest.FILE), moved.to_json())
    return moved
