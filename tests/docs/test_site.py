"""The documentation: every public name has a place, every link leads somewhere."""

import pathlib
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(tmp_path)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "api.html").read_text(encoding="utf-8")
    import ganimation_tf

    for name in set(ganimation_tf.__all__) - {"__version__"}:
        assert name in page
