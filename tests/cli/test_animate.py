"""`ganimation animate` against the stand-in model, in a server and as an export."""

import csv
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

import openface_files
import sounding
from ganimation_tf import cli
from ganimation_tf.faces import alignment, images
from ganimation_tf.media.video_reader import VideoReader
from serving_model import SIZE

WHOLE = ("--crop=whole", "--crop-only")


@pytest.fixture
def photo(tmp_path):
    """A photo of 48 x 32 whose centre square is grey 51 = 0.2 and whose sides are black."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, 8:40] = 51
    path = tmp_path / "photo.png"
    path.write_bytes(images.encode_png(picture))
    return path


def animate(served_model, photo, output, *options):
    command = ["animate", str(photo), "-o", str(output), "--server", served_model.address]
    return cli.main([*command, *options])


def test_gif_goes_from_the_own_expression_to_the_target_and_back(
    served_model, photo, tmp_path, capsys
):
    output = tmp_path / "out.gif"
    options = [*WHOLE, "--au", "AU06=1", "--frames", "20"]  # more than one request
    assert animate(served_model, photo, output, *options) == 0
    assert capsys.readouterr().out == (
        f"{output}: 20 frames, {SIZE} x {SIZE} pixels; AU06 0.20 ±0.00 -> 1.00\n"
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
    options = [*WHOLE, "--au=AU06=1", "--frames=2", "--neutral"]
    assert animate(served_model, photo, output, *options) == 0
    row = images.decode(output.read_bytes())[4 + SIZE // 2]
    centres = [int(row[4 + SIZE // 2 + place * (SIZE + 4), 0]) for place in range(3)]
    assert centres == [51, 92, 255]


@pytest.mark.parametrize("crop", [(), ("--crop-only", "--scale=2")])
@pytest.mark.parametrize("maps", ["attention", "attention,color"])
def test_sheet_with_maps_leaves_the_input_s_room_for_them_blank(
    served_model, photo, tmp_path, crop, maps
):
    output = tmp_path / "out.png"
    options = [*WHOLE, "--au=AU06=1", "--frames=2", "--neutral", f"--show={maps}", *crop]
    assert animate(served_model, photo, output, *options) == 0
    side = SIZE * (2 if crop else 1)
    tile = side * (1 + len(maps.split(",")))  # the picture and its maps, side by side
    sheet = images.decode(output.read_bytes())
    assert sheet.shape[1] == 4 + 3 * (tile + 4)
    row = sheet[4 + side // 2, :, 0]
    assert [int(row[4 + side // 2 + place * (tile + 4)]) for place in range(3)] == [51, 92, 255]
    assert (row[4 + side : 4 + tile] == 255).all()


def test_what_is_said_of_a_still_is_its_size(served_model, photo, tmp_path, capsys):
    output = tmp_path / "out.png"
    options = [*WHOLE, "--au=AU06=1", "--still", "--longest-side=16"]
    assert animate(served_model, photo, output, *options) == 0
    assert images.decode(output.read_bytes()).shape == (16, 16, 3)
    assert f"{output}: 1 frame, 16 x 16 pixels;" in capsys.readouterr().out


def test_a_sweep_of_all_has_a_row_for_each_au(served_model, photo, tmp_path):
    output = tmp_path / "out.png"
    assert animate(served_model, photo, output, *WHOLE, "--sweep=all") == 0
    sheet = images.decode(output.read_bytes())
    assert sheet.shape[0] > 3 * SIZE
    flat = sheet.reshape(-1, 3)
    for value in (0.25, 0.5, 0.75):  # AU06's row; the others leave it at 0.2
        assert (flat == round(51 + value * 204)).all(1).sum() >= SIZE * SIZE - 1


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "DIR/"])
def test_a_still_is_one_picture(served_model, photo, tmp_path, name):
    options = [*WHOLE, "--au=AU06=0.5", "--still"]
    assert animate(served_model, photo, f"{tmp_path}/{name}", *options) == 0
    written = tmp_path / (name if name != "DIR/" else "DIR/photo.png")
    assert abs(int(images.decode(written.read_bytes())[8, 8, 0]) - 153) <= 1


def test_a_video_plays_in_browsers_and_has_every_frame(served_model, photo, tmp_path):
    output = tmp_path / "out.mp4"
    options = [*WHOLE, "--au=AU06=1", "--frames=20", "--scale=4", "--fps=10"]
    assert animate(served_model, photo, output, *options) == 0
    shown = sounding.frames_of(output)
    assert len(shown) == 20 and shown[0].shape == (4 * SIZE, 4 * SIZE, 3)
    with VideoReader(output) as reader:
        assert abs(reader.frames_per_second - 10) < 1e-6
    centres = [int(frame[2 * SIZE, 2 * SIZE].mean()) for frame in shown]
    assert abs(centres[0] - 92) < 6 and abs(max(centres) - 255) < 6  # a lossy codec


def test_webp_and_a_sequence(served_model, photo, tmp_path):
    options = [*WHOLE, "--au=AU06=1", "--frames=4"]
    assert animate(served_model, photo, tmp_path / "out.webp", *options) == 0
    with Image.open(tmp_path / "out.webp") as picture:
        assert (picture.n_frames, picture.size) == (4, (SIZE, SIZE))
        assert b"compositeWithTrainedAlgorithmicMedia" in picture.info["xmp"]
    assert animate(served_model, photo, f"{tmp_path}/frames/", *options) == 0
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"frame_{number:05}.png" for number in range(4)]
    half = images.decode((tmp_path / "frames" / "frame_00002.png").read_bytes())
    assert (half == 255).all()


@pytest.mark.parametrize("kind", ["gif", "mp4", "png", "webp"])
def test_what_is_written_says_that_it_is_synthetic_unless_told_not_to(
    served_model, photo, tmp_path, kind
):
    options = [*WHOLE, "--au=AU06=1", "--frames=2"]
    marked, plain = tmp_path / f"marked.{kind}", tmp_path / f"plain.{kind}"
    assert animate(served_model, photo, marked, *options) == 0
    assert animate(served_model, photo, plain, *options, "--no-provenance") == 0
    assert b"compositeWithTrainedAlgorithmicMedia" in marked.read_bytes()
    assert b"AU06=1.00 AU12=0.20 AU45=0.20" in marked.read_bytes()
    assert b"adobe" not in plain.read_bytes()


def test_the_face_is_put_back_and_the_rest_is_the_photo(served_model, photo, tmp_path):
    output = tmp_path / "out.png"
    options = ["--crop=whole", "--au=AU06=1", "--still"]
    assert animate(served_model, photo, output, *options) == 0
    shown, before = (images.decode(path.read_bytes()) for path in (output, photo))
    np.testing.assert_array_equal(shown[:, :8], before[:, :8])
    np.testing.assert_array_equal(shown[:, 40:], before[:, 40:])
    assert (shown[14:18, 22:26] >= 254).all()


def test_maps_are_shown_beside_the_frame(served_model, photo, tmp_path):
    output = tmp_path / "out.png"
    options = [*WHOLE, "--au=AU06=0.6", "--still", "--show=attention,color"]
    assert animate(served_model, photo, output, *options) == 0
    shown = images.decode(output.read_bytes())
    assert shown.shape == (SIZE, 3 * SIZE, 3)
    assert shown[8, SIZE + 8, 0] == 102 and shown[8, 2 * SIZE + 8, 0] == 255  # 1 - 0.6; white


def test_an_export_needs_no_server(model_dir, photo, tmp_path, capsys):
    output = tmp_path / "out.png"
    command = ["animate", str(photo), "-o", str(output), "--model", str(model_dir), "--still"]
    assert cli.main([*command, *WHOLE, "--au=AU06=0.5"]) == 0
    assert (images.decode(output.read_bytes()) == 153).all()
    assert "AU06 0.20 ±0.00 -> 0.50" in capsys.readouterr().out


def test_key_frames_and_a_driving_table(served_model, photo, tmp_path):
    (tmp_path / "key.json").write_text(
        json.dumps([{"time": 0, "au": {"AU6": 0}}, {"time": 1, "au": {"AU6": 1}}])
    )
    with (tmp_path / "drive.csv").open("w", newline="") as file:
        rows = [["timestamp", "AU06_r"], [0.0, 1.0], [0.5, 5.0], [1.0, 2.5]]
        csv.writer(file).writerows(rows)
    for option, greys in (
        (f"--keyframes={tmp_path / 'key.json'}", [51, 153, 255]),
        (f"--drive={tmp_path / 'drive.csv'}", [92, 255, 153]),
    ):
        out = tmp_path / option[2:5]
        more = ["--fps=2", "--smooth=0", option]
        assert animate(served_model, photo, f"{out}/", *WHOLE, *more) == 0
        shown = [int(images.decode(path.read_bytes())[8, 8, 0]) for path in sorted(out.iterdir())]
        assert shown == greys


@pytest.mark.parametrize(("option", "name"), [("--like", "out.png"), ("--drive", "out.gif")])
def test_another_face_comes_after_neutral(served_model, photo, tmp_path, capsys, option, name):
    """The one row says AU12; neutral takes the 0.20 of AU45 before 0.1 is added."""
    (tmp_path / "face.csv").write_text("AU12_r\n4.0\n")
    more = ["--frames=2", "--rest=zero", option, str(tmp_path / "face.csv"), "--au=AU45+=0.1"]
    assert animate(served_model, photo, tmp_path / name, *WHOLE, *more) == 0
    said = capsys.readouterr().out
    assert said.endswith("; AU12 0.20 ±0.00 -> 0.80, AU45 0.20 ±0.00 -> 0.10\n")


def test_a_photo_is_driven_at_the_times_of_the_table(served_model, photo, tmp_path):
    table = tmp_path / "drive.csv"
    table.write_text("time,AU06\n0,0\n0.1,1\n0.9,0.5\n1,0\n")
    output = tmp_path / "out.gif"
    assert animate(served_model, photo, output, *WHOLE, f"--drive={table}") == 0
    shown = []
    with Image.open(output) as gif:
        for number in range(gif.n_frames):
            gif.seek(number)
            grey = int(np.asarray(gif.convert("RGB"))[SIZE // 2, SIZE // 2, 0])
            shown.append((gif.info["duration"], round((grey - 51) / 204, 1)))
    # The last one is shown for as long as those before in the mean.
    assert shown == [(100, 0), (800, 1), (100, 0.5), (330, 0)]


@pytest.mark.parametrize(
    ("name", "options", "note"),
    [
        ("a.mp4", ["--au=AU06=1"], "{} is for photos; a video keeps its own frames and times"),
        ("a.png", ["--drive=a.csv"], "{} has no effect beside --drive"),
        ("a.png", ["--keyframes=a.csv"], "--frames has no effect beside --keyframes"),
        ("a.png", ["--au=AU06=1"], ""),
    ],
)
def test_it_is_said_where_frames_and_their_rate_have_no_effect(
    served_model, photo, tmp_path, monkeypatch, capsys, name, options, note
):
    monkeypatch.chdir(tmp_path)
    photo.rename("a.png")
    pathlib.Path("a.csv").write_text("time,AU06\n0,0\n1,1\n")
    options = [*options, "--frames=4", "--fps=5", *(WHOLE if name == "a.png" else ())]
    pathlib.Path("a.mp4").write_bytes(b"no video")
    animate(served_model, name, "out.gif", *options)
    warned = [
        line.removeprefix("ganimation animate: warning: ")
        for line in capsys.readouterr().err.splitlines()
        if "warning" in line
    ]
    expected = dict.fromkeys(note.format(option) for option in ("--frames", "--fps") if note)
    assert len(warned) == len(expected)
    assert all(map(str.startswith, warned, expected))


def test_several_inputs_go_on_after_a_bad_one_and_end_with_a_summary(
    served_model, photo, tmp_path, capsys
):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "b.png").write_bytes(b"text")
    options = [*WHOLE, "--au=AU06=1", "--frames=2"]
    assert animate(served_model, folder, f"{tmp_path}/out/{{name}}.gif", *options) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == "2 of 3 inputs animated"
    assert "ganimation animate: 2/3 " in captured.err and "not a picture" in captured.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.gif", "c.gif"]


def landmarks(left, right, top, mouth):
    middle = (left + right) / 2
    return openface_files.landmarks([(left, top), (right, top), (middle, mouth)])


def test_annotations_say_where_the_face_is(served_model, tmp_path, monkeypatch):
    path = openface_files.write_landmarks(tmp_path / "face.csv", landmarks(20, 40, 20, 40.8))
    photo = tmp_path / "photo.png"
    photo.write_bytes(images.encode_png(np.full((60, 60, 3), 100, np.uint8)))
    seen, crop = [], alignment.crop
    monkeypatch.setattr(
        alignment,
        "crop",
        lambda image, transform, size: seen.append(transform) or crop(image, transform, size),
    )
    options = ["--annotations", str(path), "--au=AU06=1", "--frames=2"]
    assert animate(served_model, photo, tmp_path / "out.gif", *options) == 0
    centre = seen[0] @ [(SIZE - 1) / 2, (SIZE - 1) / 2, 1]
    np.testing.assert_allclose(centre, [30, 20 + 0.72 * 20], atol=1e-6)  # faces.FACE_CENTER


def test_the_old_form_is_answered_with_the_new_one(capsys, photo):
    assert cli.main(["animate", str(photo), "smile.gif", "--au", "AU12=1"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.endswith(f"the output is named by -o: ganimation animate {photo} -o smile.gif")


def test_an_input_is_never_overwritten(photo, capsys):
    before = photo.read_bytes()
    assert cli.main(["animate", str(photo), "-o", str(photo), "--au", "AU12=1"]) == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err
    assert photo.read_bytes() == before


@pytest.mark.parametrize("option", ["--drive", "--like", "--annotations", "--keyframes"])
def test_what_is_only_read_is_never_overwritten(photo, tmp_path, capsys, option):
    other = tmp_path / "other.mp4"
    other.write_bytes(b"kept")
    command = ["animate", str(photo), "-o", str(other), "--au=AU12=1", option, str(other)]
    assert cli.main(command) == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err
    assert other.read_bytes() == b"kept"


BAD = [
    ("out.jpg", ["--au=AU06=1"], "one edited picture is written with --still"),
    ("out.xyz", ["--au=AU06=1"], "the output must end in .gif, .webp, .mp4, .png or be a dir"),
    ("out.gif", ["--au=AU06=1", "--still"], "--still writes .png or .jpg"),
    ("no/such/where.gif", [*WHOLE, "--au=AU06=1"], "no such directory to write to"),
    ("out.gif", ["--au=AU06=1", "--frames=1"], "--frames must be in [2, 2400], got 1"),
    ("out.gif", ["--au=AU06=1", "--fps=nan"], "--fps must be in [1, 120], got nan"),
    ("out.gif", ["--au=AU06=1", "--scale=0"], "--scale must be in [1, 16], got 0"),
    ("out.gif", ["--au=AU06=1", "--scale=2"], "--scale enlarges a crop; give --crop-only"),
    ("out.gif", ["--au=AU06=1", "--timeout=nan"], "--timeout must be a positive number"),
    ("out.gif", [], "nothing would change: give --au"),
    ("out.gif", [*WHOLE, "--au=AU99=1"], "'AU99' is no AU"),
    ("out.gif", [*WHOLE, "--au=AU1=1"], "AU01 is not an AU of this model; it knows AU06"),
    ("out.gif", [*WHOLE, "--au=AU06=2"], "AU06 must be a number in [0, 1], got 2"),
    ("out.gif", [*WHOLE, "--expression=hapiness"], "did you mean happiness"),
    ("out.gif", ["--au=AU06=1", "--show=depth"], "--show takes attention and color, got 'depth'"),
    ("out.gif", ["--au=AU06=1", "--model=x"], "--model and --server name two models"),
    ("out.png", ["--sweep=AU06", "--still"], "--still writes one picture"),
    (
        "out.gif",
        [*WHOLE, "--au=AU06=1", "--model-name=x"],
        "NOT_FOUND: Could not find any versions",
    ),
    ("out.gif", ["--annotations=none.csv", "--au=AU06=1"], "none.csv: there is no such file"),
    ("out.gif", ["--au=AU06=1"], "no face was found"),
]


@pytest.mark.parametrize(("output", "options", "text"), BAD, ids=[text for *_, text in BAD])
def test_user_errors_are_one_line_and_write_nothing(
    served_model, photo, tmp_path, capsys, output, options, text
):
    assert animate(served_model, photo, tmp_path / output, *options) == 2
    captured = capsys.readouterr()
    line = captured.err.strip().splitlines()[-1]
    assert line.startswith("ganimation animate: ") and text in line
    assert captured.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "no such photo"), (b"", "the file has 0 bytes"), (b"text", "not a picture in one of")],
)
def test_a_photo_that_cannot_be_used(served_model, tmp_path, capsys, content, text):
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    assert animate(served_model, path, tmp_path / "new" / "out.gif", "--au=AU06=1") == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_landmarks_of_another_photo_are_refused(served_model, photo, tmp_path, capsys):
    path = openface_files.write_landmarks(tmp_path / "face.csv", landmarks(200, 400, 20, 208))
    options = ["--annotations", str(path), "--au=AU06=1"]
    assert animate(served_model, photo, tmp_path / "out.gif", *options) == 2
    assert "eyes and mouth must lie in the photo of 48 x 32 pixels" in capsys.readouterr().err


def test_the_named_expressions_are_listed(capsys):
    assert cli.main(["expressions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert any(line.startswith("happiness  AU06 cheek raiser 0.8, AU12 lip") for line in lines)
