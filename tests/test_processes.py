"""Processes of this project find it wherever they are started."""

import pathlib
import subprocess
import sys

import ganimation_tf
from ganimation_tf import processes


def test_a_process_finds_this_package_where_it_is_not_installed(tmp_path):
    root = pathlib.Path(ganimation_tf.__file__).parents[1]
    command = [sys.executable, "-P", "-S", "-c", "import ganimation_tf as g; print(g.__file__)"]
    done = subprocess.run(
        command, cwd=tmp_path, env=processes.environment(), capture_output=True, text=True
    )
    assert done.stdout.strip() == str(root / "ganimation_tf" / "__init__.py")


def test_a_folder_of_the_same_name_does_not_run_in_its_place(tmp_path):
    (tmp_path / "ganimation_tf").mkdir()
    (tmp_path / "ganimation_tf" / "__main__.py").write_text("print('another')")
    command = processes.command("ganimation_tf", "expressions")
    done = subprocess.run(
        command, cwd=tmp_path, env=processes.environment(), capture_output=True, text=True
    )
    assert "surprise" in done.stdout
