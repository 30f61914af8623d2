"""What has to be known of an annotator: how to tell it, how to read it, what command runs it."""

import dataclasses
import posixpath
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ganimation_tf import inputs
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.annotations.rows import TABLES

NAMED = 4
"""So many images without annotation are named one by one."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What a reader is wanted for.

    Attributes:
        action_units: the AUs that each face shall have, in order.
        maximum: top of the intensity scale.
        open: gives the bytes of a file.
        images_root: directory that the names of images are relative to.
        videos: whether there are videos among the images.
        sample: paths of some annotation files.
        first_image: number in the name of a clip's first frame, where frames are image files;
            None: their order counts.
    """

    action_units: Sequence[str]
    maximum: float
    open: inputs.Opener = inputs.open_local
    images_root: str = ""
    videos: bool = False
    sample: Sequence[str] = ()
    first_image: int | None = None


class Missing(NamedTuple):
    """Images without annotation.

    Attributes:
        total: how many they are.
        names: some of them, or all, relative to `images`.
        images: their directory, as the user wrote it.
        annotations: where annotations are, as the user wrote it.
    """

    total: int
    names: Sequence[str]
    images: str
    annotations: str

    def paths(self) -> list[str]:
        """The first names in order, each as a path."""
        return [posixpath.join(self.images, name) for name in sorted(self.names)[:NAMED]]


def no_command(missing: Missing) -> Sequence[str]:
    """For annotations that no one program writes."""
    return ()


@dataclasses.dataclass(frozen=True)
class Annotator:
    """One source of annotations.

    Attributes:
        form: what it calls its columns; its name is the annotator's.
        tells: whether a header, its names stripped, is of this source.
        reader: the reader of its files for a request.
        command: shell commands that annotate the missing images.
        action_units: the AUs that each of its files has; empty: those that the headers name.
        suffixes: what its files are called.
        marks: endings of further files that it leaves, and that its reader looks for.
    """

    form: Form
    tells: Callable[[Sequence[str]], bool]
    reader: Callable[[Request], Reader]
    command: Callable[[Missing], Sequence[str]] = no_command
    action_units: Sequence[str] = ()
    suffixes: Sequence[str] = TABLES
    marks: Sequence[str] = ()

    @property
    def name(self) -> str:
        """As `--source` has it."""
        return self.form.name
