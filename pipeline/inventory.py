"""All input files, listed once: reader, plan, fingerprint and workers see the same ones."""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence

from ganimation_tf.annotations.recognition import LISTED
from ganimation_tf.errors import as_user_error
from ganimation_tf.faces import images
from ganimation_tf.faces.video import VIDEO_SUFFIXES
from ganimation_tf.inputs import FileError
from pipeline import files
from pipeline.files import ListedFile

_BATCH = 4096  # files that are packed together


class Listed:
    """The files of one source; some 20 bytes for each, so that millions can be kept.

    Attributes:
        source: where they are.
    """

    def __init__(self, source: files.Source, listing: Iterable[ListedFile]):
        """Packs what a listing came upon."""
        self.source = source
        self._batches: list[bytes] = []
        batch: list[tuple] = []
        for listed in listing:
            problem = listed.problem and listed.problem.args
            batch.append((listed.path, listed.file, problem, listed.size, listed.modified))
            if len(batch) == _BATCH:
                self._pack(batch)
        self._pack(batch)

    def _pack(self, batch: list[tuple]) -> None:
        self._batches.append(zlib.compress(pickle.dumps(batch, protocol=5), level=1))
        batch.clear()

    def __iter__(self) -> Iterator[ListedFile]:
        """Each file, and each thing that is called like a file and is none."""
        for batch in self._batches:
            for path, file, problem, size, modified in pickle.loads(zlib.decompress(batch)):
                yield ListedFile(path, file, problem and FileError(*problem), size, modified)

    def of(self, suffixes: Sequence[str]) -> Iterator[ListedFile]:
        """Those whose names end so, in whatever case; of a glob or a single file, all."""
        endings = tuple(suffixes)
        for listed in self:
            if not self.source.suffixes or listed.path.lower().endswith(endings):
                yield listed
            elif listed.problem and listed.problem.code == "unreadable_directory":
                yield listed

    def any_of(self, suffixes: Sequence[str]) -> bool:
        """Whether there is a file whose name ends so."""
        endings = tuple(suffixes)
        return any(not listed.problem and listed.path.lower().endswith(endings) for listed in self)


def list_inputs(images_where: str, annotations_where: str | None) -> tuple[Listed, Listed]:
    """The images, videos included, and the annotations; without a place for these, none.

    Raises:
        UserError: if a place is not there or cannot be listed.
    """
    wanted = files.source(files.IMAGE, images_where, (*images.SUFFIXES, *VIDEO_SUFFIXES))
    with as_user_error("cannot list the input"):
        photos = Listed(wanted, wanted.listing())
        if annotations_where is None:
            return photos, Listed(files.Source(files.ANNOTATION, "", "", ()), ())
        wanted = files.source(files.ANNOTATION, annotations_where, LISTED)
        return photos, Listed(wanted, wanted.listing())
