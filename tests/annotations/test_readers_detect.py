"""Which source is told from which header, and what is said where none is."""

import pytest

from ganimation_tf.annotations import ANNOTATORS, AUTO, load
from ganimation_tf.annotations.recognition import Annotations, detect, recognise, sample_of
from ganimation_tf.errors import UserError
from jobs import faces_in, kept, preprocess, reader_of, rejected
from openface_files import HEADER, csv_text, row, write_faces, write_photo
from pipeline.options import SOURCES

PY_FEAT = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore", "AU12"]


def test_each_source_can_be_named():
    for name in ANNOTATORS:
        assert load(name).name == name
    assert set(SOURCES) == {*ANNOTATORS, AUTO}


@pytest.mark.parametrize(
    ("header", "sources"),
    [
        (HEADER, ["openface"]),
        ([f" {name} " for name in reversed(HEADER)], ["openface"]),
        (["AU12_r"], ["openface"]),
        (["frame", *HEADER], ["openface-video"]),
        ([*PY_FEAT, "input", "frame"], ["py-feat"]),
        (["au_12", "au_12_intensity"], ["libreface"]),
        (["frame_idx", "au_12_intensity"], ["libreface-video"]),
        (["key", "AU12"], ["table"]),
        (["key", "AU12", "AU12_r"], ["openface", "table"]),
        (["key", *PY_FEAT], ["py-feat", "table"]),
        (["AU12"], []),
        (["key", "AU12_c", "AU12L"], []),
        (["key", "AU3", "au12"], ["table"]),
        (["key", "AU01_r", "AU1_intensity"], ["table"]),
        (["frame", "timestamp", "success", "AU12_r"], ["pyfaceau"]),
        (["frame", "success", "AU12_r"], ["openface-video"]),
        (["action_units", "face_detection", "gaze_yaw"], ["openface3"]),
        ([], []),
    ],
)
def test_recognised_by_name(header, sources):
    assert recognise("a.csv", [name.strip() for name in header]) == sources


def write(root, **texts):
    root.mkdir(exist_ok=True)
    for name, text in texts.items():
        (root / f"{name}.csv").write_text(text)
    names = sorted(path.name for path in root.glob("*.csv"))
    return Annotations([(str(root / name), name) for name in names], "csv")


def test_a_known_file_among_others_is_found(tmp_path):
    noise = {f"n{i}": "what, is, this\n" for i in range(100)}
    given = write(tmp_path, **noise, x="key,AU12\n")
    assert detect(given, sample_of(given.files)) == "table"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": csv_text(row()), "b": "key,AU12\n"}, "mixes openface (a.csv) and table (b.csv);"),
        ({"a": "key,AU12,AU12_r\n"}, "a.csv could be openface or table; --source says which"),
        ({"a": "x, y\n"}, "no file has columns of a known source; those of a.csv are x, y;"),
        ({"a": ""}, "no file has columns of a known source; those of a.csv are none;"),
    ],
)
def test_one_clear_line(tmp_path, texts, message):
    given = write(tmp_path, **texts)
    with pytest.raises(UserError) as caught:
        detect(given, sample_of(given.files))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--action-units", "AU12,AU99"], "--action-units AU99: the annotations (openface) have"),
        (["--action-units", "AU12,AU12"], "--action-units must name each AU once"),
        (["--action-units", ","], "--action-units must name each AU once"),
        (
            ["--action-units-maximum", "0"],
            "--action-units-maximum must be above 0, got 0.0",
        ),
        (
            ["--action-units-maximum", "nan"],
            "--action-units-maximum must be above 0, got nan",
        ),
        (["--source", "table"], "no file has AU columns as table calls them (AU12)"),
        (["--source", "libreface"], "as libreface calls them (au_12_intensity)"),
    ],
)
def test_refused_before_any_work(tmp_path, capsys, more, message):
    write_faces(tmp_path, ["a"])
    preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out", *more, code=2)
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and not (tmp_path / "out").exists()


