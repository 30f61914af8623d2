"""The documentation site: guides in Markdown, API reference from the docstrings.

Sphinx, because it is maintained by many hands, reads docstrings by importing what they document,
and with `-W` makes every link that leads nowhere an error.
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]

import ganimation_tf  # noqa: E402

project = "ganimation-tf"
author = "The ganimation-tf authors"
release = version = ganimation_tf.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "reference",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "notebooks/.ipynb_checkpoints"]
html_theme = "furo"
html_title = f"ganimation-tf {release}"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

add_module_names = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # a preset by its name, and not by its forty values
napoleon_google_docstring = True
napoleon_numpy_docstring = False
