"""A folder of portraits into a folder of faces: pictures, annotations and what was rejected.

Two passes: the first fits every portrait, since it has to be known how many there are to share the
faces among and who exchanges skins; the second renders. What is there already is not made again.
"""

import dataclasses
import functools
import itertools
import pathlib
import re

from ganimation_tf import files, inputs, parallel, progress
from ganimation_tf.annotations.rejections import Rejection
from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic import openface
from ganimation_tf.synthetic.reanimation import faces
from ganimation_tf.synthetic.reanimation.couples import couples
from ganimation_tf.synthetic.reanimation.face_model import FaceModel
from ganimation_tf.synthetic.reanimation.portrait import Portrait, RejectedPortrait
from ganimation_tf.synthetic.reanimation.skin import Appearance, exchange_skin
from ganimation_tf.synthetic.reanimation.sources import KnownFace, Source

PICTURES, ANNOTATIONS, REJECTED = "imgs", "openface_csv", "rejected.jsonl"
JPEG_QUALITY = 95

TASK = 8 * faces.EXPRESSIONS_PER_LOOK
"""Faces that a process renders at a time: the photo is fitted once for them."""


@dataclasses.dataclass(frozen=True, eq=False)
class Usable:
    """A portrait that can be re-animated; of thousands all are held, so without its pixels.

    Attributes:
        name: of its faces' files: its key, with what a file's name or a CSV may not hold replaced.
        path: of the photo.
        known: what is known of its face.
        subject: who is shown.
        appearance: by which it is compared with others.
        partner: index of the portrait whose skin its odd looks have; None: they have its own.
    """

    name: str
    path: pathlib.Path
    known: KnownFace
    subject: str
    appearance: Appearance
    partner: int | None = None


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
            appearance = Appearance.of(_read(path, known, request))
        except (RejectedPortrait, images.ImageError, inputs.FileError) as error:
            rejected.append(Rejection(key, error.code, f"{path.name}: {error}", path.name))
        except OSError as error:
            message = f"{path.name}: cannot be read: {error.strerror}"
            rejected.append(Rejection(key, "unreadable_file", message, path.name))
        else:
            name = _name(key, names)
            names.add(name.lower())
            subject = _plain(name if known.subject is None else known.subject)
            usable.append(Usable(name, path, known, subject, appearance))
    return usable, rejected


def exchange_skins(usable: list[Usable]) -> list[Usable]:
    """The same portraits, the most alike of them partners; both people of a couple one subject.

    They have skin in common, so they belong on one side of a split.
    """
    coupled = list(usable)
    merged: dict[str, str] = {}
    chosen = couples([one.appearance for one in usable], [one.subject for one in usable])
    for one, other in chosen:
        coupled[one] = dataclasses.replace(usable[one], partner=other)
        coupled[other] = dataclasses.replace(usable[other], partner=one)
        subjects = usable[one].subject, usable[other].subject
        merged |= dict.fromkeys(subjects, min(subjects))
    return [
        dataclasses.replace(one, subject=merged.get(one.subject, one.subject)) for one in coupled
    ]


def couples_of(usable: list[Usable]) -> list[tuple[str, str]]:
    """The names of each two that exchange skins."""
    return [
        (one.name, usable[one.partner].name)
        for index, one in enumerate(usable)
        if one.partner is not None and index < one.partner
    ]


def write(
    usable: list[Usable], request: Request, out: pathlib.Path, workers: int = 1
) -> list[Rejection]:
    """Writes the faces that are not there yet; returns which skins could not be exchanged.

    Where that is so, `#skin` stands behind the portrait's name, and all looks have its own skin.
    """
    tasks = [
        (number, wanted[start : start + TASK])
        for number in range(len(usable))
        for wanted in [faces.numbers_of(number, len(usable), request.count)]
        for start in range(0, len(wanted), TASK)
    ]
    rejected: set[Rejection] = set()
    with progress.Display(request.count, "faces") as display:
        done = 0
        for made, unlike in parallel.spread(_write_task, (usable, request, out), tasks, workers):
            done += made
            rejected |= unlike
            display.show(done)
    return sorted(rejected)


def _write_task(
    shared: tuple[list[Usable], Request, pathlib.Path], task: tuple[int, list[tuple[int, int]]]
) -> tuple[int, set[Rejection]]:
    """Writes the missing ones of some faces of a portrait.

    Args:
        task: the portrait's number, and (look, expression) of each.

    Returns:
        How many faces there then are, and what `write` returns.
    """
    usable, request, out = shared
    number, wanted = task
    portrait, rejected = usable[number], set[Rejection]()
    missing = [one for one in wanted if not _annotation(out, portrait.name, *one).exists()]
    # Asked again where all faces are there: the call that made them cannot have told.
    exchanges = portrait.partner is not None and any(look % 2 for look, _ in wanted)
    if not missing and not exchanges:
        return len(wanted), rejected
    own = other = _read(portrait.path, portrait.known, request)
    if portrait.partner is not None and exchanges:
        other, unlike = _with_skin_of(usable[portrait.partner], portrait, own, request)
        rejected.update(unlike)
    for odd, looks in itertools.groupby(missing, lambda number: number[0] % 2):
        shown, frame = (own, other)[odd], request.frame
        for face in faces.render_faces(shown, portrait.name, looks, request.seed, frame):
            _write_face(face, portrait, request, out)
    return len(wanted), rejected


def save_rejected(rejected: list[Rejection], out: pathlib.Path) -> None:
    """Writes `rejected.jsonl`, a line for each, in order."""
    lines = "".join(f"{one.to_json()}\n" for one in sorted(rejected))
    files.write_whole(out / REJECTED, lines.encode("utf-8", "backslashreplace"))


def _with_skin_of(
    donor: Usable, portrait: Usable, own: Portrait, request: Request
) -> tuple[Portrait, list[Rejection]]:
    """The portrait with the donor's skin, with its own where it cannot have that, and why not.

    Face, light and eyes are the photo's: the exchange leaves them where and as they are.
    """
    try:
        photo = exchange_skin(own, _read(donor.path, donor.known, request))
    except RejectedPortrait as error:
        message = f"{portrait.path.name}: skin of {donor.path.name}: {error}"
        key = f"{portrait.name}#skin"
        return own, [Rejection(key, error.code, message, portrait.path.name)]
    return dataclasses.replace(own, photo=photo), []


def _write_face(face: faces.Face, portrait: Usable, request: Request, out: pathlib.Path) -> None:
    pair = openface.Pair(portrait.subject, f"{portrait.name}_look_{face.look:04d}", face.anchors)
    text = openface.to_csv(face.rendering.landmarks, face.action_units, pair)
    annotation = _annotation(out, portrait.name, face.look, face.expression)
    suffix = "png" if request.format == "png" else "jpg"
    picture = out / PICTURES / f"{annotation.stem}.{suffix}"
    files.write_whole(picture, request.encode(face.rendering.image))
    files.write_whole(annotation, text.encode())  # last: it says that the picture is there


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
    """A file's name out of a key, which no other portrait has; `taken` in lower case."""
    plain = name = _plain(key)
    number = 1
    while name.lower() in taken:
        number += 1
        name = f"{plain}~{number}"
    return name
