"""Annotated photos without landmarks: AUs by the annotator, the place by the face finder."""

import numpy as np
import pytest

from analytic_model import AnalyticModel
from ganimation_tf.animation import photos, subjects
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.outputs import STILL, Output
from ganimation_tf.animation.request import Request
from ganimation_tf.errors import UserError
from ganimation_tf.expression_parsing import parse
from ganimation_tf.faces import images
from ganimation_tf.faces.finding import Face, FaceFinder


def face(left: float, top: float, side: float) -> Face:
    """A face whose points fill a square."""
    points = np.random.default_rng(0).uniform(0, side, (478, 3)).astype(np.float32)
    points[:2, :2] = 0, side
    points[:, :2] += left, top
    centre = np.array([left, top]) + side / 2
    anchors = centre + np.array([[-0.2, -0.2], [0.2, -0.2], [0.0, 0.2]]) * side
    return Face(points, anchors, 1.0)


class Finder(FaceFinder):
    """Finds the faces that it is given."""

    def __init__(self, *faces: Face):
        self.faces = faces

    def find(self, photo, smallest=0.0):
        return list(self.faces)


LARGE, SMALL = face(20, 20, 120), face(200, 60, 60)
LIBREFACE = "pitch,au_12_intensity\n0,2.5\n"
BOX = "key,AU12,left,top,width,height\nphoto,0.5,190,50,80,80\n"


def subject_of(folder, text, *faces):
    (folder / "photo.csv").write_text(text)
    path = folder / "photo.png"
    photo = np.full((200, 300, 3), 100, np.uint8)
    path.write_bytes(images.encode_png(photo))
    animator = Animator(AnalyticModel(), Finder(*faces))
    request = Request(parse(["AU12=1"]), annotations=folder / "photo.csv")
    (subject,), notes = subjects.subjects_of(path, photo, request, animator)
    return subject, notes, animator


def centre_of(subject, size):
    return subject.composer.transform @ [(size - 1) / 2, (size - 1) / 2, 1]


def test_the_aus_are_the_annotators_and_what_it_lacks_is_estimated(tmp_path):
    subject, notes, animator = subject_of(tmp_path, LIBREFACE, LARGE)
    place = animator.action_units.index("AU12")
    estimate = animator.estimate_crop(subject.composer.crop)
    assert subject.source[place] == np.float32(0.5) != estimate[place]
    others = [n for n in range(len(animator.action_units)) if n != place]
    np.testing.assert_array_equal(subject.source[others], estimate[others])
    assert np.isnan(subject.doubt).nonzero()[0].tolist() == [place] and notes == []


@pytest.mark.parametrize(
    ("row", "said"),
    [("photo", False), ("{root}/photo.png", False), ("p9/photo.png", True), ("./photo", False)],
)
def test_a_row_of_another_directory_s_photo_is_asked_about(tmp_path, row, said):
    text = f"key,AU12\n{row.format(root=tmp_path)},0.5\n"
    _, notes, _ = subject_of(tmp_path, text, LARGE)
    expected = f"photo.csv: names p9/photo, not {tmp_path}/photo.png: is it of this photo?"
    assert [note.endswith(expected) for note in notes] == [True] * said


def test_all_aus_known_are_all_that_counts(tmp_path):
    names = Animator(AnalyticModel()).action_units
    values = {name: 0.1 * place for place, name in enumerate(names)}
    text = f"key,{','.join(values)}\nphoto,{','.join(map(str, values.values()))}\n"
    subject, *_ = subject_of(tmp_path, text, LARGE)
    np.testing.assert_allclose(subject.source, list(values.values()), atol=1e-7)
    assert subject.doubt is None


def test_of_several_faces_the_one_in_the_box_is_meant(tmp_path):
    subject, notes, animator = subject_of(tmp_path, BOX, LARGE, SMALL)
    alone, *_ = subject_of(tmp_path, LIBREFACE, SMALL)
    np.testing.assert_array_equal(subject.composer.transform, alone.composer.transform)
    assert notes == []


def test_of_several_faces_without_a_box_the_largest_is_taken_and_it_says_so(tmp_path):
    subject, notes, _ = subject_of(tmp_path, LIBREFACE, LARGE, SMALL)
    alone, *_ = subject_of(tmp_path, LIBREFACE, LARGE)
    np.testing.assert_array_equal(subject.composer.transform, alone.composer.transform)
    assert "2 faces were found and the annotation does not say" in notes[0]


def test_a_box_with_no_face_in_it(tmp_path):
    with pytest.raises(UserError, match="photo.csv:2: no face that is found lies in"):
        subject_of(tmp_path, BOX, face(10, 10, 30))


def test_no_face_is_found(tmp_path):
    with pytest.raises(UserError, match="no face was found"):
        subject_of(tmp_path, LIBREFACE)


def test_what_an_annotator_says_has_no_doubt_in_the_line(tmp_path):
    *_, animator = subject_of(tmp_path, LIBREFACE, LARGE)
    request = Request(parse(["AU12=1", "AU06=1"]), annotations=tmp_path / "photo.csv")
    output = Output(tmp_path / "out.png", STILL)
    line, _ = photos.animate(tmp_path / "photo.png", output, request, animator)
    assert "AU12 0.50 -> 1.00" in line and "AU06" in line
    before = line.split("AU06 ")[1]
    assert before.split(" ->")[0].count("±") == 1


@pytest.mark.faces
def test_a_real_face_lies_where_its_landmarks_do(tmp_path, faces_dir):
    """The place by the finder against the one by OpenFace's points, in parts of the crop's side."""
    (source, *_) = sorted((faces_dir / "imgs").glob("hmd_*.jpg"))
    photo = images.decode(source.read_bytes())
    animator = Animator(AnalyticModel())
    centres = []
    (tmp_path / "photo.csv").write_text(LIBREFACE)
    for annotation in (tmp_path / "photo.csv", faces_dir / "openface_csv" / f"{source.stem}.csv"):
        request = Request(parse(["AU12=1"]), annotations=annotation)
        (subject,), _ = subjects.subjects_of(source, photo, request, animator)
        centres.append(centre_of(subject, animator.image_size))
    side = animator.image_size * np.hypot(*subject.composer.transform[:, 0])
    assert np.hypot(*(centres[1] - centres[0])) < 0.05 * side


def test_an_annotation_that_is_called_otherwise_is_asked_about(tmp_path):
    subject_of(tmp_path, LIBREFACE, LARGE)
    other = (tmp_path / "photo.csv").rename(tmp_path / "other.csv")
    photo = np.full((200, 300, 3), 100, np.uint8)
    animator = Animator(AnalyticModel(), Finder(LARGE))
    request = Request(parse(["AU12=1"]), annotations=other)
    _, notes = subjects.subjects_of(tmp_path / "photo.png", photo, request, animator)
    assert notes == [f"{other}: is called otherwise than photo.png: is it of this photo?"]
