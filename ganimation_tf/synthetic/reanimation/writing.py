"""A folder of portraits into a folder of faces: pictures, annotations and what was rejected.

Two passes: the first fits every portrait, since it has to be known how many there are to share the
faces among; the second renders. What is there already is not made again.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator

from ganimation_tf import files, inputs, progress
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic import openface
from ganimation_tf.synthetic.reanimation import faces
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.portrait import Portrait, RejectedPortrait
from ganimation_tf.synthetic.reanimation.sources import KnownFace, Source

PICTURES, ANNOTATIONS, REJECTED = "imgs", "openface_csv", "rejected.jsonl"
JPEG_QUALITY = 95


@dataclasses.dataclass(frozen=True, eq=False)
class Usable:
    """A portrait that can be re-animated.

    Attributes:
        name: of its faces' files: its key, with what a file's name or a CSV may not hold replaced.
        path: of the photo.
        known: what is known of its face.
    """

    name: str
    path: pathlib.Path
    known: KnownFace


@dataclasses.dataclass(frozen=True, eq=False)
class Request:
    """What is to be made.

    Attributes:
        model: the face model.
        count: faces over all portraits.
        size: side of the pictures in pixels.
        seed: where the randomness starts.
        format: "jpeg" or "png".
    """

    model: FaceModel
    count: int
    size: int
    seed: int
    format: str = "jpeg"

    @property
    def frame(self) -> alignment.CropSpec:
        """Size and margin of the pictures."""
        return alignment.CropSpec(self.size, faces.FRAME_MARGIN)

    def encode(self, image) -> bytes:
        """A picture as a file; `image` is uint8 (size, size, 3)."""
        if self.format == "png":
            return images.encode_png(image)
        return images.encode_jpeg(image, JPEG_QUALITY)


def photos_in(folder: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """(key, path) of the photos of a folder, searched recursively, in order.

    Raises:
        UserError: if it is no folder or has no photo.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such directory of portraits")
    named = (path for path in folder.rglob("*") if path.name.lower().endswith(images.SUFFIXES))
    paths = sorted(path for path in named if not inputs.is_sidecar(path.name))
    if not paths:
        raise UserError(f"{folder}: no file with suffix {', '.join(images.SUFFIXES)}")
    return [(inputs.key_of(path.relative_to(folder).as_posix()), path) for path in paths]


def usable_portraits(
    photos: list[tuple[str, pathlib.Path]], source: Source, request: Request
) -> tuple[list[Usable], list[Rejection]]:
    """The portraits that can be re-animated, and every face and photo that cannot."""
    names: set[str] = set()
    usable, rejected = [], []
    for key, path in progress.track(photos, len(photos), "portraits"):
        try:
            known, others = source.known(key, path)
            rejected += others
            if known is None:
                continue
            _read(path, known, request)
        except (RejectedPortrait, images.ImageError, inputs.FileError) as error:
            rejected.append(Rejection(key, error.code, f"{path.name}: {error}", path.name))
        except OSError as error:
            message = f"{path.name}: cannot be read: {error.strerror}"
            rejected.append(Rejection(key, "unreadable_file", message, path.name))
        else:
            name = _name(key, names)
            names.add(name)
            usable.append(Usable(name, path, known))
    return usable, rejected


def write(usable: list[Usable], request: Request, out: pathlib.Path) -> None:
    """Writes the faces that are not there yet."""
    with progress.Display(request.count, "faces") as display:
        done = 0
        for number, portrait in enumerate(usable):
            wanted = faces.numbers_of(number, len(usable), request.count)
            missing = [one for one in wanted if not _annotation(out, portrait.name, *one).exists()]
            done += len(wanted) - len(missing)
            for _ in _write_portrait(portrait, missing, request, out):
                done += 1
                display.show(done)


def save_rejected(rejected: list[Rejection], out: pathlib.Path) -> None:
    """Writes `rejected.jsonl`, a line for each, in order."""
    lines = "".join(f"{one.to_json()}\n" for one in sorted(rejected))
    files.write_whole(out / REJECTED, lines.encode("utf-8", "backslashreplace"))


def _write_portrait(
    portrait: Usable, numbers: list[tuple[int, int]], request: Request, out: pathlib.Path
) -> Iterator[None]:
    if not numbers:
        return
    fitted = _read(portrait.path, portrait.known, request)
    subject = portrait.name if portrait.known.subject is None else portrait.known.subject
    subject = _plain(subject)
    rendered = faces.render_faces(fitted, portrait.name, numbers, request.seed, request.frame)
    for face in rendered:
        pair = openface.Pair(subject, f"{portrait.name}_look_{face.look:04d}", face.anchors)
        text = openface.to_csv(face.rendering.landmarks, face.action_units, pair)
        annotation = _annotation(out, portrait.name, face.look, face.expression)
        suffix = "png" if request.format == "png" else "jpg"
        picture = out / PICTURES / f"{annotation.stem}.{suffix}"
        files.write_whole(picture, request.encode(face.rendering.image))
        files.write_whole(annotation, text.encode())  # last: it says that the picture is there
        yield


def _read(path: pathlib.Path, known: KnownFace, request: Request) -> Portrait:
    photo = functools.partial(images.decode_reduced, path.read_bytes())
    return faces.read_portrait(
        photo, known.landmarks, request.model, known.expression, request.frame
    )[0]


def _annotation(out: pathlib.Path, name: str, look: int, expression: int) -> pathlib.Path:
    return out / ANNOTATIONS / f"{name}_look_{look:04d}_expr_{expression:03d}.csv"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text) or "_"


def _name(key: str, taken: set[str]) -> str:
    """A file's name out of a key, which no other portrait has."""
    plain = name = _plain(key)
    number = 1
    while name.lower() in {one.lower() for one in taken}:
        number += 1
        name = f"{plain}~{number}"
    return name
