"""Which code this is: the package's version and, in a checkout, its commit."""

import pathlib
import subprocess

from ganimation_tf import __version__


def package_origin() -> dict[str, str | None]:
    """`version`, and `commit`: the checkout's, with `-dirty` after it where files were changed.

    The commit is None for an installed copy, also where that lies in somebody else's checkout.
    """
    return {"version": __version__, "commit": _commit(pathlib.Path(__file__))}


def _commit(file: pathlib.Path) -> str | None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(file.parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", file.name)  # fails unless the checkout is this package's
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or None
    except (OSError, subprocess.CalledProcessError):
        return None
