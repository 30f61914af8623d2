"""What photos and annotations are, by their content: what TFX's cache is to go by."""

import hashlib
import pathlib
from collections.abc import Iterator

from pipeline.inventory import Listed, list_inputs


def content_digest(images: str, annotations: str) -> str:
    """SHA-256 over names and bytes of all input files.

    Args:
        images, annotations: directories or globs, as of `preprocess`.

    Raises:
        UserError: if nothing is there.
    """
    digest = hashlib.sha256()
    for listed in list_inputs(images, annotations):
        for name, path in sorted(_named(listed)):
            digest.update(f"{len(name)} {name} ".encode())
            digest.update(_digest_of(path))
    return digest.hexdigest()


def _named(listed: Listed) -> Iterator[tuple[str, str]]:
    for one in listed:
        yield one.file.encode("utf-8", "backslashreplace").decode(), one.path


def _digest_of(path: str) -> bytes:
    try:
        with pathlib.Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:  # the job will name it as a rejection
        return str(error.errno).encode()
