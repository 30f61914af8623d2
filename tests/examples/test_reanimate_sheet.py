"""The portraits that are shipped, re-animated by the example with the real face model."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.evaluation.judges.blendshapes import BlendshapeJudge
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic.reanimation import Portrait, View, load_face_model
from ganimation_tf.synthetic.reanimation.sources import FoundFaces

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
READ = tuple(name for name in OPENFACE if name not in ("AU06", "AU09"))
PORTRAITS = sorted((EXAMPLES / "portraits").glob("*.jpg"))


def test_three_portraits_are_shipped_with_their_licence():
    text = (EXAMPLES / "portraits" / "README.md").read_text()
    assert len(PORTRAITS) == 3 and "CC0 1.0" in text
    for path in PORTRAITS:
        _, gender, number = path.stem.split("_")
        assert f"`{gender}/{number}`" in text
        assert images.decode(path.read_bytes()).shape == (512, 512, 3)


def test_sheet_has_a_picture_for_each_action_unit(photoreal_dir, tmp_path):
    sheet = tmp_path / "sheet.jpg"
    model = photoreal_dir / "ict_face_model.npz"
    command = [sys.executable, EXAMPLES / "reanimate_sheet.py", "--size", "32", "--face-model"]
    subprocess.run([*command, model, sheet, PORTRAITS[0]], check=True)
    height, width, _ = images.decode(sheet.read_bytes()).shape
    assert width >= 32 * (2 + len(OPENFACE)) and height >= 32


@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
def test_landmarks_lie_where_the_landmarker_finds_them(photoreal_dir, path):
    """On the moved face as the truth has it: under 3 % of the distance between the eyes."""
    model = load_face_model(photoreal_dir / "ict_face_model.npz")
    source = FoundFaces(model)
    known, others = source.known(path.stem, path)
    assert others == []
    photo = images.decode(path.read_bytes())
    portrait = Portrait.from_photo(photo, known.landmarks, model, known.expression)
    shown = View(portrait).render({"AU12": 0.7, "AU25": 0.5, "AU02": 0.6})
    again = path.with_suffix(".png").name
    actual = _found(source, shown.image, again)
    eyes = np.linalg.norm(actual[45] - actual[36])
    apart = np.linalg.norm(actual - shown.landmarks, axis=1)[17:] / eyes
    assert apart.mean() < 0.03


def test_blendshapes_rise_with_each_action_unit_that_they_read(photoreal_dir):
    """The mean over the portraits, at each third of intensity."""
    model = load_face_model(photoreal_dir / "ict_face_model.npz")
    source, judge, spec = FoundFaces(model), BlendshapeJudge.load(), alignment.CropSpec(192, 0.3)
    read = []
    for path in PORTRAITS:
        known, _ = source.known(path.stem, path)
        photo = images.decode(path.read_bytes())
        portrait = Portrait.from_photo(photo, known.landmarks, model, known.expression)
        frame = alignment.crop_transform(alignment.anchors_from_landmarks(known.landmarks), spec)
        view = View(portrait, frame, (spec.size, spec.size))
        shown = [view.render({name: level / 3}).image for name in READ for level in range(4)]
        scores = judge.read(np.array(shown), spec).reshape(len(READ), 4, -1)
        read.append(
            [row[:, judge.action_units.index(name)] for name, row in zip(READ, scores, strict=True)]
        )
    steps = np.diff(np.mean(read, 0), axis=1)
    assert (steps > 0).all(), dict(zip(READ, steps.round(3).tolist(), strict=True))


def _found(source, image, name):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.write_bytes(images.encode_png(image))
        known, _ = source.known("again", path)
    return known.landmarks
