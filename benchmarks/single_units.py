"""What the shipped model makes of each Action Unit alone, beside the true picture.

    python benchmarks/single_units.py --face-model face_model.npz PHOTO [PHOTO ...]

Each photo is shown at rest and with one Action Unit at 0.5 and at 1; the model is given the face at
rest, and its edit is compared with the picture that was wanted. Told is the median over the photos
of |edit - truth|^2 / |input - truth|^2, with its bootstrapped 95 % interval. The photos must not be
among those that the model was trained on.
"""

import argparse
import pathlib

import cv2
import numpy as np

import ganimation_tf as gan
from ganimation_tf.evaluation import intervals, truth
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic.reanimation import Portrait, RejectedPortrait, View, load_face_model
from ganimation_tf.synthetic.reanimation.sources import FoundFaces

LEVELS = (0.5, 1.0)


def truths(photo: pathlib.Path, source: FoundFaces, model, animator) -> np.ndarray:
    """uint8 (1 + 2 N, S, S, 3): the face at rest, then each Action Unit at each level.

    Raises:
        RejectedPortrait: if the face model does not fit.
    """
    known, _ = source.known(photo.stem, photo)
    if known is None:
        raise RejectedPortrait("no_face", "there is no face in it")
    pixels = images.decode(photo.read_bytes())
    portrait = Portrait.from_photo(pixels, known.landmarks, model, known.expression)
    anchors = alignment.anchors_from_landmarks(View(portrait).landmarks(np.zeros(17)))
    size = animator.image_size
    view = View(portrait, alignment.crop_transform(anchors, animator.card.crop), (size, size))
    wanted = [{name: level} for name in animator.action_units for level in LEVELS]
    return np.stack([view.render(units).image for units in ({}, *wanted)])


def errors(shown: np.ndarray, animator) -> np.ndarray:
    """Of each edit from rest, (N, 2), of the pictures that `truths` makes."""
    count = len(animator.action_units)
    faces = shown.astype(np.float32) / 255
    targets = np.repeat(np.eye(count, dtype=np.float32), len(LEVELS), axis=0)
    targets *= np.tile(np.float32(LEVELS), count)[:, None]
    sources = np.repeat(faces[:1], len(targets), axis=0)
    edits = animator.render(sources, np.zeros_like(targets), targets)
    made = np.stack([edit.image for edit in edits])
    return truth.error(made, sources, faces[1:]).reshape(count, len(LEVELS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--face-model", type=pathlib.Path)
    parser.add_argument("photos", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    if not (args.face_model and args.photos):
        print("not measured: needs --face-model and photos")
        return
    cv2.setNumThreads(1)
    model, animator, found = load_face_model(args.face_model), gan.Animator.pretrained(), []
    source, people = FoundFaces(model), []
    for photo in args.photos:
        try:
            found.append(errors(truths(photo, source, model, animator), animator))
        except RejectedPortrait as error:
            print(f"{photo}: left out: {error}")
        else:
            people.append(photo.stem)
    if people:
        report(animator.action_units, np.stack(found), people)


def report(names: tuple[str, ...], found: np.ndarray, people: list[str]) -> None:
    """Prints the errors (photos, N, 2)."""
    print(f"{len(people)} photos; median of the error, and its interval")
    print("      " + "".join(f"{f'at {level:g}':22}" for level in LEVELS))
    for row, name in enumerate(names):
        cells = []
        for column in range(len(LEVELS)):
            values = found[:, row, column]
            cell = f"{intervals.median(values):.3f}"
            if sure := intervals.bootstrap(values, people):
                cell += f" ({sure.low:.2f} to {sure.high:.2f})"
            cells.append(cell)
        print(f"{name}  " + "".join(f"{cell:22}" for cell in cells))


if __name__ == "__main__":
    main()
