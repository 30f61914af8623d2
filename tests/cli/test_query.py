"""`ganimation query` against the stand-in model."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganimation_tf import cli
from ganimation_tf.faces import images
from serving_model import SIZE, face


@pytest.fixture
def crop(tmp_path):
    """A crop of grey 51 = 0.2; the stand-in reads 0.2 for each AU and moves AU06 towards white."""
    path = tmp_path / "crop.png"
    path.write_bytes(face(51))
    return path


def query(served_model, *arguments):
    return cli.main(["query", *map(str, arguments), "--server", served_model.address])


@pytest.mark.parametrize(
    ("rest", "units"), [("source", "AU12=0.20 AU45=0.20"), ("zero", "AU12=0.00 AU45=0.00")]
)
def test_a_picture_with_its_statement(served_model, crop, tmp_path, rest, units):
    output = tmp_path / "out.png"
    assert query(served_model, crop, "--au=AU06=0.5", f"--rest={rest}", "--output", output) == 0
    assert (images.decode(output.read_bytes()) == 153).all()  # 51 + 0.5 * 204
    with Image.open(output) as picture:
        statement = picture.info["xmp"].decode()
    assert f"AU06=0.50 {units}" in statement
    assert "<Iptc4xmpExt:AISystemVersionUsed>2<" in statement


def test_a_jpeg_by_its_name(served_model, crop, tmp_path):
    output = tmp_path / "out.JPG"
    assert query(served_model, crop, "--au=AU06=1", "--output", output) == 0
    with Image.open(output) as picture:
        assert (picture.format, picture.size) == ("JPEG", (SIZE, SIZE))
        assert b"compositeWithTrainedAlgorithmicMedia" in picture.info["xmp"]
    assert (images.decode(output.read_bytes()) >= 254).all()


def test_no_provenance_leaves_the_servers_bytes(served_model, crop, tmp_path):
    output = tmp_path / "out.png"
    options = ["--au=AU06=1", "--no-provenance", "--output", output]
    assert query(served_model, crop, *options) == 0
    assert b"adobe" not in output.read_bytes()


def test_the_picture_goes_to_standard_output(served_model, crop, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written))
    assert query(served_model, crop, "--au=AU06=1") == 0
    assert (images.decode(written.getvalue()) == 255).all()
    assert b"compositeWithTrainedAlgorithmicMedia" in written.getvalue()


def test_a_terminal_gets_no_picture(served_model, crop, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert query(served_model, crop, "--au=AU06=1") == 2
    assert "not written to a terminal; give --output FILE" in capsys.readouterr().err


def test_estimate_status_metadata_and_card(served_model, crop, capsys):
    def printed(*arguments):
        assert query(served_model, *arguments) == 0
        return json.loads(capsys.readouterr().out)

    assert printed(crop, "--estimate") == {"AU06": 0.2, "AU12": 0.2, "AU45": 0.2}
    assert printed("--status") == {"2": "AVAILABLE"}
    inputs = printed("--metadata")["serving_default"]["inputs"]
    assert inputs["action_units"] == ["float32", [-1, 3]]
    assert printed("--card")["image_size"] == SIZE


BAD = [
    ([], "give a face crop, or one of --status"),
    (["crop.png"], "nothing would change: give --au"),
    (["crop.png", "--status"], "take neither a crop nor --output"),
    (["--card", "--output=x.png"], "take neither a crop nor --output"),
    (["crop.png", "--estimate", "--output=x.png"], "--estimate prints"),
    (["crop.png", "--au=AU06=1", "--output=x.gif"], "--output must end in .png, .jpg, .jpeg"),
    (["crop.png", "--au=AU06=1", "--output=no/x.png"], "no: no such directory to write to"),
    (["crop.png", "--au=AU99=1", "--output=x.png"], "'AU99' is no AU; there are AU06"),
    (["none.png", "--au=AU06=1", "--output=x.png"], "none.png: "),
    (["text.png", "--au=AU06=1", "--output=x.png"], "INVALID_ARGUMENT"),
    (
        ["crop.png", "--au=AU06=1", "--output=./crop.png"],
        "crop.png is the crop, which is not overwritten",
    ),
    (["--status", "--timeout=0"], "--timeout must be a positive number of seconds"),
    (["--status", "--tls-key=x.key"], "go together; no certificate was given"),
    (["--status", "--tls-root=none.pem"], "none.pem: cannot be read"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD, ids=[text for _, text in BAD])
def test_user_errors_are_one_line_and_write_nothing(
    served_model, crop, monkeypatch, capsys, arguments, text
):
    monkeypatch.chdir(crop.parent)
    (crop.parent / "text.png").write_text("text")
    assert query(served_model, *arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("ganimation query: ") and text in line
    assert captured.out == ""
    assert crop.read_bytes() == face(51)
    assert sorted(path.name for path in crop.parent.iterdir()) == ["crop.png", "text.png"]


def test_a_link_to_the_crop_is_the_crop(served_model, crop, capsys):
    link = crop.with_name("link.png")
    link.symlink_to(crop)
    assert query(served_model, link, "--au=AU06=1", "--output", crop) == 2
    assert "is the crop, which is not overwritten" in capsys.readouterr().err
    assert crop.read_bytes() == face(51)


def test_it_never_loads_tensorflow(served_model, crop, tmp_path):
    code = (
        "import sys; from ganimation_tf import cli;"
        "code = cli.main(sys.argv[1:]);"
        "heavy = [n for n in sys.modules if n.split('.')[0] in ('tensorflow', 'keras')];"
        "sys.exit(code or len(heavy))"
    )
    output = tmp_path / "out.png"
    command = ["query", crop, "--au=AU06=1", "--output", output, "--server", served_model.address]
    subprocess.run([sys.executable, "-c", code, *map(str, command)], check=True)
    assert np.all(images.decode(output.read_bytes()) == 255)
