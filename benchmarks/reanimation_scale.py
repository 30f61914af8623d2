"""What independent readers say of re-animated faces: intensities, landmarks, identity.

    python benchmarks/reanimation_scale.py --face-model face_model.npz PHOTO [PHOTO ...]

Per Action Unit the blendshapes of Google's face landmarker at intensity 0, 1/3, 2/3 and 1, the mean
over the photos, and the share of them in which it rises at each step. AU06 and AU09 have no
blendshape that reads them (always 0): their rows are how far landmarks of lower lids and of the
nose's wings move, in 1/1000 of the distance between the outer eye corners. Then how far the
landmarks of random faces lie from those that the landmarker finds, and the cosine of FaceNet's
embeddings with each Action Unit at 2/3 and 1: to the photo, whose own expression has been taken
away, and to the same face at rest; mean, and the least photo's mean.
"""

import argparse
import pathlib

import cv2
import numpy as np

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.evaluation.judges.blendshapes import BlendshapeJudge
from ganimation_tf.evaluation.judges.identity import FaceNet, cosine
from ganimation_tf.faces import alignment, images
from ganimation_tf.faces.mediapipe_points import landmarks_68
from ganimation_tf.synthetic.reanimation import Portrait, View, load_face_model
from ganimation_tf.synthetic.reanimation.faces import render_faces
from ganimation_tf.synthetic.reanimation.sources import FoundFaces

SPEC = alignment.CropSpec(192, 0.3)
LEVELS = (0.0, 1 / 3, 2 / 3, 1.0)
UNREAD = {"AU06": (40, 41, 46, 47), "AU09": (31, 35)}
"""Landmarks that rise with the Action Units that no blendshape reads."""


def sweep(portrait: Portrait, transform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (17, 4, size, size, 3) and landmarks (17, 4, 68, 2)."""
    view = View(portrait, transform, (SPEC.size, SPEC.size))
    made = [[view.render({name: level}) for level in LEVELS] for name in OPENFACE]
    pictures = np.array([[one.image for one in row] for row in made])
    return pictures, np.array([[one.landmarks for one in row] for row in made])


def eye_distance(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[45] - points[36]))


def landmark_error(judge: BlendshapeJudge, portrait: Portrait, name: str) -> list[float]:
    """Of four random faces: mean distance of inner landmarks, in distances between the eyes."""
    errors = []
    for face in render_faces(portrait, name, [(1, number) for number in range(1, 5)], 0, SPEC):
        (points,) = judge.meshes.read(face.rendering.image[None], SPEC)
        wanted = face.rendering.landmarks
        apart = np.linalg.norm(landmarks_68(points) - wanted, axis=1)[17:]
        errors.append(float(apart.mean()) / eye_distance(wanted))
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=pathlib.Path)
    parser.add_argument("photos", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    if not (args.face_model and args.photos):
        print("not measured: needs --face-model and photos")
        return
    cv2.setNumThreads(1)
    model, judge, network = load_face_model(args.face_model), BlendshapeJudge.load(), FaceNet.load()
    source = FoundFaces(model)
    readings, cosines, at_rest, errors = [], [], [], []
    for path in args.photos:
        known, _ = source.known(path.stem, path)
        pixels = images.decode(path.read_bytes())
        portrait = Portrait.from_photo(pixels, known.landmarks, model, known.expression)
        anchors = alignment.anchors_from_landmarks(known.landmarks)
        transform = alignment.crop_transform(anchors, SPEC)
        pictures, landmarks = sweep(portrait, transform)
        flat = pictures.reshape(-1, *pictures.shape[2:])
        read = judge.read(flat, SPEC).reshape(*pictures.shape[:2], -1)
        rows = []
        for row, name in enumerate(OPENFACE):
            if name in UNREAD:
                rise = landmarks[row, 0, UNREAD[name], 1] - landmarks[row, :, UNREAD[name], 1].T
                rows.append(1000 * rise.mean(1) / eye_distance(landmarks[row, 0]))
            else:
                rows.append(read[row, :, judge.action_units.index(name)])
        readings.append(rows)
        photo = alignment.crop(pixels, transform, SPEC.size)
        likenesses = network.embed(np.stack([photo, pictures[0, 0]]), SPEC)
        shown = network.embed(pictures[:, 2:].reshape(-1, *pictures.shape[2:]), SPEC)
        alike = [cosine(shown, np.repeat(each[None], len(shown), 0)) for each in likenesses]
        cosines.append(np.stack([one.reshape(17, 2) for one in alike], 1))
        at_rest.append(cosine(likenesses[:1], likenesses[1:])[0])
        errors += landmark_error(judge, portrait, path.stem)
    report(np.array(readings), np.array(cosines), np.array(errors))
    print(
        f"cosine of the face at rest to the photo: {np.mean(at_rest):.2f}, least {min(at_rest):.2f}"
    )


def report(readings: np.ndarray, cosines: np.ndarray, errors: np.ndarray) -> None:
    """Prints readings (photos, 17, 4), cosines (photos, 17, 2, 2) and errors (faces,)."""
    rises = (np.diff(readings, axis=2) > 0).all(2).mean(0)
    print(f"{len(readings)} photos")
    print("       0     1/3   2/3   1     rises  to photo 2/3, 1  to rest 2/3, 1")
    for row, name in enumerate(OPENFACE):
        levels = " ".join(f"{value:5.2f}" for value in readings[:, row].mean(0))
        alike = "  ".join(f"{value:.2f}" for value in cosines[:, row].mean(0).ravel())
        print(f"{name}  {levels}  {rises[row]:5.0%}  {alike}")
    for which, to in enumerate(("the photo", "the face at rest")):
        for column, level in enumerate(("2/3", "1")):
            means = cosines[:, :, which, column].mean(1)
            print(f"cosine to {to} at {level}: mean {means.mean():.2f}, least {means.min():.2f}")
    print(f"landmarks: {errors.mean():.1%} of the eye distance, most {errors.max():.1%}")


if __name__ == "__main__":
    main()
