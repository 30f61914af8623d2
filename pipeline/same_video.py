"""Is an annotation of this very video, or of another version of it, cut or encoded again?"""

from ganimation_tf.annotations.clips import Clips
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.reader import Reader
from ganimation_tf.faces.video import VIDEO_SUFFIXES, Frames
from ganimation_tf.inputs import FileError
from pipeline import files
from pipeline.entries import Entry

_ABOUT = 100  # one frame of so many may be missing: some containers say only about how many
_PACE = 0.05  # likewise of their rate


def require_same_video(reader: Reader, image: Entry, annotation: Entry) -> None:
    """Refuses an annotation of another video than this: any of its frames may be another.

    Args:
        reader: of the annotation.
        image: the video; a photo is none, and fits.
        annotation: what is said of it.

    Raises:
        AnnotationError: if it speaks of frames that the video does not have, or of fewer at another
            pace.
    """
    if not isinstance(reader, Clips) or not image.file.lower().endswith(VIDEO_SUFFIXES):
        return
    try:
        with Frames(image.reference, files.local_copy) as frames:
            count, rate = frames.extent()
    except FileError:
        return  # said where the frames are read
    last, annotated_rate = reader.extent(annotation.reference)
    spare = max(1, count // _ABOUT)
    if count and last > count + spare:
        _refuse(f"{annotation.file}: speaks of {last} frames, {image.file} has {count}")
    # Fewer may have been annotated; but not of this one, if time goes at another pace, too.
    if annotated_rate and rate and count > last + spare:
        if abs(annotated_rate / rate - 1) > _PACE:
            told = f"{annotated_rate:.3g} frames a second, {image.file} has {rate:.3g}"
            _refuse(f"{annotation.file}: was measured at {told}")


def _refuse(message: str) -> None:
    raise AnnotationError(
        "unknown_order",
        f"{message}: it is of another version of the video, and which frame is which cannot be "
        "known; annotate this one",
    )
