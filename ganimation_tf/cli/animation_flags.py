"""The flags of `ganimation animate`; `animation_request` says what they come to."""

import argparse
import pathlib

from ganimation_tf.cli import connection


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "inputs", type=pathlib.Path, nargs="+", metavar="INPUT", help="photo, video or folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="OUT.gif, .webp, .mp4, OUT.png: a contact sheet, DIR/: a PNG sequence; of several "
        "inputs {name} stands for the input's name",
    )
    parser.add_argument("--still", action="store_true", help="one edited picture, .png or .jpg")
    _configure_expression(parser)
    _configure_course(parser)
    _configure_face(parser)
    model = parser.add_argument_group("model", "without any of these, the weights that ship")
    model.add_argument(
        "--model", type=pathlib.Path, metavar="PATH", help="a run, its .keras file, or an export"
    )
    connection.configure(parser, model, default_server=None, name_flag="--model-name")
    parser.add_argument(
        "--no-provenance",
        action="store_true",
        help="leave out the statement in the file's metadata that it is synthetic media",
    )


def _configure_expression(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "expression", "what is not said stays as the face has it; these can be combined"
    )
    group.add_argument(
        "--au",
        action="append",
        default=[],
        metavar="NAME=INTENSITY",
        help="AU12=0.8, or AU12+=0.4 and AU04-=0.2 from what the face shows; several times",
    )
    group.add_argument(
        "--expression",
        action="append",
        default=[],
        metavar="NAME[:AMOUNT]",
        help="fear or fear:0.7; `ganimation expressions` lists them",
    )
    group.add_argument("--neutral", action="store_true", help="every AU to 0 first")
    group.add_argument("--rest", choices=("source", "zero"), help=argparse.SUPPRESS)
    group.add_argument("--like", type=pathlib.Path, metavar="PHOTO", help="as the face in PHOTO")
    group.add_argument(
        "--clamp", action="store_true", help="keep intensities within what training saw"
    )


def _configure_course(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("course", "what changes over time")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--sweep", metavar="AU", help="one AU from 0 to 1, or `all`, one by one")
    what.add_argument(
        "--keyframes",
        type=pathlib.Path,
        metavar="FILE",
        help="JSON or CSV with expressions by time",
    )
    what.add_argument(
        "--drive",
        type=pathlib.Path,
        metavar="FILE",
        help="an annotator's file or a table of AUs, or a video or photo whose AUs are read",
    )
    group.add_argument("--frames", type=int, help="number of frames, 2 to 2400 (default: 16)")
    group.add_argument("--fps", type=float, help="frames per second, 1 to 120 (default: 12.5)")
    group.add_argument(
        "--smooth",
        type=float,
        help="frames over which driven AUs are averaged; 0 leaves them (default: 1, and 0 for "
        "fewer than 10 a second)",
    )


def _configure_face(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("face")
    group.add_argument(
        "--face", default="largest", help="largest, all, a number from 1, or X,Y in pixels"
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--annotations",
        type=pathlib.Path,
        metavar="FILE",
        help="an annotator's file about the photo: which AUs the face shows, and where it is",
    )
    where.add_argument(
        "--crop",
        choices=("detect", "whole"),
        default="detect",
        help="find the face, or take the photo's centre square for it",
    )
    group.add_argument("--crop-only", action="store_true", help="write the face crop alone")
    group.add_argument("--full-photo", action="store_true", help=argparse.SUPPRESS)
    group.add_argument(
        "--scale", type=int, default=1, help="with --crop-only: as many times as large, 1 to 16"
    )
    group.add_argument(
        "--longest-side",
        type=int,
        metavar="PIXELS",
        help="reduce what is written to this; left out: 640 for GIF, 720 for WebP, 256 for each "
        "picture of a sheet, the photo's own otherwise",
    )
    group.add_argument(
        "--show", metavar="MAPS", help="beside each frame: attention, color, or both with a comma"
    )