def test_a_named_source_takes_its_files_and_rejects_the_others(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    (tmp_path / "csv/b.csv").write_text("key,AU12\nb,1\n")
    output = preprocess(
        tmp_path / "photos", tmp_path / "csv", tmp_path / "out", "--source", "openface"
    )
    assert set(kept(output)) == {"a"} and rejected(output) == {"b": "missing_column"}


def test_the_selection_needs_only_its_own_columns(tmp_path):
    write_photo(tmp_path / "photos/a.jpg")
    header = [name for name in HEADER if name != "AU45_r"]
    write(tmp_path / "csv", a=csv_text(row(AU12_r=5), header=header))
    more = ("--action-units", "AU12")
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out", *more)
    assert kept(output)["a"].action_units.tolist() == [1.0]


def test_pose_in_degrees_and_a_face_that_was_not_found(tmp_path):
    write_photo(tmp_path / "photos/a.jpg")
    write_photo(tmp_path / "photos/b.jpg")
    header = [*HEADER, "pose_Rx", "pose_Ry", "pose_Rz"]
    text = csv_text(row(pose_Rx=0.1, pose_Ry=-0.2, pose_Rz=0), header=header)
    write(tmp_path / "csv", a=text)
    for name in "ab":
        (tmp_path / f"csv/{name}_of_details.txt").write_text("Input:x\n")
    reader = reader_of(tmp_path / "photos", tmp_path / "csv")
    (face,) = faces_in(reader, "a", "a.csv", str(tmp_path / "csv/a.csv"))
    assert face.pose.round(2).tolist() == [5.73, -11.46, 0.0]
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    assert set(kept(output)) == {"a"} and rejected(output) == {"b": "no_face"}


@pytest.mark.faces
def test_every_real_photo_form(tmp_path, faces_dir):
    """Two composite faces, one of confidence 0.58, a spurious one of 0.00, two photos without."""
    forms = faces_dir / "forms"
    (tmp_path / "photos").mkdir()
    for path in (forms / "inputs").glob("*.jpg"):
        (tmp_path / "photos" / path.name).symlink_to(path)
    images, annotations = tmp_path / "photos", forms / "FaceLandmarkImg"
    multi = {"multi_composite_two_faker", "multi_natural_faker_female_30"}
    multi.add("multi_spurious_second_face_hmd")
    rest = {
        "multi_natural_faker_female_30#1": "low_confidence",
        "multi_spurious_second_face_hmd#1": "low_confidence",
        "noface_background": "no_face",
        "noface_missed_faker_female_24": "no_face",
    }
    output = preprocess(images, annotations, tmp_path / "1")
    assert set(kept(output)) == multi
    assert rejected(output) == rest | {"multi_composite_two_faker#1": "extra_face"}
    output = preprocess(images, annotations, tmp_path / "2", "--faces", "all")
    both = {"multi_composite_two_faker#0", "multi_composite_two_faker#1"}
    assert set(kept(output)) == multi - {"multi_composite_two_faker"} | both
    assert rejected(output) == rest


@pytest.mark.faces
def test_real_aus_without_landmarks(tmp_path, faces_dir):
    forms = faces_dir / "forms"
    (tmp_path / "photos").mkdir()
    photo = forms / "inputs/multi_natural_faker_female_30.jpg"
    (tmp_path / "photos/aus_only.jpg").symlink_to(photo)
    annotations = forms / "FaceLandmarkImg_aus_only"
    output = preprocess(tmp_path / "photos", annotations, tmp_path / "out", code=2)
    assert rejected(output) == {"aus_only": "no_landmarks", "aus_only#1": "low_confidence"}


@pytest.mark.faces
def test_real_forms_that_are_mixed(tmp_path, faces_dir, capsys):
    forms = faces_dir / "forms"
    preprocess(forms / "inputs", forms, tmp_path / "out", code=2)
    assert "mixes openface (" in capsys.readouterr().err
