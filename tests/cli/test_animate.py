"""`ganimation animate` against the stand-in model, and the arithmetic of its frames."""

import tempfile

import cv2
import numpy as np
import pytest
from PIL import Image

from ganimation_tf import cli
from ganimation_tf.animation import served
from ganimation_tf.faces import alignment, images
from openface_files import write_landmarks
from serving_model import SIZE


def test_a_loop_ends_one_step_before_its_start():
    steps = served.amounts(8, served.LOOP)
    assert steps[0] == 0 and steps[4] == 1
    np.testing.assert_allclose(steps[1:4], steps[:4:-1])  # back as it went there
    assert (np.abs(np.diff([*steps, steps[0]])) < 0.4).all()


def test_a_ramp_goes_all_the_way():
    np.testing.assert_allclose(served.amounts(5, served.RAMP), [0, 0.25, 0.5, 0.75, 1])


@pytest.fixture
def photo(tmp_path):
    """A photo of 48 x 32 whose centre square is grey 51 = 0.2 and whose sides are black."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, 8:40] = 51
    path = tmp_path / "photo.png"
    path.write_bytes(images.encode_png(picture))
    return path


def animate(served_model, photo, output, *options):
    command = ["animate", str(photo), str(output), "--server", served_model.address]
    return cli.main([*command, *options])


def test_gif_goes_from_the_own_expression_to_the_target_and_back(
    served_model, photo, tmp_path, capsys
):
    output = tmp_path / "out.gif"
    options = ["--crop", "whole", "--au", "AU06=1", "--frames", "20"]  # more than one request
    assert animate(served_model, photo, output, *options) == 0
    assert capsys.readouterr().out == (
        f"{output}: 20 frames of {SIZE} x {SIZE} pixels; AU06 0.20 -> 1.00\n"
    )
    with Image.open(output) as gif:
        values = []
        for number in range(gif.n_frames):
            gif.seek(number)
            values.append(int(np.asarray(gif.convert("RGB"))[SIZE // 2, SIZE // 2, 0]))
    # The stand-in estimates 0.2 and moves 51 by that part of the way to 255. Pillow finds palette
    # colours within 4 levels, and writes equal frames as one that lasts longer.
    assert abs(values[0] - (51 + 0.2 * 204)) <= 4 and max(values) >= 251
    top = values.index(max(values))
    assert values[: top + 1] == sorted(values[: top + 1])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.gif", "photo.png"]


def test_sheet_shows_the_input_first(served_model, photo, tmp_path):
    output = tmp_path / "out.png"
    options = ["--crop=whole", "--au=AU06=1", "--frames=2", "--rest=zero"]
    assert animate(served_model, photo, output, *options) == 0
    row = images.decode(output.read_bytes())[4 + SIZE // 2]
    centres = [int(row[4 + SIZE // 2 + place * (SIZE + 4), 0]) for place in range(3)]
    assert centres == [51, 92, 255]


def test_a_video_has_every_frame_and_the_size_asked_for(served_model, photo, tmp_path):
    output = tmp_path / "out.mp4"
    options = ["--crop=whole", "--au=AU06=1", "--frames=20", "--scale=4"]
    assert animate(served_model, photo, output, *options) == 0
    video = cv2.VideoCapture(str(output))
    shown = []
    while (read := video.read())[0]:
        shown.append(read[1])
    assert len(shown) == 20 and shown[0].shape == (4 * SIZE, 4 * SIZE, 3)
    assert abs(video.get(cv2.CAP_PROP_FPS) - 12.5) < 0.01
    centres = [int(frame[2 * SIZE, 2 * SIZE].mean()) for frame in shown]
    assert abs(centres[0] - 92) < 8 and abs(max(centres) - 255) < 8  # a lossy codec


def test_a_video_of_odd_size_repeats_its_last_row_and_column():
    frame = np.full((31, 33, 3), 90, np.uint8)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(served.encode_mp4([frame, frame]))
        file.flush()
        shown = cv2.VideoCapture(file.name).read()[1]
    assert shown.shape == (32, 34, 3)
    np.testing.assert_allclose(shown, 90, atol=4)


@pytest.mark.parametrize("kind", ["gif", "mp4", "png"])
def test_what_is_written_says_that_it_is_synthetic_unless_told_not_to(
    served_model, photo, tmp_path, kind
):
    options = ["--crop=whole", "--au=AU06=1", "--frames=2"]
    marked, plain = tmp_path / f"marked.{kind}", tmp_path / f"plain.{kind}"
    assert animate(served_model, photo, marked, *options) == 0
    assert animate(served_model, photo, plain, *options, "--no-provenance") == 0
    assert b"compositeWithTrainedAlgorithmicMedia" in marked.read_bytes()
    assert b"AU06=1.00 AU12=0.20 AU45=0.20" in marked.read_bytes()
    assert b"adobe" not in plain.read_bytes()


def test_scale_enlarges_every_frame(served_model, photo, tmp_path):
    output = tmp_path / "out.gif"
    options = ["--crop=whole", "--au=AU06=1", "--frames=2", "--scale=3"]
    assert animate(served_model, photo, output, *options) == 0
    with Image.open(output) as gif:
        assert gif.size == (3 * SIZE, 3 * SIZE)


def test_full_photo_changes_only_the_face(served_model, photo, tmp_path):
    output = tmp_path / "out.gif"
    options = ["--crop=whole", "--au=AU06=1", "--full-photo", "--frames=2"]
    assert animate(served_model, photo, output, *options) == 0
    with Image.open(output) as gif:
        assert gif.size == (48, 32)
        gif.seek(1)
        shown = np.asarray(gif.convert("RGB"))
    assert (shown[:, :7] <= 4).all() and (shown[:, 41:] <= 4).all()
    assert (shown[12:20, 20:28] >= 251).all()


def test_annotations_say_where_the_face_is(served_model, tmp_path, monkeypatch):
    points = np.zeros((68, 2))
    points[36:42], points[42:48], points[[48, 54]] = (20, 20), (40, 20), (30, 40.8)
    csv = write_landmarks(tmp_path / "face.csv", points)
    photo = tmp_path / "photo.png"
    photo.write_bytes(images.encode_png(np.full((60, 60, 3), 100, np.uint8)))
    seen = []
    monkeypatch.setattr(
        alignment,
        "crop",
        lambda image, transform, size: seen.append(transform) or image[:size, :size],
    )
    options = ["--annotations", str(csv), "--au=AU06=1", "--frames=2"]
    assert animate(served_model, photo, tmp_path / "out.gif", *options) == 0
    centre = seen[0] @ [(SIZE - 1) / 2, (SIZE - 1) / 2, 1]
    np.testing.assert_allclose(centre, [30, 20 + 0.72 * 20], atol=1e-6)  # faces.FACE_CENTER


BAD = [
    ("out.jpg", ["--au=AU06=1"], "the output must end in .gif or .mp4 or .png"),
    ("no/where.gif", ["--au=AU06=1"], "no such directory to write to"),
    ("out.gif", ["--au=AU06=1", "--frames=1"], "--frames must be in [2, 240], got 1"),
    ("out.gif", ["--au=AU06=1", "--scale=0"], "--scale must be in [1, 16], got 0"),
    ("out.gif", ["--au=AU06=1", "--timeout=nan"], "--timeout must be a positive number"),
    ("out.gif", [], "nothing would change: give --au"),
    ("out.gif", ["--crop=whole", "--au=AU99=1"], "'AU99' is not an AU of this model"),
    ("out.gif", ["--crop=whole", "--au=AU06=2"], "AU06 must be in [0, 1], got 2"),
    (
        "out.gif",
        ["--crop=whole", "--au=AU06=1", "--model=x"],
        "NOT_FOUND: Could not find any versions",
    ),
    ("out.gif", ["--annotations=none.csv", "--au=AU06=1"], "none.csv: there is no such file"),
    ("out.gif", ["--crop=whole", "--au=AU06=1", "--server=x"], "is given as HOST:PORT"),
]


@pytest.mark.parametrize(("output", "options", "text"), BAD, ids=[text for *_, text in BAD])
def test_user_errors_are_one_line_and_write_nothing(
    served_model, photo, tmp_path, capsys, output, options, text
):
    assert animate(served_model, photo, tmp_path / output, *options) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("ganimation animate: ") and text in line
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "No such file"), (b"", "the file has 0 bytes"), (b"text", "not a picture in one of")],
)
def test_a_photo_that_cannot_be_used(served_model, tmp_path, capsys, content, text):
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    assert animate(served_model, path, tmp_path / "out.gif", "--au=AU06=1") == 2
    assert text in capsys.readouterr().err


def test_landmarks_of_another_photo_are_refused(served_model, photo, tmp_path, capsys):
    points = np.zeros((68, 2))
    points[36:42], points[42:48], points[[48, 54]] = (200, 20), (400, 20), (300, 208)
    csv = write_landmarks(tmp_path / "face.csv", points)
    options = ["--annotations", str(csv), "--au=AU06=1"]
    assert animate(served_model, photo, tmp_path / "out.gif", *options) == 2
    assert "eyes and mouth must lie in the photo of 48 x 32 pixels" in capsys.readouterr().err


def test_no_face_to_be_found(served_model, photo, tmp_path, capsys):
    pytest.importorskip("mtcnn")
    assert animate(served_model, photo, tmp_path / "out.gif", "--au=AU06=1") == 2
    assert "no face was found in the photo of 48 x 32 pixels" in capsys.readouterr().err
