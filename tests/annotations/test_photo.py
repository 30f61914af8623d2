"""The annotation of one photo, as `animate --annotations` takes it: any annotator's file."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from ganimation_tf.annotations.photo import face_in
from ganimation_tf.errors import UserError
from openface_files import EYES_AND_MOUTH, HEADER, csv_text, landmarks, row

PHOTO = pathlib.Path("photos/a.jpg")


def write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.write_text(text)
    return path


def test_of_several_faces_the_most_confident_is_taken(tmp_path):
    shifted = tuple((x + 7, y) for x, y in EYES_AND_MOUTH)
    rows = (row("0", 0.4), row("1", 0.98, points=shifted), row("2", 0.0))
    face = face_in(write(tmp_path / "a.csv", csv_text(*rows)), PHOTO)
    np.testing.assert_allclose(face.landmarks, landmarks(shifted), atol=0.0051)


def test_where_a_face_is_needs_no_action_units(tmp_path):
    text = csv_text(row(), header=[name for name in HEADER if not name.startswith("AU")])
    face = face_in(write(tmp_path / "a.csv", text), PHOTO)
    np.testing.assert_allclose(face.landmarks, landmarks(), atol=0.0051)
    assert face.intensities.shape == (0,)


AUS_ONLY = {
    "libreface": ("pitch,au_12_intensity,au_25_intensity,au_12\n0,2.5,5,1\n", 5.0),
    "pyfaceau": (
        "frame,timestamp,success,AU12_r,AU25_r\n0,0.0,True,2.5,5\n",
        5.0,
    ),
    "openface": ("confidence,AU12_r,AU25_r,AU12_c\n0.9,2.5,5,1\n", 5.0),
    "openface-video": (
        "frame,face_id,timestamp,confidence,success,AU12_r,AU25_r\n1,0,0,0.9,1,2.5,5\n",
        5.0,
    ),
    "py-feat": ("input,frame,FaceScore,AU12,AU25\n/data/a.jpg,0,0.9,0.5,1\n", 1.0),
    "table": ("key,AU25,AU12\nb,0,0\na,1,0.5\n", 1.0),
}


@pytest.mark.parametrize("source", AUS_ONLY)
def test_action_units_of_a_photo_need_no_landmarks(tmp_path, source):
    """A row of each annotator that says AU12 is half of its scale, AU25 all of it."""
    text, maximum = AUS_ONLY[source]
    face = face_in(write(tmp_path / "a.csv", text), PHOTO)
    shown = dict(zip(face.action_units, face.intensities / face.maximum, strict=True))
    assert (shown, face.maximum) == ({"AU12": 0.5, "AU25": 1.0}, maximum)
    assert face.landmarks is None and face.anchors is None


def test_a_table_is_asked_for_the_photo(tmp_path):
    header = "key,AU12,left,top,width,height\n"
    path = write(tmp_path / "t.csv", f"{header}b.jpg,0,1,1,9,9\na.jpg,1,5,6,70,80\n")
    assert face_in(path, PHOTO).box.tolist() == [5, 6, 70, 80]
    with pytest.raises(UserError, match=r"t.csv: says nothing about c.jpg"):
        face_in(path, pathlib.Path("c.jpg"))


OWN, OTHER = "imgs/p1/0001.jpg", "imgs/p9/0001.jpg"


@pytest.mark.parametrize(
    "spelling",
    ["/x/{}", "{root}/{}", "{}", "./{}", "~/{}", "C:\\{}", "gs://bucket/{}", "p/../{}"],
)
@pytest.mark.parametrize("source", ["table", "py-feat"])
def test_a_row_is_the_photo_s_that_has_the_longest_end_in_common(tmp_path, source, spelling):
    """The other person's is first, and has the same name."""
    rows = [spelling.replace("{root}", str(tmp_path)).format(name) for name in (OTHER, OWN)]
    if source == "table":
        text = f"key,AU06,AU12\n{rows[0]},0.1,0.1\n{rows[1]},0.9,0.9\n"
    else:
        text = f"input,FaceScore,AU06,AU12\n{rows[0]},0.9,0.1,0.1\n{rows[1]},0.9,0.9,0.9\n"
    face = face_in(write(tmp_path / "t.csv", text), tmp_path / OWN)
    assert face.intensities.tolist() == [0.9, 0.9]


def test_a_table_may_be_relative_to_any_directory_above_the_photo(tmp_path):
    for name in ("0001", "p1/0001.jpg", "imgs/p1/0001.jpg", "a%20b/p1/0001.jpg"):
        path = write(tmp_path / "t.csv", f"key,AU12\nimgs/p2/0002.jpg,0\n{name},0.7\n")
        assert face_in(path, tmp_path / "a b" / OWN).intensities.tolist() == [0.7]


def test_a_photo_behind_a_link_is_found_by_both_its_paths(tmp_path):
    (tmp_path / "p1").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "p1")
    for name in ("p1/a.jpg", "link/a.jpg"):
        path = write(tmp_path / "t.csv", f"key,AU12\np9/a.jpg,0\n{name},0.7\n")
        assert face_in(path, tmp_path / "link/a.jpg").intensities.tolist() == [0.7]


def test_names_that_could_equally_be_the_photo_are_refused(tmp_path):
    path = write(tmp_path / "t.csv", "key,AU12\n/a/p2/0001.jpg,0\n/a/p3/0001.jpg,1\n")
    with pytest.raises(UserError, match=r"0001.jpg could be /a/p2/0001 or /a/p3/0001"):
        face_in(path, tmp_path / OWN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("", r"a.csv: has no text \(0 bytes\)"),
        ("a,b\n1,2\n", "a.csv: has no columns of a known source; it has a, b"),
        (csv_text(), "a.csv: has a header and no face row"),
        (csv_text(row(), header=[*HEADER[:9], *HEADER[10:]]), "a.csv: x_7 is missing; found 135"),
        (
            csv_text(row(frame="1"), row(frame="2"), header=["frame", *HEADER]),
            "is the annotation of a video of 2 frames",
        ),
        (csv_text(row(x_0="nan")), "a.csv:2: x_0 must be a finite number, got 'nan'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "a.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        face_in(path, PHOTO)


@pytest.mark.parametrize(("orientation", "message"), [(1, None), (6, "does not turn pictures")])
def test_a_photo_that_the_annotator_did_not_turn(tmp_path, orientation, message):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (160, 180)).save(tmp_path / "a.jpg", exif=exif)
    header = "input,AU12,FaceScore,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight\n"
    path = write(tmp_path / "fex.csv", f"{header}a.jpg,0.5,0.9,40,40,80,90\n")
    if message is None:
        assert face_in(path, tmp_path / "a.jpg").box.tolist() == [40, 40, 80, 90]
    else:
        with pytest.raises(UserError, match=message):
            face_in(path, tmp_path / "a.jpg")


@pytest.mark.faces
def test_landmarks_of_a_real_annotation_lie_in_the_photo(faces_dir):
    (path, *_) = sorted((faces_dir / "openface_csv").glob("hmd_*.csv"))
    points = face_in(path, faces_dir / "imgs" / f"{path.stem}.jpg").landmarks
    assert ((points > 0) & (points < 320)).all()
    assert points[36:42, 0].mean() < points[42:48, 0].mean()  # the picture's left eye is first
