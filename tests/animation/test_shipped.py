"""The weights that ship, on the example portraits, whom training never saw."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import ganimation_tf as gan
from ganimation_tf.animation import keyframes
from ganimation_tf.evaluation import judges
from ganimation_tf.faces import alignment, images

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
PORTRAITS = sorted((EXAMPLES / "portraits").glob("*.jpg"))


@pytest.fixture(scope="module")
def animator():
    with gan.Animator.pretrained() as animator:
        yield animator


@pytest.fixture(scope="module", params=PORTRAITS, ids=lambda path: path.stem)
def photo(request):
    return images.decode(request.param.read_bytes())


def test_no_change_is_the_photo_bit_for_bit(animator, photo):
    for unchanged in ({}, {"AU12": "+0", "AU26": "+0"}):
        np.testing.assert_array_equal(animator.edit_photo(photo, unchanged), photo)


def test_what_lies_beyond_the_crop_stays_as_it_is(animator, photo):
    edited = animator.edit_photo(photo, "surprise")
    (face,) = animator.find(photo)
    crop = animator.card.crop
    transform = alignment.crop_transform(face.anchors, crop)
    corners = np.array([[-0.5, -0.5, 1], [crop.size - 0.5, crop.size - 0.5, 1]]) @ transform.T
    (left, top), (right, bottom) = corners.min(0).astype(int), np.ceil(corners.max(0)).astype(int)
    outside = np.ones(photo.shape[:2], bool)
    slack = 12  # the crop is turned by as much as the eyes are; the portraits are upright
    outside[max(0, top - slack) : bottom + slack, max(0, left - slack) : right + slack] = False
    assert outside.mean() > 0.2
    np.testing.assert_array_equal(edited[outside], photo[outside])
    assert (edited != photo).any(axis=-1).mean() > 0.02


@pytest.mark.parametrize(("name", "least"), [("AU12", 0.3), ("AU45", 0.2), ("AU01", 0.2)])
def test_an_independent_reader_sees_what_was_asked_for(animator, photo, name, least):
    """Google's blendshapes had no part in the weights but to say how strong 1 is."""
    judge, crop = judges.load("blendshapes"), animator.card.crop
    (face,) = animator.find(photo)
    transform = alignment.crop_transform(face.anchors, crop)
    shown = [animator.edit_photo(photo, {name: value}) for value in (0.0, 1.0)]
    crops = np.stack([alignment.crop(picture, transform, crop.size) for picture in shown])
    before, after = judge.read(crops, crop)[:, list(judge.action_units).index(name)]
    assert after - before > least


def test_animate_with_them_never_loads_tensorflow(tmp_path):
    code = (
        "import sys; from ganimation_tf import cli;"
        "code = cli.main(sys.argv[1:]);"
        "heavy = [n for n in sys.modules if n.split('.')[0] in ('tensorflow', 'keras')];"
        "sys.exit(code or len(heavy))"
    )
    output = tmp_path / "smile.png"
    command = ["animate", PORTRAITS[0], "-o", output, "--still", "--expression", "happiness"]
    subprocess.run([sys.executable, "-c", code, *map(str, command)], check=True)
    assert images.decode(output.read_bytes()).shape == (512, 512, 3)


def test_the_tour_of_the_readme_is_a_timeline_of_this_model(animator):
    told = json.loads((EXAMPLES / "tour.json").read_text())
    read = keyframes.read(EXAMPLES / "tour.json", animator.action_units)
    assert [frame.time for frame in read.frames] == [one["time"] for one in told["keyframes"]]
    assert read.loop
