"""`ganimation line`: the whole way from photographs to a pushed model, as DVC's steps."""

import argparse
import os
import pathlib

HELP = "the line from photos to a served model: cached, gated, resumed, by DVC"
EXAMPLE = "ganimation line init work --images photos --annotations openface"

INIT, RUN = "init", "run"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, help="what to do with it"
    )
    init = actions.add_parser(
        INIT, help="write dvc.yaml and params.yaml", formatter_class=parser.formatter_class
    )
    init.add_argument("directory", type=pathlib.Path, metavar="DIR", help="the line's folder")
    init.add_argument(
        "--images",
        metavar="DIR",
        help="photos, as for preprocess; left out: photos/imgs in DIR, where `synthesize "
        "--output DIR/photos` puts drawn ones",
    )
    init.add_argument(
        "--annotations",
        metavar="DIR",
        help="their annotations; left out: photos/openface_csv in DIR",
    )
    init.add_argument(
        "--small", action="store_true", help="parameters for drawn faces and a few minutes"
    )
    run_parser = actions.add_parser(
        RUN,
        help="run what has changed and what follows from it; what stands after -- is for dvc repro",
        formatter_class=parser.formatter_class,
    )
    run_parser.add_argument(
        "directory", type=pathlib.Path, nargs="?", default=".", metavar="DIR", help="its folder"
    )
    run_parser.add_argument("dvc_args", nargs="*", metavar="-- OPTION", help="of `dvc repro`")


def run(args: argparse.Namespace) -> int:
    """Writes or runs the line; returns 0, or 1 if a step failed."""
    from ganimation_tf.errors import require

    require("dvc", "line")
    return _init(args) if args.action == INIT else _run(args)


def _init(args: argparse.Namespace) -> int:
    from ganimation_tf.line import project

    images = _seen_from(args.directory, args.images) or "photos/imgs"
    annotations = _seen_from(args.directory, args.annotations) or "photos/openface_csv"
    for name in project.write(args.directory, images, annotations, args.small):
        print(f"wrote {args.directory / name}")
    params = args.directory / project.PARAMS
    print(f"next: look at {params}, then ganimation line run {args.directory}")
    return 0


def _seen_from(directory: pathlib.Path, where: str | None) -> str | None:
    """A path that was given in this folder, as one of the line's folder; others stay."""
    if where is None or os.path.isabs(where) or "://" in where:
        return where
    return os.path.relpath(where, directory)


def _run(args: argparse.Namespace) -> int:
    from ganimation_tf.cli import build_parser
    from ganimation_tf.line import running

    return running.run(pathlib.Path(args.directory), build_parser().parse_args, args.dvc_args)
