"""`ganimation face-model`: the face model that photographs are re-animated with, as one file."""

import argparse
import pathlib

from ganimation_tf.errors import UserError

HELP = "Turn a clone of ICT-FaceKit into the one file that `reanimate` takes."
EXAMPLE = "ganimation face-model ICT-FaceKit face_model.npz"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument(
        "source",
        metavar="ICT_DIR",
        type=pathlib.Path,
        help="clone of github.com/ICT-VGL/ICT-FaceKit, its folder FaceXModel, or the whole head "
        "as one npz",
    )
    parser.add_argument(
        "out", metavar="OUT", type=pathlib.Path, help="file to write, ending in .npz"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the file and says what is in it."""
    if args.out.suffix != ".npz":
        raise UserError(f"OUT must end in .npz, got {args.out}")
    if not args.source.exists():
        raise UserError(f"ICT_DIR {args.source}: there is no such file or directory")
    from ganimation_tf import files
    from ganimation_tf.synthetic.reanimation import load_face_model, read_obj_folder

    read = read_obj_folder if args.source.is_dir() else load_face_model
    model = read(args.source)
    files.write_whole(args.out, model.to_bytes())
    print(
        f"{args.out}: {len(model.neutral)} vertices, {len(model.identity)} shapes of people, "
        f"{len(model.expression_names)} of expressions, digest {model.digest[:12]}\n"
        f"licence: {model.licence.strip().splitlines()[0]}"
    )
    return 0
