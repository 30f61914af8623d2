"""A run as weights for `animate --model OUT`, without TensorFlow, in the form of those that ship.

    python examples/ship_weights.py RUN NOTES.json OUT

NOTES.json has what a run cannot know of itself, for the card: `training`, a dict that says where
the faces come from, under which licences, and what was measured on people held out; `limits`, a
list of sentences; and, where the dataset has no statistics, `intensity_ranges`, AU to lowest and
highest.
"""

import argparse
import json
import pathlib

from ganimation_tf.animation import pretrained
from ganimation_tf.errors import UserError
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.origin import made_with, package_origin
from ganimation_tf.quiet import import_tensorflow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=pathlib.Path, help="of `ganimation train`")
    parser.add_argument("notes", type=pathlib.Path, help="JSON, for the card")
    parser.add_argument("out", type=pathlib.Path, help="the directory of weights")
    args = parser.parse_args()
    import_tensorflow()
    from ganimation_tf.export.versions import OUTPUTS
    from ganimation_tf.training import runs
    from ganimation_tf.training.build import load_run

    try:
        facts, notes = runs.read_facts(args.run), json.loads(args.notes.read_text())
        lineage = json.loads((args.run / "lineage.json").read_text())
        model = load_run(args.run)
    except (UserError, OSError, ValueError) as error:
        parser.error(str(error))
    if missing := [name for name in ("training", "limits") if name not in notes]:
        parser.error(f"{args.notes} has no {', '.join(missing)}")
    crop = CropSpec(**facts["dataset"]["crop"])
    names = facts["dataset"]["action_units"]
    training = {
        "preset": facts["preset"],
        "start_from": facts["start_from"],
        "updates": model_steps(args.run),
        **notes["training"],
        "config": facts["train"],
    }
    ranges = notes.get("intensity_ranges") or lineage["dataset"]["intensity_ranges"]
    if missing := [name for name in names if name not in ranges]:
        parser.error(f"{args.notes} needs intensity_ranges of {', '.join(missing)}")
    card = ModelCard(
        action_units=tuple(names),
        crop=crop,
        version=1,
        outputs=tuple(name for name in OUTPUTS if name in model.generator.output),
        package=package_origin(),
        training=training,
        lineage={"exported_with": made_with()},
        intensity_ranges={name: tuple(ranges[name]) for name in names},
        limits=tuple(notes["limits"]),
    )
    config = {"train": facts["train"], "image_size": crop.size, "action_units": names}
    pretrained.save_weights(args.out, model.generator, model.critic, config, card, model.relative)
    print(f"wrote {args.out}")


def model_steps(run: pathlib.Path) -> int:
    """Updates of the generator that a run has done."""
    last = (run / "metrics.jsonl").read_text().splitlines()[-1]
    return json.loads(last)["step"]


if __name__ == "__main__":
    main()
