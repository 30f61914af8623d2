"""Photos as a contact sheet of named expressions, by the weights that ship.

    python examples/expressions_sheet.py sheet.jpg [PHOTO ...]

Without photos, the three of `examples/portraits`.
"""

import argparse
import pathlib

import numpy as np

import ganimation_tf as gan
from ganimation_tf.faces import alignment, images
from ganimation_tf.media import contact_sheet

PORTRAITS = pathlib.Path(__file__).parent / "portraits"

EXPRESSIONS = {
    **{name: ["neutral", name] for name in gan.EXPRESSIONS if name != "neutral"},
    "AU45": ["AU45=1"],
}
"""Title to what is wanted: each begins with the face at rest."""


def row(animator: gan.Animator, photo: np.ndarray, side: int) -> list[np.ndarray]:
    """Each uint8 (side, side, 3), about the face: the photo, the face at rest, the expressions."""
    (face,) = animator.find(photo)
    transform = alignment.crop_transform(face.anchors, alignment.CropSpec(side, 0.5))
    shown = [photo, animator.neutralise(photo)]
    shown += [animator.edit_photo(photo, wanted) for wanted in EXPRESSIONS.values()]
    return [alignment.crop(picture, transform, side) for picture in shown]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sheet", nargs="?", type=pathlib.Path, default="sheet.jpg")
    parser.add_argument("photos", nargs="*", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=192, help="side of each picture in pixels")
    args = parser.parse_intermixed_args(argv)
    animator = gan.Animator.pretrained()
    pictures = []
    for path in args.photos or sorted(PORTRAITS.glob("*.jpg")):
        pictures += row(animator, images.decode(path.read_bytes()), args.size)
    titles = ("photo", "at rest", *EXPRESSIONS)
    sheet = contact_sheet.grid(pictures, len(titles), titles=titles)
    args.sheet.write_bytes(images.encode_jpeg(sheet, 90))
    print(f"{args.sheet}: {len(pictures) // len(titles)} photos, {len(titles)} pictures of each")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
