"""What `ganimation evaluate` measures with, beside the pixels themselves."""

import argparse
import pathlib

from ganimation_tf.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    group = parser.add_argument_group(
        "judges", "left out: blendshapes, identity and head pose, as far as they are installed"
    )
    group.add_argument(
        "--judge",
        action="append",
        metavar="NAME",
        help="who reads AUs: blendshapes, regressor=DIR of `ganimation train-judge`; several times",
    )
    trip = group.add_mutually_exclusive_group()
    trip.add_argument(
        "--write-edits",
        type=pathlib.Path,
        metavar="DIR",
        help="write all pictures that a judge would be asked about to DIR, for an annotator that "
        "is a program, and stop",
    )
    trip.add_argument(
        "--read-annotations",
        type=pathlib.Path,
        metavar="DIR",
        help="judge by what an annotator, such as OpenFace, wrote of the pictures of --write-edits",
    )
    group.add_argument("--pixels-only", action="store_true", help="no judge at all")
    group.add_argument(
        "--kid", action="store_true", help="distance of all edits from all photographs, of 500 up"
    )
    group.add_argument("--sweeps", type=int, default=8, metavar="N", help="people to sweep AUs of")


def load(args: argparse.Namespace):
    """What to measure with, and a note for what is not installed.

    Raises:
        UserError: if what was asked for by name is not installed.
    """
    from ganimation_tf.evaluation import judges
    from ganimation_tf.evaluation.evaluate import Instruments

    if args.pixels_only:
        return Instruments(), []
    from ganimation_tf.evaluation.judges.blendshapes import BlendshapeJudge
    from ganimation_tf.evaluation.judges.identity import FaceNet
    from ganimation_tf.evaluation.judges.meshes import FaceMeshes
    from ganimation_tf.faces.landmarker import FaceLandmarker

    notes: list[str] = []
    landmarker = _installed(FaceLandmarker.load, notes)
    meshes = None if landmarker is None else FaceMeshes(landmarker)
    named = list(args.judge or ())
    if args.read_annotations:
        named.append(f"files={args.read_annotations}")
    if not named and meshes is not None:
        named = ["blendshapes"]
    asked = [
        BlendshapeJudge(meshes) if name == "blendshapes" and meshes else judges.load(name)
        for name in named
    ]
    features = None
    if args.kid:
        from ganimation_tf.evaluation.judges.efficientnet import EfficientNetLite

        features = EfficientNetLite.load()
    return Instruments(
        judges=asked,
        identity=_installed(FaceNet.load, notes),
        meshes=meshes,
        features=features,
        swept=args.sweeps,
    ), notes


def _installed(load, notes: list[str]):
    """What `load` returns; None, and its error among the notes, if it is not installed."""
    try:
        return load()
    except UserError as error:
        notes.append(str(error))
        return None
