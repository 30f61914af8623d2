"""Is an annotation of this very video, or of another version of it, cut or encoded again?"""

import contextlib

from ganimation_tf.annotations.clips import Clips
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.faces.video import VIDEO_SUFFIXES, Frames
from ganimation_tf.inputs import FileError
from pipeline import files
from pipeline.entries import Entry

_ABOUT = 100  # one frame of so many may be missing: some containers say only about how many


def require_same_video(reader: Reader, image: Entry, annotation: Entry) -> None:
    """Refuses an annotation that is longer than the video: any of its frames may be another.

    Args:
        reader: of the annotation.
        image: the video; a photo is none, and fits.
        annotation: what is said of it.

    Raises:
        AnnotationError: if it speaks of frames that the video does not have.
    """
    if not isinstance(reader, Clips) or not image.file.lower().endswith(VIDEO_SUFFIXES):
        return
    count = None
    with contextlib.suppress(FileError):  # said where the frames are read
        with Frames(image.reference, files.local_copy) as frames:
            count = frames.count()
    if count is None:
        return
    last = reader.last_frame(annotation.reference) + 1
    if last > count + max(1, count // _ABOUT):
        message = (
            f"{annotation.file}: speaks of {last} frames, {image.file} has {count}: it is of "
            "another version of the video, and which frame is which cannot be known; annotate "
            "this one"
        )
        raise AnnotationError("unknown_order", message)
