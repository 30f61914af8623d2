"""More people from few portraits: each also with the skin of the one that is most like it.

    python examples/exchange_skins.py --face-model face_model.npz portraits more_portraits

Portraits of like skin, light and pose become couples. `more_portraits/couple_000/` has both, and
each with the other's skin within the oval of its face: four people for two. They share hair or
skin, so they belong on one side of a split:

    ganimation reanimate --face-model face_model.npz --portraits more_portraits --count 4000 faces
    ganimation preprocess --images faces/imgs --annotations faces/openface_csv --output dataset \
        --subject-pattern '(couple_[0-9]+)'

Who is like nobody is a couple of one.
"""

import argparse
import itertools
import pathlib

from ganimation_tf.faces import images
from ganimation_tf.synthetic import reanimation
from ganimation_tf.synthetic.reanimation.sources import FoundFaces
from ganimation_tf.synthetic.reanimation.writing import photos_in


def fitted(folder: pathlib.Path, model) -> dict[pathlib.Path, reanimation.Portrait]:
    """The portraits of a folder that can be re-animated."""
    source, portraits = FoundFaces(model), {}
    for key, path in photos_in(folder):
        try:
            known, _ = source.known(key, path)
            if known is not None:
                pixels = images.decode(path.read_bytes())
                portraits[path] = reanimation.Portrait.from_photo(
                    pixels, known.landmarks, model, known.expression
                )
        except (reanimation.RejectedPortrait, images.ImageError, OSError) as error:
            print(f"left out {path.name}: {error}")
    return portraits


def couples(portraits: dict[pathlib.Path, reanimation.Portrait]) -> list[tuple[pathlib.Path, ...]]:
    """Each portrait once: the most alike two first, then those that are left alone."""
    differences = sorted(
        (reanimation.skin_difference(portraits[one], portraits[other]), one, other)
        for one, other in itertools.combinations(portraits, 2)
    )
    pairs: list[tuple[pathlib.Path, ...]] = []
    left = dict.fromkeys(portraits)
    for difference, one, other in differences:
        if difference <= 1 and one in left and other in left:
            pairs.append((one, other))
            del left[one], left[other]
    return pairs + [(one,) for one in left]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--face-model", type=pathlib.Path, help="of `ganimation face-model`")
    parser.add_argument("portraits", nargs="?", type=pathlib.Path)
    parser.add_argument("out", nargs="?", type=pathlib.Path, help="a new folder")
    args = parser.parse_args()
    if args.face_model is None or args.out is None:  # the face model comes with no package
        parser.print_help()
        return
    portraits = fitted(args.portraits, reanimation.load_face_model(args.face_model))
    together = couples(portraits)
    for number, members in enumerate(together):
        folder = args.out / f"couple_{number:03d}"
        folder.mkdir(parents=True)
        for path in members:
            (folder / path.name).write_bytes(path.read_bytes())
        for one, other in itertools.permutations(members, 2):
            photo = reanimation.exchange_skin(portraits[one], portraits[other])
            name = f"{one.stem}_skin_of_{other.stem}.jpg"
            (folder / name).write_bytes(images.encode_jpeg(photo, 95))
    pairs = sum(len(members) == 2 for members in together)
    print(f"{args.out}: {len(portraits)} portraits, {len(portraits) + 2 * pairs} people")


if __name__ == "__main__":
    main()
