"""Fixtures that several test files share."""

import os
import pathlib
import tempfile
import types

import pytest

# As the command line sets it, so that a test and the processes that it starts round alike.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory):
    """Where this process and those that it starts put temporary files: pytest clears up after
    those that are killed."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", tempfile.tempdir)
        patch.setenv("DVC_SITE_CACHE_DIR", f"{tempfile.tempdir}/dvc")  # else below /var/tmp
        yield
    tempfile.tempdir = before


@pytest.fixture(scope="session")
def faces_dir() -> pathlib.Path:
    """The folder of real annotated photos (`imgs/`, `openface_csv/`, `forms/`)."""
    path = os.environ.get("GANIMATION_FACES", "")
    if not path or not pathlib.Path(path).is_dir():
        pytest.skip(f"GANIMATION_FACES names no folder of annotated photos: {path!r}")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def photoreal_dir() -> pathlib.Path:
    """The folder of the real face model and portraits."""
    path = os.environ.get("GANIMATION_PHOTOREAL", "")
    if not path or not pathlib.Path(path).is_dir():
        pytest.skip(f"GANIMATION_PHOTOREAL names no folder of face model and portraits: {path!r}")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory) -> pathlib.Path:
    """A model directory whose only version, 2, is the stand-in of `serving_model`."""
    import serving_model

    path = tmp_path_factory.mktemp("models")
    serving_model.save(path, 2)
    return path


@pytest.fixture(scope="session")
def served_model(model_dir):
    """A running server of `model_dir`: its `address` and its `versions`; at most 8 rows a call."""
    import serving_model

    with serving_model.running(model_dir) as one:
        yield one


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Drawn faces on their way: `photos`, `data` (32 px), `run` (preset tiny, one step)."""
    import ganimation_tf as gan
    from ganimation_tf import cli
    from jobs import preprocess

    root = tmp_path_factory.mktemp("drawn")
    command = ["synthesize", "--count", "24", "--size", "64", "--identities", "6"]
    assert cli.main([*command, str(root / "faces")]) == 0
    data = preprocess(
        *(root / "faces" / name for name in ("imgs", "openface_csv")),
        root / "dataset",
        *("--subject-pattern", r"(person_\d+)", "--eval-fraction", "0.3"),
    )
    run = gan.train(data, root / "runs", gan.PRESETS["tiny"], preset="tiny", steps=1)
    return types.SimpleNamespace(photos=root / "faces" / "imgs", data=data, run=run)
