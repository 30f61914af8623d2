"""The project as a zip, for workers that have its dependencies and not itself."""

import importlib.resources
import pathlib
import zipfile

from pipeline.engines import versions


def write_zip(folder: pathlib.Path) -> pathlib.Path:
    """Writes the modules that workers run into a zip that Python can import from.

    Args:
        folder: where to; the name tells which code it is.
    """
    path = folder / f"ganimation_tf-{versions.code_digest()}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for package in versions.PACKAGES:
            for name, file in versions.modules(importlib.resources.files(package), package):
                packed.writestr(name, file.read_bytes())
    return path
