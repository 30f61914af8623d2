"""LibreFace (https://github.com/ihp-lab/LibreFace), as its command line writes CSV.

One file for each image or, with `frame_idx` (from 0), for each video. `au_12_intensity` in [0, 5]
for the 12 AUs of DISFA; `au_12` without ending is an occurrence, of other AUs, and is not read
(names and scale: libreface/AU_Recognition/inference.py and solver_inference_combine.py there).

It writes one face for each image, no confidence and no box. Its landmarks are fractions of the
image and are those of MediaPipe, so crops need a detector. Its pose is not read: it multiplies
degrees by 360.
"""

from pipeline.readers.forms import Form

FORM = Form(name="libreface", action_unit="au_{number}_intensity", maximum=5.0, landmarks=False)

VIDEO = Form(
    name="libreface-video",
    action_unit="au_{number}_intensity",
    maximum=5.0,
    frame="frame_idx",
    landmarks=False,
)
