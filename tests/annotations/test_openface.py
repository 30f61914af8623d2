import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation, choose_faces
from ganimation_tf.annotations.openface import OpenFaceReader
from ganimation_tf.annotations.reader import Part
from ganimation_tf.annotations.rejections import Rejection
from jobs import faces_in
from openface_files import HEADER, csv_text, landmarks, row


@pytest.fixture
def read(tmp_path):
    """Reads a text or bytes as the annotation `a.csv` of the image `a`."""

    def read(content):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return faces_in(OpenFaceReader(), "a", "a.csv", str(path))

    return read


def test_index_names_the_image_and_opens_nothing():
    actual = list(OpenFaceReader().index("/nowhere/clips/a.b.csv", "clips/a.b.csv"))
    assert actual == [Part("clips/a.b", "/nowhere/clips/a.b.csv")]


def test_a_face(read):
    (face,) = read(csv_text(row(confidence=0.925, AU12_r=2.5, AU45_r=5, AU12_c=1)))
    assert (face.key, face.face, face.where, face.confidence) == ("a", "0", "a.csv:2", 0.925)
    expected = np.zeros(17)
    expected[OPENFACE.index("AU12")], expected[OPENFACE.index("AU45")] = 2.5, 5.0
    np.testing.assert_array_equal(face.intensities, expected)
    assert face.maximum == 5.0 and tuple(face.action_units) == OPENFACE
    np.testing.assert_allclose(face.landmarks, landmarks(), atol=0.0051)


@pytest.mark.parametrize(
    "content",
    [
        csv_text(row(AU12_r=3), separator=","),
        b"\xef\xbb\xbf" + csv_text(row(AU12_r=3)).encode(),
        csv_text(row(AU12_r=3)).replace("\n", "\r\n"),
        csv_text(row(AU12_r=3)) + "\n\n",
        csv_text(row(AU12_r=3), header=HEADER[::-1]),
        csv_text(row(AU12_r=3, success=1, pose_Rx=0.1), header=["pose_Rx", *HEADER, "success"]),
    ],
    ids=["no-blanks", "bom", "crlf", "empty-lines", "other-order", "other-columns"],
)
def test_forms_of_the_same_file(read, content):
    (face,) = read(content)
    assert face.intensities[OPENFACE.index("AU12")] == 3.0
    np.testing.assert_allclose(face.landmarks, landmarks(), atol=0.0051)


def test_header_with_aus_only(read):
    (face,) = read(csv_text(row(), header=[n for n in HEADER if n[:2] not in ("x_", "y_")]))
    assert face.landmarks is None


def without(*names):
    return [name for name in HEADER if name not in names]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "empty_annotation", r"a.csv: has no text \(0 bytes\)"),
        (b" \r\n\n", "empty_annotation", "a.csv: has no text"),
        (csv_text(), "no_face", "a.csv: has a header and no face row"),
        (b"\xff\xfe\x00face", "bad_annotation", "a.csv: is UTF-16 text; save it as UTF-8"),
        (b'"face, conf\n', "bad_annotation", "a.csv: is no CSV"),
        (b"\x89PNG\r\n", "bad_annotation", "a.csv: is not UTF-8"),
        ("hello\nworld\n", "missing_column", "AU45_r are missing; found 0 of 17 AU columns"),
        (
            csv_text(row(), header=without("AU45_r")),
            "missing_column",
            "a.csv: AU45_r is missing; found 16 of 17 AU columns",
        ),
        (
            csv_text(row(), header=without("confidence")),
            "missing_column",
            "a.csv: confidence is missing",
        ),
        (
            csv_text(row(), header=without("x_13", "y_67")),
            "missing_column",
            "a.csv: x_13 is missing; found 134 of 136 landmark columns",
        ),
        (
            csv_text(row(), header=[*HEADER, "AU12_r"]),
            "duplicate_column",
            "a.csv: AU12_r is there 2 times",
        ),
        (
            csv_text(row(frame="1"), header=["frame", *HEADER]),
            "not_per_image",
            "a.csv: has a column `frame`",
        ),
    ],
)
def test_unusable_files(read, content, code, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        read(content)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("bad", "code", "message"),
    [
        (row("1", AU12_r="nan"), "bad_value", "a.csv:3: AU12_r must be a finite number, got 'nan'"),
        (row("1", AU12_r=""), "bad_value", "a.csv:3: AU12_r must be a finite number, got ''"),
        (row("1", y_3="left"), "bad_value", "a.csv:3: y_3 must be a finite number, got 'left'"),
        (row("1", confidence="inf"), "bad_value", "a.csv:3: confidence must be a finite number"),
        (row("0"), "duplicate_face", "a.csv:3: face 0 has an earlier row"),
    ],
)
def test_a_bad_row_leaves_the_others(read, bad, code, message):
    good, rejection = read(csv_text(row("0"), bad))
    assert isinstance(good, FaceAnnotation)
    assert rejection == Rejection(f"a#{bad['face']}", code, rejection.message, "a.csv")
    assert rejection.message.startswith(message)


