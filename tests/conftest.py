"""Fixtures that several test files share."""

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def faces_dir() -> pathlib.Path:
    """The folder of real annotated photos (`imgs/`, `openface_csv/`, `forms/`)."""
    path = os.environ.get("GANIMATION_FACES", "")
    if not path or not pathlib.Path(path).is_dir():
        pytest.skip(f"GANIMATION_FACES names no folder of annotated photos: {path!r}")
    return pathlib.Path(path)
