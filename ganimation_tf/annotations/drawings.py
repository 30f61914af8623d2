"""OpenFace's own directory: `processed/` holds annotations, and pictures that it drew.

Without `-out_dir` OpenFace writes `processed/NAME.csv` where it was started, often beside the
photos, and with it a drawing `processed/NAME.jpg` and aligned faces in `processed/NAME_aligned/`.
The annotation belongs to the photo `NAME` one directory up; the drawings are no photos.
"""

from collections.abc import Collection, Iterable

PROCESSED = "processed"

_ALIGNED = "_aligned"


def folded(key: str, directories: Collection[str]) -> str:
    """The key of the image that an annotation in one of these directories is about."""
    directory, _, name = key.rpartition("/")
    if directory not in directories:
        return key
    parent = directory.rpartition("/")[0]
    return f"{parent}/{name}" if parent else name


def processed_directories(images: Collection[str], annotations: Iterable[str]) -> frozenset[str]:
    """The directories called `processed` whose annotations belong to images one directory up.

    Args:
        images: keys of all images.
        annotations: keys of all annotation files.
    """
    pictures, annotations = _with_directories(images), set(annotations)
    processed, own = set(), set()
    for key in annotations:
        directory = key.rpartition("/")[0]
        if directory.rpartition("/")[2] != PROCESSED:
            continue
        above = folded(key, {directory})
        if above in annotations:  # so this one is of the image in here
            own.add(directory)
        elif above in pictures:
            processed.add(directory)
    return frozenset(processed - own)


def drawn(keys: Iterable[str], annotations: Iterable[str]) -> set[str]:
    """Those of the images that OpenFace drew of others.

    Args:
        keys: of all images.
        annotations: keys of all annotation files.
    """
    keys, annotations = set(keys), set(annotations)
    pictures = _with_directories(keys)
    drawings = set()
    for key in keys:
        directory, _, name = key.rpartition("/")
        if directory.endswith(_ALIGNED):  # processed/NAME_aligned/face_det_000000
            directory, _, name = directory.removesuffix(_ALIGNED).rpartition("/")
        if directory.rpartition("/")[2] != PROCESSED:
            continue
        inner = f"{directory}/{name}"
        above = folded(inner, {directory})
        if above in pictures and not {above, inner} <= annotations:
            drawings.add(key)
    return drawings


def _with_directories(keys: Iterable[str]) -> set[str]:
    """Keys, and those of clips whose frames are images in a directory."""
    keys = set(keys)
    return keys | {key.rpartition("/")[0] for key in keys}
