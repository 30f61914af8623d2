"""The command that annotates what has no annotation."""

import pytest

from ganimation_tf.annotations.advice import annotate, root_of
from jobs import preprocess
from openface_files import write_faces, write_photo


def options(reader, images="photos", annotations="csv"):
    return {"reader": reader, "images": images, "annotations": annotations}


@pytest.mark.parametrize(
    ("reader", "count", "missing", "expected"),
    [
        (
            "openface",
            2,
            ["b c.jpg", "a.jpg"],
            "2 images have no annotation; this writes it: FaceLandmarkImg -f photos/a.jpg "
            "-f 'photos/b c.jpg' -2Dfp -aus -pose -out_dir csv",
        ),
        (
            "openface",
            9,
            ["x/a.jpg", "b.jpg"],
            "FaceLandmarkImg -fdir photos -2Dfp -aus -pose -out_dir csv && FaceLandmarkImg -fdir "
            "photos/x -2Dfp -aus -pose -out_dir csv/x; rejected.jsonl names them all",
        ),
        ("openface-video", 1, ["a.mp4"], "1 image has no annotation; this writes it: Feature"),
        ("py-feat", 1, ["a.jpg"], "index=False)' csv/more.csv photos/a.jpg"),
        ("libreface", 1, ["a.jpg"], "libreface --input_path=photos/a.jpg --output_path=csv/a.csv"),
        ("table", 1, ["a.jpg"], "no annotation, such as a.jpg: csv has to name them"),
    ],
)
def test_command_of_each_source(reader, count, missing, expected):
    assert expected in annotate(count, missing, options(reader))


@pytest.mark.parametrize(
    ("where", "root"),
    [("a/b/", "a/b"), ("a/*/b.jpg", "a"), ("a/b.csv", "a"), ("*.csv", "."), ("/", "/")],
)
def test_root_of_what_the_user_wrote(where, root):
    assert root_of(where) == root


def test_the_summary_and_the_report_say_it(tmp_path, capsys):
    write_faces(tmp_path, ["a"])
    write_photo(tmp_path / "photos/b.jpg")
    output = preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "out")
    command = f"FaceLandmarkImg -f {tmp_path}/photos/b.jpg -2Dfp -aus -pose -out_dir {tmp_path}/csv"
    assert command in capsys.readouterr().out
    for name in ("statistics.json", "report.html"):
        assert command in (output / name).read_text()
    (tmp_path / "csv/a.csv").rename(tmp_path / "csv/c.csv")
    preprocess(tmp_path / "photos", tmp_path / "csv", tmp_path / "none", code=2)
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert "2 images have no annotation; this writes it: FaceLandmarkImg -f " in line
