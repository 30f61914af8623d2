"""Which image file is which frame, where the frames of a clip are image files in a directory.

`FeatureExtraction -fdir` sorts the names of a directory as text and counts them from 1: `10.png`
comes before `2.png`, and what the names say does not count. A table of a video counts its frames,
and the images are some or all of them, in the order of their numbers.
"""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ganimation_tf import inputs
from ganimation_tf.annotations.reader import frame_key
from ganimation_tf.errors import UserError

LISTED_BY_OPENFACE = (".jpg", ".jpeg", ".png", ".bmp")
"""What `FeatureExtraction -fdir` takes for images; upper case it does not (SequenceCapture.cpp)."""

_NAMED = 3  # clips that a note names


@dataclasses.dataclass(frozen=True)
class Frames:
    """The frames of clips, as image files.

    Attributes:
        keys: of the images, in the order they were given.
        counts: number of images of those clips whose names do not by themselves tell the frame:
            as many frames must be annotated.
        unnumbered: clips whose names have another order as text than by their numbers.
    """

    keys: Sequence[str]
    counts: Mapping[str, int]
    unnumbered: Sequence[str]

    def notes(self) -> list[tuple[str, str]]:
        """What should be said of them: (code, message)."""
        if not self.unnumbered:
            return []
        clips = self.unnumbered
        more = f" and {len(clips) - _NAMED} more" if len(clips) > _NAMED else ""
        message = (
            f"the images of {', '.join(clips[:_NAMED])}{more} are taken in the order of their "
            "names as text (10 before 2), as FeatureExtraction -fdir counts them; if the video "
            "itself was annotated, --first-frame 1 takes the numbers in their names"
        )
        return [("text_order", message)]


def frames_of(
    files: Sequence[str],
    clips: Collection[str],
    root_name: str,
    first_frame: int,
    first_image: int | None,
    by_text: bool,
) -> Frames:
    """Finds the frame of each image.

    Args:
        files: names of images, relative to their root.
        clips: keys of the clips that are annotated; images of other directories are photos.
        root_name: name of the root itself, which may be a clip's directory.
        first_frame: number that the annotator gives a clip's first frame.
        first_image: number in the name of a clip's first frame; None: positions count.
        by_text: whether the annotator sorts the names as text.

    Raises:
        UserError: if a name has a number below `first_image`.
    """
    keys = list(map(inputs.key_of, files))
    counts, unnumbered = {}, []
    for clip, places in sorted(_clips(keys, clips, root_name).items()):
        numbers = {place: _number(keys[place]) for place in places}
        if first_image is not None:
            for place, number in numbers.items():
                if number is not None:
                    _require_from(first_image, number, clip)
                    keys[place] = frame_key(clip, number - first_image + first_frame)
            continue
        if by_text:
            frames = [place for place in places if files[place].endswith(LISTED_BY_OPENFACE)]
            frames.sort(key=lambda place: files[place].rpartition("/")[2])
        else:
            frames = [place for place in places if numbers[place] is not None]
            frames.sort(key=lambda place: (numbers[place], files[place]))
        named = [numbers[place] for place in frames]
        for position, place in enumerate(frames):
            keys[place] = frame_key(clip, position + first_frame)
        if not frames or named != list(range(1, len(frames) + 1)):  # else both ways to count agree
            counts[clip] = len(frames)
        known = [number for number in named if number is not None]
        if by_text and len(known) == len(named) and known != sorted(known):
            unnumbered.append(clip)
    return Frames(keys, counts, unnumbered)


def _clips(
    keys: Sequence[str], clips: Collection[str], root_name: str
) -> Mapping[str, Sequence[int]]:
    """The images, by their place in `keys`, of each clip that is annotated."""
    places_of: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        clip = key.rpartition("/")[0] or root_name
        if clip in clips and not inputs.is_sidecar(key):
            places_of[clip].append(place)
    return places_of


def _number(key: str) -> int | None:
    """The last number in a name."""
    digits = re.findall(r"\d+", key.rpartition("/")[2])
    return int(digits[-1][-18:]) if digits else None


def _require_from(first_image: int, number: int, clip: str) -> None:
    if number < first_image:
        message = f"--first-frame is {first_image}, but {clip} has a frame numbered {number}"
        raise UserError(message)
