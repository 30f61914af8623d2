"""A face in a numpy array, edited by the networks of a run: no server, no export.

python examples/edit_array.py runs/00000-tiny-48px-17au-batch8 edited.png
"""

import argparse
import json
import pathlib

import numpy as np

import ganimation_tf as gan
from ganimation_tf.faces import images


def edit(run: pathlib.Path, crop: np.ndarray, change: dict[str, float]) -> np.ndarray:
    """The face with other AUs.

    Args:
        crop: uint8 (S, S, 3), as `align_face` cuts it, S the size that the run was trained on.
        change: AU to what is added to its intensity, in [-1, 1].

    Returns:
        uint8 (S, S, 3).
    """
    model = gan.load_run(run)
    names = json.loads((run / "config.json").read_text())["dataset"]["action_units"]
    pixels = crop[None].astype(np.float32) / 127.5 - 1.0
    shown = np.clip(model.critic(pixels)["action_units"].numpy(), 0, 1)
    wanted = np.clip(shown + [change.get(name, 0.0) for name in names], 0, 1)
    # A relative generator is told how the AUs change, another one what they are to be.
    told = wanted - shown if model.relative else wanted
    edited = model.generator([pixels, told.astype(np.float32)])["image"].numpy()[0]
    return np.clip(np.round((edited + 1.0) * 127.5), 0, 255).astype(np.uint8)


def main(argv: list[str] | None = None) -> int:
    """Edits a drawn face; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path, help="a PNG")
    args = parser.parse_args(argv)
    size = json.loads((args.run / "config.json").read_text())["dataset"]["crop"]["size"]
    face = gan.render_face({}, person=7)
    crop, transform = gan.align_face(face.image, face.landmarks, size)
    edited = edit(args.run, crop, {"AU12": 0.8})
    args.output.write_bytes(images.encode_png(gan.paste_face(face.image, edited, transform)))
    print(f"wrote {args.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
