"""What an animation is written as; the output's name says which."""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from ganimation_tf import files
from ganimation_tf.errors import UserError, as_user_error
from ganimation_tf.faces import images
from ganimation_tf.media import contact_sheet, gif, provenance, video, webp
from ganimation_tf.media.provenance import Provenance

GIF, WEBP, MP4, SHEET, STILL, SEQUENCE = "gif", "webp", "mp4", "sheet", "still", "sequence"

LONGEST_SIDES = {GIF: 640, WEBP: 720, SHEET: 256}
"""Longest side in pixels unless another is asked for; MP4, still and sequence keep the photo's."""

SHEET_COLUMNS = 9

LARGE = 3_000_000
"""Bytes of a picture above which a PNG is to be written fast rather than small."""


@dataclasses.dataclass(frozen=True)
class Output:
    """Where one result goes.

    Attributes:
        path: the file, or the directory of a sequence.
        kind: one of the constants above.
        longest_side: of the frames in pixels; None leaves them.
    """

    path: pathlib.Path
    kind: str
    longest_side: int | None = None

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """The frame, reduced if a side is too long."""
        return frame if self.longest_side is None else fit(frame, self.longest_side)


def kind_of(path: str, still: bool) -> str:
    """The kind that a name asks for.

    Raises:
        UserError: if it asks for none.
    """
    suffix = pathlib.PurePath(path).suffix.lower()
    if path.endswith("/") or pathlib.Path(path).is_dir() or not suffix:
        return STILL if still else SEQUENCE
    if still:
        if suffix in (".png", ".jpg", ".jpeg"):
            return STILL
        raise UserError(f"--still writes .png or .jpg, got {path}")
    kinds = {".gif": GIF, ".webp": WEBP, ".mp4": MP4, ".png": SHEET}
    if suffix in kinds:
        return kinds[suffix]
    if suffix in (".jpg", ".jpeg"):
        raise UserError(f"{path}: one edited picture is written with --still")
    raise UserError(f"the output must end in {', '.join(kinds)} or be a directory, got {path}")


def fit(image: np.ndarray, longest_side: int) -> np.ndarray:
    """The picture reduced so that no side is longer; a smaller one stays as it is."""
    height, width = image.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def enlarge(image: np.ndarray, times: int) -> np.ndarray:
    """The picture with each side `times` as long."""
    if times == 1:
        return image
    return cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)


def write_picture(path: pathlib.Path, image: np.ndarray, origin: Provenance | None) -> None:
    """A PNG or, by its name, a JPEG, whole or not at all."""
    lossy = path.suffix.lower() in (".jpg", ".jpeg")
    level = 6 if image.size < LARGE else 1
    encoded = images.encode_jpeg(image) if lossy else images.encode_png(image, level)
    provenance.save(path, encoded, origin)


def write_animation(
    output: Output,
    frames: Iterable[np.ndarray],
    frames_per_second: float,
    origin: Provenance | None,
    times: Iterable[float] | None = None,
    sound_of: pathlib.Path | None = None,
) -> tuple[int, tuple[int, int]]:
    """Writes a GIF, WebP, MP4 or sequence, whole or not at all; not all frames are in memory.

    Args:
        frames_per_second: the average.
        times: of each frame, in seconds; each is asked for after its frame; None: evenly.
        sound_of: a video whose sound goes into an MP4.

    Returns:
        The number of frames, and their width and height.
    """
    counted = _Counted(output.fitted(frame) for frame in frames)

    def finish(partial: pathlib.Path) -> None:
        if origin is not None:
            provenance.label_file(partial, origin)

    if output.kind == MP4:
        video.write(output.path, counted, frames_per_second, times, sound_of, finish)
    elif output.kind == SEQUENCE:
        _write_sequence(output.path, counted, origin)
    else:
        write = gif.write if output.kind == GIF else webp.write
        with (
            as_user_error(f"{output.path}: cannot be written"),
            files.whole(output.path) as partial,
        ):
            with partial.open("w+b") as file:
                write(file, _until_the_next(counted, times, frames_per_second))
            finish(partial)
    return counted.count, counted.size


def _until_the_next(
    frames: Iterable[np.ndarray], times: Iterable[float] | None, frames_per_second: float
) -> Iterator[tuple[np.ndarray, float]]:
    """Frames, each with the time of the next, in seconds from the first."""
    clock = (n / frames_per_second for n in itertools.count()) if times is None else iter(times)
    before, first, time = None, 0.0, 0.0
    for frame in frames:
        time = next(clock)
        if before is None:
            first = time
        else:
            yield before, time - first
        before = frame
    if before is not None:
        yield before, time - first + 1 / frames_per_second


def too_fast(output: Output, frames_per_second: float) -> list[str]:
    """A word on frames that are left out, where the kind of file cannot show as many."""
    formats = {GIF: gif, WEBP: webp}
    if output.kind not in formats:
        return []
    chosen = formats[output.kind]
    most = chosen.PER_SECOND // chosen.SHORTEST
    if frames_per_second <= most:
        return []
    return [
        f"{output.path}: browsers show at most {most} frames in a second of it; the others of "
        f"{frames_per_second:g} are left out"
    ]


class _Counted:
    """An iterable of frames that remembers how many there were and how large."""

    def __init__(self, frames: Iterable[np.ndarray]):
        self._frames = frames
        self.count = 0
        self.size = (0, 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self._frames:
            self.count += 1
            self.size = (frame.shape[1], frame.shape[0])
            yield frame


def _write_sequence(directory: pathlib.Path, frames, origin: Provenance | None) -> None:
    """`frame_00000.png` and so on, in a directory of their own that appears at the end."""
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"{directory}: the directory of a sequence must be new or empty")
    with as_user_error(f"{directory}: cannot be written"):
        with files.whole(directory) as partial:
            partial.mkdir(parents=True)
            for number, frame in enumerate(frames):
                write_picture(partial / f"frame_{number:05}.png", frame, origin)


def sheet(
    source: np.ndarray,
    frames: Sequence[np.ndarray],
    units: np.ndarray,
    source_units: np.ndarray,
    names: Sequence[str],
    chosen: Sequence[str],
) -> np.ndarray:
    """The input and its frames, each labelled with the AUs that were asked for.

    Args:
        source: uint8 (H, W, 3), as the frames.
        units: float (F, N), of the frames.
        source_units: float (N,), of the input.
        names: the N names.
        chosen: those to write below the pictures.
    """

    def label(row: np.ndarray) -> str:
        return "\n".join(f"{name} {row[list(names).index(name)]:.2f}" for name in chosen)

    tiles = [source, *frames]
    labels = [label(source_units) + "\ninput", *(label(row) for row in units)]
    columns = math.ceil(len(tiles) / math.ceil(len(tiles) / SHEET_COLUMNS))
    return contact_sheet.grid(tiles, columns, labels)


def sweep_sheet(
    rows: Sequence[Sequence[np.ndarray]], aus: Sequence[str], levels: Sequence[float]
) -> np.ndarray:
    """A row for each AU and a column for each intensity, as the paper shows it."""
    from ganimation_tf.action_units import DESCRIPTIONS

    tiles = list(itertools.chain.from_iterable(rows))
    titles = [f"{level:.2f}" for level in levels]
    row_titles = [f"{name}\n{DESCRIPTIONS.get(name, '')}" for name in aus]
    return contact_sheet.grid(tiles, len(levels), titles=titles, row_titles=row_titles)
