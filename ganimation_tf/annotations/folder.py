"""All annotations of a folder on this machine, for commands that go through photos one by one."""

import itertools
import pathlib
from collections import defaultdict
from typing import Any

from ganimation_tf import inputs
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.reader import Part, Reader
from ganimation_tf.annotations.recognition import SUFFIXES, Annotations, make_reader
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import UserError
from ganimation_tf.faces import images


class Folder:
    """What a folder of any annotator's files says about photos.

    Args:
        where: the folder, searched recursively, or one file.
        images_root: the folder that names of images are relative to.

    Raises:
        UserError: if there is no such folder, or nothing in it is of a known source.
    """

    def __init__(self, where: pathlib.Path, images_root: pathlib.Path):
        files = self._files(where)
        given = Annotations(files, str(where))
        photos = [file for _, file in _found(images_root, images.SUFFIXES)]
        reader, keys = make_reader(given, str(images_root.resolve())).for_images(
            photos, [file for _, file in files]
        )
        self._reader: Reader = reader
        self._keys = dict(zip(map(inputs.key_of, photos), keys, strict=True))
        self._references: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self._refused: list[Rejection] = []
        for path, file in files:
            for part in self._reader.index(path, file):
                if isinstance(part, Rejection):
                    self._refused.append(part)
                elif isinstance(part, Part):
                    self._references[part.key].append((file, part.reference))

    @staticmethod
    def _files(where: pathlib.Path) -> list[tuple[str, str]]:
        if where.is_file():
            return [(str(where), where.name)]
        if not where.is_dir():
            raise UserError(f"{where}: there is no such file or directory of annotations")
        return _found(where, SUFFIXES)

    @property
    def refused(self) -> list[Rejection]:
        """What belongs to no photo: rows without key, files that cannot be read."""
        return self._refused

    @property
    def keys(self) -> set[str]:
        """The keys of the photos that are spoken of."""
        return set(self._references)

    def faces(self, key: str) -> list[FaceAnnotation | Rejection]:
        """The faces of the photo of this key, as rows tell them; [] if nothing is said."""
        key = self._keys.get(key, key)
        said = self._references.get(key, [])
        if not said:
            return []
        names = sorted({file for file, _ in said})
        if len(names) > 1:
            message = f"{names[0]}: has the same key {key!r} as {', '.join(names[1:])}"
            return [Rejection(key, "ambiguous_key", message, names[0])]
        reference = said[0][1]
        if self._reader.opens_index:  # rows of a table, which need not be neighbours
            reference = list(itertools.chain.from_iterable(part for _, part in said))
        try:
            (image,) = self._reader.images(key, names[0], reference)
        except AnnotationError as error:
            return [Rejection(key, error.code, str(error), names[0])]
        return list(image.faces)


def _found(where: pathlib.Path, suffixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """(path, name relative to the folder) of its files with these suffixes, in order."""
    named = (path for path in where.rglob("*") if path.name.lower().endswith(suffixes))
    paths = sorted(path for path in named if not inputs.is_sidecar(path.name))
    return [(str(path), path.relative_to(where).as_posix()) for path in paths]
