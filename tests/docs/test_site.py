"""The site is built from what is committed, and each reference leads somewhere."""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_the_site_builds_without_a_warning(tmp_path):
    # What lies beside it and is not committed must not be needed.
    listed = ["git", "ls-files"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, str(tmp_path / "docs"), str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    pages = {path.stem for path in (tmp_path / "site").glob("*.html")}
    guides = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert guides <= pages
