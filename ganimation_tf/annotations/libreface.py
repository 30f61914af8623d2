"""LibreFace (https://github.com/ihp-lab/LibreFace), as its command line writes CSV.

One file for each image or, with `frame_idx` (from 0), for each video. `au_12_intensity` in [0, 5]
for the 12 AUs of DISFA; `au_12` without ending is an occurrence, of other AUs, and is not read
(names and scale: libreface/AU_Recognition/inference.py and solver_inference_combine.py there).

It writes one face for each image, no confidence and no box. Its landmarks are fractions of the
image and are those of MediaPipe, so crops need a detector. Its pose is not read: it multiplies
degrees by 360.
"""

import dataclasses
import posixpath
import shlex
from collections.abc import Sequence

from ganimation_tf.annotations.annotator import NAMED, Annotator, Missing, Request
from ganimation_tf.annotations.forms import Form
from ganimation_tf.annotations.per_image import PerImage
from ganimation_tf.annotations.table import of_clips

FORM = Form(
    name="libreface",
    action_unit="au_{number}_intensity",
    maximum=5.0,
    not_intensities=r"au_\d+",  # whether the AU is there
    landmarks=False,
)

VIDEO = dataclasses.replace(
    FORM, name="libreface-video", frame="frame_idx", time="frame_time_in_ms", seconds=0.001
)


def _photos(request: Request) -> PerImage:
    return PerImage(FORM, request.action_units, request.maximum, request.open)


def _commands(missing: Missing) -> Sequence[str]:
    """It takes one file at a time."""
    commands = []
    for name in sorted(missing.names)[:NAMED]:
        table = posixpath.join(missing.annotations, posixpath.splitext(name)[0] + ".csv")
        image = posixpath.join(missing.images, name)
        words = ["libreface", f"--input_path={image}", f"--output_path={table}"]
        commands.append(shlex.join(words))
    return commands


PHOTOS = Annotator(
    FORM,
    lambda header: bool(FORM.action_units(header)) and "frame_idx" not in header,
    _photos,
    _commands,
)

VIDEOS = Annotator(
    VIDEO,
    lambda header: bool(FORM.action_units(header)) and "frame_idx" in header,
    lambda request: of_clips(VIDEO, request),
    _commands,
)
