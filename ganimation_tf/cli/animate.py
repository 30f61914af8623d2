"""`ganimation animate`."""

import argparse
import pathlib
import typing

from ganimation_tf.cli import connection
from ganimation_tf.errors import UserError

HELP = "animate the face in a photo through a served model"
EXAMPLE = "ganimation animate face.jpg --au AU12=1 --au AU06=0.6 smile.gif"

LONGEST_SIDES = {".gif": 640, ".mp4": 640, ".png": 320}
"""Kinds of output, and the longest side in pixels of their pictures with --full-photo."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("photo", type=pathlib.Path, help="picture of a face")
    parser.add_argument(
        "output", type=pathlib.Path, help="OUT.gif or OUT.mp4; or OUT.png: a contact sheet"
    )
    connection.configure(parser)
    connection.configure_edit(parser)
    parser.add_argument("--frames", type=int, default=16, help="number of frames, 2 to 240")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--annotations", type=pathlib.Path, help="where the face is: a file of any annotator"
    )
    where.add_argument(
        "--crop",
        choices=("detect", "whole"),
        default="detect",
        help="find the face, or take the photo's centre square for it",
    )
    parser.add_argument(
        "--full-photo", action="store_true", help="put each frame back into the photo"
    )
    parser.add_argument(
        "--scale", type=int, default=1, help="enlarge the frames of a small model, 1 to 16 times"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the animation or the contact sheet; returns 0."""
    _check(args)
    from ganimation_tf.animation import served
    from ganimation_tf.faces import alignment, images
    from ganimation_tf.media import provenance

    photo = _read_photo(args.photo)
    with connection.open_client(args) as client:
        client = client.pinned()  # a newer version may call its AUs otherwise
        card = client.describe()
        transform = _face_transform(args, photo, card.crop)
        face = alignment.crop(photo, transform, card.crop.size)
        encoded = images.encode_png(face)
        way = _way(args, client.estimate([encoded])[0], card.action_units)
        origin = None if args.no_provenance else provenance.Provenance.of(card, way.target)
        frames = served.edit_frames(client, encoded, way.units)
    if args.full_photo:
        side = LONGEST_SIDES[args.output.suffix.lower()]
        frames = [served.fit(alignment.paste(photo, frame, transform), side) for frame in frames]
        face = served.fit(photo, side)
    face, *frames = (served.enlarge(picture, args.scale) for picture in (face, *frames))
    provenance.save(args.output, _encode(args, face, frames, way, card.action_units), origin)
    changes = ", ".join(
        f"{name} {way.source[card.action_units.index(name)]:.2f} -> {value:.2f}"
        for name, value in way.chosen.items()
    )
    height, width = frames[0].shape[:2]
    print(f"{args.output}: {len(frames)} frames of {width} x {height} pixels; {changes or 'rest'}")
    return 0


class _Way(typing.NamedTuple):
    """Where the AUs come from and go to.

    Attributes:
        source, target: float32 (N,) in [0, 1].
        units: float32 (F, N) in [0, 1], those of each frame.
        chosen: the AUs that were named.
    """

    source: typing.Any
    target: typing.Any
    units: typing.Any
    chosen: dict[str, float]


def _way(args: argparse.Namespace, seen, names) -> _Way:
    import numpy as np

    from ganimation_tf import action_units
    from ganimation_tf.animation import served

    chosen = action_units.parse_assignments(args.au, names)
    source = np.clip(seen, 0.0, 1.0)
    target = action_units.target(source if args.rest == "source" else None, chosen, names)
    course = served.RAMP if args.output.suffix.lower() == ".png" else served.LOOP
    steps = served.amounts(args.frames, course)[:, None].astype(np.float32)
    # The weighted sum of two values in [0, 1] can leave it by a rounding error.
    units = np.clip(source * (1 - steps) + target * steps, 0.0, 1.0)
    return _Way(source, target, units, chosen)


def _encode(args: argparse.Namespace, face, frames, way: _Way, names) -> bytes:
    """The file that the output's name asks for."""
    from ganimation_tf.animation import served
    from ganimation_tf.media import gif

    suffix = args.output.suffix.lower()
    if suffix == ".gif":
        return gif.encode(frames, served.FRAME_MILLISECONDS)
    if suffix == ".mp4":
        return served.encode_mp4(frames)
    return served.encode_sheet(face, frames, way.units, way.source, list(names), list(way.chosen))


def _check(args: argparse.Namespace) -> None:
    """What can be known to be wrong before any work.

    Raises:
        UserError: naming the option, the rule and the value.
    """
    if args.output.suffix.lower() not in LONGEST_SIDES:
        kinds = " or ".join(LONGEST_SIDES)
        raise UserError(f"the output must end in {kinds}, got {args.output}")
    if not args.output.parent.is_dir():
        raise UserError(f"{args.output.parent}: no such directory to write to")
    if not 2 <= args.frames <= 240:
        raise UserError(f"--frames must be in [2, 240], got {args.frames}")
    if not 1 <= args.scale <= 16:
        raise UserError(f"--scale must be in [1, 16], got {args.scale}")
    if not args.au and args.rest == "source":
        raise UserError("nothing would change: give --au NAME=INTENSITY, or --rest zero")


def _read_photo(path: pathlib.Path):
    """The photo as uint8 (height, width, 3)."""
    from ganimation_tf.faces import images

    try:
        return images.decode(path.read_bytes())
    except (OSError, images.ImageError) as error:
        raise UserError(f"{path}: {error}") from error


def _face_transform(args: argparse.Namespace, photo, spec):
    """float64 (2, 3), crop pixel -> photo pixel."""
    from ganimation_tf.faces import alignment

    if args.annotations:
        anchors = _annotated_anchors(args, photo, spec)
    elif args.crop == "detect":
        from ganimation_tf.faces import detector

        anchors = alignment.anchors_from_five_points(detector.find_face(photo))
    else:
        return _centre_square(photo.shape[0], photo.shape[1], spec.size)
    height, width = photo.shape[:2]
    if (anchors < 0).any() or (anchors > [width, height]).any():
        raise UserError(
            f"{args.annotations or args.photo}: eyes and mouth must lie in the photo of "
            f"{width} x {height} pixels, got {anchors.round().astype(int).tolist()}"
        )
    try:
        return alignment.crop_transform(anchors, spec)
    except ValueError as error:
        raise UserError(f"{args.annotations or args.photo}: {error}") from error


def _annotated_anchors(args: argparse.Namespace, photo, spec):
    """float64 (3, 2): eyes and mouth by the annotation, with a detector's help if it needs it."""
    from ganimation_tf.annotations.fit import GeometryError
    from ganimation_tf.annotations.geometry import Geometry, Limits
    from ganimation_tf.annotations.photo import face_in

    face = face_in(args.annotations, args.photo)
    detector = "none" if face.landmarks is not None else "mtcnn"
    geometry = Geometry(spec, Limits(), detector)
    try:
        anchors = geometry.anchors(face)
        return geometry.detected(face, photo, alone=True) if anchors is None else anchors
    except GeometryError as error:
        raise UserError(f"{face.where}: {error}") from None


def _centre_square(height: int, width: int, size: int):
    import numpy as np

    side = min(height, width)
    scale = side / size
    # Pixel centres: photo = (crop + 0.5) * scale - 0.5, from the corner of the square.
    shift = 0.5 * scale - 0.5
    left, top = (width - side) / 2, (height - side) / 2
    return np.array([[scale, 0.0, left + shift], [0.0, scale, top + shift]])