@pytest.mark.parametrize(("tail", "fields"), [("\n1, 0.9\n", 2), ("\n", 173)])
def test_row_of_another_length(read, tail, fields):
    text = csv_text(row()).rstrip("\n") + (", 7" if fields == 173 else "") + tail
    *_, rejection = read(text)
    assert rejection.code == "bad_row"
    assert f"the row has {fields} fields, the header 172" in rejection.message


def faces(*facts: tuple[float, float]) -> list[FaceAnnotation]:
    """Faces "0", "1", ... of these confidences and sides."""
    return [
        FaceAnnotation(
            "a", str(i), "a.csv:2", OPENFACE, np.zeros(17), 5.0, confidence,
            box=np.array([0, 0, side, side]),
        )
        for i, (confidence, side) in enumerate(facts)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "chosen", "codes"),
    [
        ("largest", ["1"], ["low_confidence", "extra_face"]),
        ("most-confident", ["2"], ["low_confidence", "extra_face"]),
        ("all", ["1", "2"], ["low_confidence"]),
        ("reject", [], ["low_confidence", "several_faces", "several_faces"]),
    ],
)
def test_policies_for_several_faces(policy, chosen, codes):
    actual, rejected = choose_faces(faces((0.1, 90), (0.9, 80), (0.95, 70)), policy, 0.8)
    assert [face.face for face in actual] == chosen
    assert [rejection.code for rejection in rejected] == codes


def test_a_spurious_second_face_does_not_count():
    actual, rejected = choose_faces(faces((0.9, 50), (0.0, 99)), "reject", 0.8)
    assert [face.face for face in actual] == ["0"]
    assert [(one.key, one.code, one.file) for one in rejected] == [
        ("a#1", "low_confidence", "a.csv")
    ]


def test_ties_go_to_the_other_criterion_then_to_the_earlier_row():
    assert choose_faces(faces((0.9, 50), (0.95, 50)), "largest", 0)[0][0].face == "1"
    assert choose_faces(faces((0.9, 50), (0.9, 51)), "most-confident", 0)[0][0].face == "1"
    assert choose_faces(faces((0.9, 50), (0.9, 50)), "largest", 0)[0][0].face == "0"


@pytest.mark.faces
@pytest.mark.parametrize(
    ("name", "count"),
    [("multi_composite_two_faker", 2), ("multi_spurious_second_face_hmd", 2)],
)
def test_real_files_with_several_faces(faces_dir, name, count):
    path = faces_dir / "forms" / "FaceLandmarkImg" / f"{name}.csv"
    actual = faces_in(OpenFaceReader(), name, path.name, str(path))
    assert len(actual) == count and all(isinstance(face, FaceAnnotation) for face in actual)


@pytest.mark.faces
def test_a_real_video_annotation_is_told_apart(faces_dir):
    path = faces_dir / "forms" / "FeatureExtraction" / "clip_lp_d3.csv"
    with pytest.raises(AnnotationError, match="it describes a video"):
        faces_in(OpenFaceReader(), "clip", path.name, str(path))
