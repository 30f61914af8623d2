"""Photos as a contact sheet: each shown again with every Action Unit.

    python examples/reanimate_sheet.py --face-model face_model.npz sheet.jpg [PHOTO ...]

Without photos, the three of `examples/portraits`. The faces are found by Google's face landmarker.
"""

import argparse
import pathlib

import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.faces import alignment, images
from ganimation_tf.media import contact_sheet
from ganimation_tf.synthetic import reanimation
from ganimation_tf.synthetic.reanimation.sources import FoundFaces

PORTRAITS = pathlib.Path(__file__).parent / "portraits"


def row(
    photo: pathlib.Path, source: FoundFaces, model, size: int, strength: float
) -> list[np.ndarray]:
    """Each uint8 (size, size, 3): the photo, the face at rest, and each Action Unit."""
    known, _ = source.known(photo.stem, photo)
    if known is None:
        raise SystemExit(f"{photo}: there is no face in it")
    pixels = images.decode(photo.read_bytes())
    portrait = reanimation.Portrait.from_photo(pixels, known.landmarks, model, known.expression)
    anchors = alignment.anchors_from_landmarks(known.landmarks)
    transform = alignment.crop_transform(anchors, alignment.CropSpec(size, 0.1))
    view = reanimation.View(portrait, transform, (size, size))
    shown = [{}, *({name: strength} for name in OPENFACE)]
    pictures = [alignment.crop(pixels, transform, size)]
    return pictures + [view.render(units).image for units in shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=pathlib.Path, help="of `ganimation face-model`")
    parser.add_argument("--size", type=int, default=96, help="side of each picture in pixels")
    parser.add_argument("--strength", type=float, default=0.8, help="of each Action Unit, 0 to 1")
    parser.add_argument("sheet", nargs="?", type=pathlib.Path, default="sheet.jpg")
    parser.add_argument("photos", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    if args.face_model is None:  # it comes with no package
        parser.print_help()
        return
    model = reanimation.load_face_model(args.face_model)
    source = FoundFaces(model)
    photos = args.photos or sorted(PORTRAITS.glob("*.jpg"))
    pictures = []
    for photo in photos:
        pictures += row(photo, source, model, args.size, args.strength)
    titles = ("photo", "at rest", *OPENFACE)
    sheet = contact_sheet.grid(pictures, len(titles), titles=titles)
    args.sheet.write_bytes(images.encode_jpeg(sheet, 90))
    print(f"{args.sheet}: {len(photos)} photos, at rest and with {len(OPENFACE)} Action Units")


if __name__ == "__main__":
    main()
