"""AUs over time, as `animate --drive` takes them: a file of each annotator about a video."""

import pathlib
import pickle

import numpy as np
import pytest

from ganimation_tf.action_units import OPENFACE
from ganimation_tf.annotations.motion import read_motion
from ganimation_tf.errors import UserError

# Each says: AU12 is 0, half and all of its scale; AU25 the reverse; the middle frame is lost.
FILES = {
    "openface-video": (
        "frame, face_id, timestamp, confidence, success, AU12_r, AU25_r, AU12_c\n"
        "1, 0, 0.00, 0.98, 1, 0.0, 5.0, 0\n2, 0, 0.25, 0.00, 0, 4.0, 4.0, 1\n"
        "3, 0, 0.50, 0.98, 1, 5.0, 0.0, 1\n",
        0.5,
    ),
    "pyfaceau": (
        "frame,timestamp,success,AU12_r,AU25_r\n"
        "0,0.00,True,0.0,5.0\n1,0.25,False,,\n2,0.50,True,5.0,0.0\n",
        0.5,
    ),
    "libreface-video": (
        "frame_idx,frame_time_in_ms,au_12_intensity,au_25_intensity,au_12\n"
        "0,0,0.0,5.0,0\n1,250,nan,nan,0\n2,500,5.0,0.0,1\n",
        0.5,
    ),
    "py-feat": (
        "input,frame,FaceScore,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,AU12,AU25\n"
        "clip.mp4,0,0.99,1,1,9,9,0.0,1.0\nclip.mp4,1,0,,,,,,\nclip.mp4,2,0.99,1,1,9,9,1.0,0.0\n",
        2 / 30,
    ),
    "moments": ("time,success,AU12,AU25\n3.0,1,0,1\n3.25,0,0.9,0.9\n3.5,1,1,0\n", 0.5),
    "moments on OpenFace's scale": (
        "timestamp,success,AU12_r,AU25_r\n3.0,1,0,5\n3.25,0,4,4\n3.5,1,5,0\n",
        0.5,
    ),
    "moments in capitals": ("Time,Success,AU12,AU25\n3.0,1,0,1\n3.25,0,1,1\n3.5,1,1,0\n", 0.5),
    "moments in capitals on OpenFace's scale": (
        "Timestamp,Success,AU12_r,AU25_r\n3.0,1,0,5\n3.25,0,4,4\n3.5,1,5,0\n",
        0.5,
    ),
    "moments with OpenFace's confidence": (
        "Timestamp,confidence,AU12_r,AU25_r\n3.0,0.9,0,5\n3.25,0,4,4\n3.5,0.9,5,0\n",
        0.5,
    ),
    "table": ("key,AU12,AU25,confidence\nb,0,1,0.9\nc,0.9,0.9,0.1\na,1,0,0.9\n", 2 / 30),
    "py-feat's of photos": (
        "input,frame,FaceScore,AU12,AU25\nb.jpg,0,0.99,0,1\nc.jpg,0,0,,\na.jpg,0,0.99,1,0\n",
        2 / 30,
    ),
}


def read(folder: pathlib.Path, text: str):
    (folder / "clip.csv").write_text(text)
    return read_motion(folder / "clip.csv")


@pytest.mark.parametrize("source", FILES)
def test_every_annotator(tmp_path, source):
    text, last = FILES[source]
    motion = read(tmp_path, text)
    assert motion.action_units == ("AU12", "AU25")
    np.testing.assert_allclose(motion.times, [0, last / 2, last], atol=1e-9)
    np.testing.assert_allclose(motion.intensities, [[0, 1], [0.5, 0.5], [1, 0]], atol=1e-7)
    (note,) = motion.notes
    assert "1 of 3 frames are filled from their neighbours" in note


def test_the_pickle_goes_by_its_own_order(tmp_path):
    arrays = {name: np.full(17, value) for name, value in (("b", 0.0), ("a", 5.0))}
    (tmp_path / "aus.pkl").write_bytes(pickle.dumps(arrays))
    (tmp_path / "train_ids.csv").write_text("b.jpg\n")
    (tmp_path / "test_ids.csv").write_text("a.jpg\n")
    motion = read_motion(tmp_path / "aus.pkl")
    assert tuple(motion.action_units) == OPENFACE
    np.testing.assert_allclose(motion.intensities, [[0] * 17, [1] * 17])


def test_a_photo_is_one_frame(tmp_path):
    motion = read(tmp_path, "pitch,au_12_intensity\n0,2.5\n")
    np.testing.assert_allclose(motion.intensities, [[0.5]])
    assert motion.times.tolist() == [0.0] and motion.notes == []


