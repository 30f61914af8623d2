"""py-feat's `Fex` table (https://github.com/cosanlab/py-feat), as `Fex.to_csv` writes it.

One file for many images or for a video: a row for each face, whose `input` names the image or
video and whose `frame` counts from 0. The AUs depend on the detector (12 with jaanet, 20 with svm,
xgb and version 2), so the header says which; intensities are in [0, 1]. Where no face is found
py-feat writes a row with blanks.

The head's pose is not read: versions have written it in degrees and in radians, under one name.
"""

from pipeline.readers.forms import Form

FORM = Form(
    name="py-feat",
    action_unit="{name}",
    maximum=1.0,
    confidence="FaceScore",
    image="input",
    frame="frame",
    box=("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"),
    blank_is_no_face=True,
)
