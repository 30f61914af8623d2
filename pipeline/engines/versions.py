"""What the bytes of a dataset hang on, here and on another machine. Imports nothing heavy.

Workers are asked before they have everything that the job needs, so what is missing is told, not
raised.
"""

import functools
import hashlib
import importlib.metadata
import importlib.resources
import platform
from collections.abc import Mapping
from importlib.resources.abc import Traversable

CODE = "code of ganimation-tf"

PACKAGES = ("ganimation_tf", "pipeline")
"""What workers run of this project."""

OPENCV = "OpenCV"

_OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless")
_PIXELS = ("numpy", "pillow", "av", "ai-edge-litert")
_DETECTORS = {"mtcnn": ("mtcnn", "tensorflow")}
"""What a detector's eyes, and so the crops, hang on besides."""
_TASKS = ("apache-beam", "distributed")
"""What hands entries and outcomes over."""


@functools.cache
def here() -> Mapping[str, str]:
    """Version by name, `missing` for what is not installed; whatever a job may need."""
    major, minor, _ = platform.python_version_tuple()
    detectors = [name for names in _DETECTORS.values() for name in names]
    versions = {name: _version(name) for name in (*_TASKS, *_PIXELS, *detectors)}
    opencv = [version for name in _OPENCV if (version := _version(name)) != "missing"]
    versions[OPENCV] = opencv[0] if opencv else "missing"
    return {"Python": f"{major}.{minor}", **versions, CODE: code_digest()}


def of_pixels(detector: str) -> Mapping[str, str]:
    """Of `here` what a photo's crop hangs on, with that detector of `PreprocessOptions`."""
    return {name: here()[name] for name in (OPENCV, *_PIXELS, *_DETECTORS.get(detector, ()))}


def of_worker(detector: str) -> Mapping[str, str]:
    """Of `here` what a worker must have as it is here."""
    shared = {name: here()[name] for name in ("Python", *_TASKS, CODE)}
    return {**shared, **of_pixels(detector)}


def difference(there: Mapping[str, str], expected: Mapping[str, str]) -> str | None:
    """What differs first, in words; None if nothing does."""
    for name, version in expected.items():
        theirs = there.get(name, "missing")
        if theirs != version:
            return f"{name} {theirs} where this machine has {version}"
    return None


@functools.cache
def code_digest() -> str:
    """Twelve hexadecimal digits of the sha256 over the project's modules, wherever they lie."""
    state = hashlib.sha256()
    for package in PACKAGES:
        for name, file in modules(importlib.resources.files(package), package):
            state.update(f"{name}\0".encode())
            state.update(file.read_bytes())
    return state.hexdigest()[:12]


def modules(folder: Traversable, name: str) -> list[tuple[str, Traversable]]:
    """(`package/module.py`, the file) of each module of a package, in order."""
    names = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name.isidentifier():
            names += modules(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            names.append((f"{name}/{entry.name}", entry))
    return sorted(names, key=lambda pair: pair[0])


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