def test_of_several_people_the_one_is_followed_who_is_seen_most(tmp_path):
    """FaceLandmarkVidMulti: a frame has a row for each face, and their order may change."""
    rows = ["1, 7, 0.0, 0.9, 1, 5.0", "1, 3, 0.0, 0.9, 1, 1.0"]
    rows += ["2, 3, 0.1, 0.9, 1, 2.0", "3, 3, 0.2, 0.9, 1, 3.0", "3, 7, 0.2, 0.9, 1, 5.0"]
    header = "frame, face_id, timestamp, confidence, success, AU12_r\n"
    motion = read(tmp_path, header + "\n".join(rows))
    np.testing.assert_allclose(motion.intensities[:, 0], [0.2, 0.4, 0.6])
    (note,) = motion.notes
    assert note.endswith("there are 2 faces; face 3 is taken, which is in 3 of 3 frames")


def test_without_ids_the_largest_of_each_frame_is_taken(tmp_path):
    header = "input,frame,FaceScore,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,AU12\n"
    rows = ["c.mp4,0,0.99,0,0,9,9,0.1", "c.mp4,0,0.9,9,9,50,50,0.6"]
    rows += ["c.mp4,1,0.9,9,9,50,50,0.7", "c.mp4,1,0.99,0,0,9,9,0.2"]
    motion = read(tmp_path, header + "\n".join(rows))
    np.testing.assert_allclose(motion.intensities[:, 0], [0.6, 0.7])
    assert "of up to 2 faces the largest is taken" in motion.notes[0]


def test_frames_that_are_missing_take_their_time(tmp_path):
    """Frames 2, 5 and 6 of a video of 10 frames a second; the first two frames are lost."""
    header = "frame,face_id,timestamp,confidence,success,AU12_r\n"
    rows = ["0,0,0.0,0.0,0,0", "1,0,0.1,0.0,0,0", "2,0,0.2,0.9,1,0"]
    rows += ["5,0,0.5,0.9,1,3", "6,0,0.6,0.9,1,4"]
    motion = read(tmp_path, header + "\n".join(rows))
    np.testing.assert_allclose(motion.times, np.arange(7) / 10, atol=1e-9)
    expected = [0, 0, 0, 0.2, 0.4, 0.6, 0.8]
    np.testing.assert_allclose(motion.intensities[:, 0], expected, atol=1e-7)


def test_photos_of_one_name_in_several_directories_are_frames_of_their_own(tmp_path):
    motion = read(tmp_path, "key,AU12\n/x/p1/a.jpg,0.1\n/x/p2/a.jpg,0.9\n")
    np.testing.assert_allclose(motion.intensities[:, 0], [0.1, 0.9], atol=1e-7)


@pytest.mark.parametrize("name", ["frame", "Frame"])
def test_frames_of_one_s_own_table_go_by_their_numbers(tmp_path, name):
    """30 a second: each row is a second after the other."""
    motion = read(tmp_path, f"{name},AU12\n0,0\n30,0.6\n60,0\n")
    np.testing.assert_allclose(motion.times, np.arange(61) / 30)
    rises = np.arange(31) / 30 * 0.6
    np.testing.assert_allclose(motion.intensities[:, 0], [*rises, *rises[-2::-1]], atol=1e-6)
    assert "58 of 61 frames are filled from their neighbours" in motion.notes[0]


def test_times_go_before_frame_numbers(tmp_path):
    motion = read(tmp_path, "frame,time,AU12\n0,0,0\n30,0.5,1\n")
    assert motion.times.tolist() == [0, 0.5] and motion.notes == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"clip.csv: has no text \(0 bytes\)"),
        ("frame,timestamp,success,AU12_r\n", "clip.csv: has a header and no face row"),
        ("frame,timestamp,success,AU12_r\n0,0,False,\n", "had lost the face here"),
        (
            "frame,timestamp,success,AU12_r\n0,1,1,1\n1,0,1,1\n",
            "times must not fall, got 0 after 1 seconds",
        ),
        ("action_units,face_detection,gaze_yaw\n1,2,3\n", "files of OpenFace 3"),
        (
            "frame,timestamp,success,AU12_r\n0,0,1,1\n999999999999,1,1,1\n",
            "clip.csv: frames must span at most 1000000, got 1000000000000 from 0 to 999999999999",
        ),
        ("frame,timestamp,success,AU12_r\n0,0,1,1\n1e30,1,1,1\n", "must span at most 1000000"),
        ("AU12,AU12\n1,2\n", "clip.csv: AU12 is there 2 times"),
        ("time,AU12\n0,0\n1,4\n", "clip.csv: AU12 is 4, above 1; where the scale ends at 5"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_there_is_no_such_file(tmp_path):
    with pytest.raises(UserError, match="none.csv: there is no such file"):
        read_motion(tmp_path / "none.csv")


@pytest.mark.faces
def test_real_files_of_openface(faces_dir):
    forms = faces_dir / "forms"
    motion = read_motion(forms / "FeatureExtraction" / "clip_lp_d3.csv")
    assert np.diff(motion.times).min() > 0.09 and motion.action_units == OPENFACE
    two = read_motion(forms / "FaceLandmarkVidMulti" / "clip_two_people.csv")
    assert len(two.times) == 20 and "there are 2 faces" in two.notes[0]
