"""Sphinx extension: directives `public-names` and `commands`, and how docstrings here read.

A name in one pair of backticks is code and no reference: `image` is a key of a dict more often than
an object that has a page.
"""

import argparse
import os
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.pycode import ModuleAnalyzer

import ganimation_tf
from ganimation_tf import api, cli

GROUPS = (
    ("Faces", ("align_face", "paste_face", "render_face", "reanimate", "neutralise")),
    ("Animation", ("Animator", "EXPRESSIONS", "ACTION_UNITS")),
    ("Training", ("train", "load_run", "TrainConfig", "PRESETS", "LossWeights", "GANimation")),
    ("Data", ("training_dataset", "evaluation_dataset")),
    ("Networks", ("build_generator", "build_critic")),
    ("Evaluation and export", ("evaluate", "export")),
    ("Serving", ("GanimationClient", "AsyncGanimationClient")),
)
"""Every public name belongs to one of these groups."""


def code(text: str) -> str:
    """Single backticks become double ones."""
    return re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"``\1``", text)


class PublicNames(Directive):
    """Documents every name of `ganimation_tf.__all__`, group by group."""

    def run(self) -> list[nodes.Node]:
        names = set(ganimation_tf.__all__) - {"__version__"}
        grouped = {name for _, group in GROUPS for name in group}
        if names - grouped:
            raise self.error(f"public names in no group of docs/reference.py: {names - grouped}")
        lines: list[str] = []
        for title, group in GROUPS:
            present = [name for name in group if name in names]
            if present:
                lines += [f".. rubric:: {title}", ""]
            for name in present:
                lines += [*_directive(name), ""]
        node = nodes.section()
        self.state.nested_parse(StringList(lines, "public names"), self.content_offset, node)
        return node.children


def _directive(name: str) -> list[str]:
    value = getattr(api, name, None) or getattr(ganimation_tf, name)
    if isinstance(value, type):
        place = f"{value.__module__}.{value.__qualname__}"
        members = [] if name in ("GANimation", "LossWeights") else ["   :members:"]
        return [f".. autoclass:: {place}", *members]
    if callable(value):
        return [f".. autofunction:: {value.__module__}.{value.__qualname__}"]
    module, _, attribute = ganimation_tf._PLACES[name].partition(":")
    lines = ModuleAnalyzer.for_module(module).find_attr_docs()["", attribute or name]
    return [f".. data:: {name}", "", *(f"   {line}" for line in code("\n".join(lines)).split("\n"))]


class Commands(Directive):
    """The help text of every command."""

    def run(self) -> list[nodes.Node]:
        sections: list[nodes.Node] = []
        parser = cli.build_parser()
        (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        for name, command in commands.choices.items():
            section = nodes.section(ids=[name])
            section += nodes.title(text=f"ganimation {name}")
            section += nodes.literal_block(text=command.format_help(), language="text")
            sections.append(section)
        return sections


def setup(app):
    """Registers them."""
    os.environ["COLUMNS"] = "90"  # of the help texts: what a page shows without scrolling
    app.add_directive("public-names", PublicNames)
    app.add_directive("commands", Commands)

    def read(app, what, name, object, options, lines):
        lines[:] = code("\n".join(lines)).split("\n")

    # Before napoleon, which reads the lines as this leaves them.
    app.connect("autodoc-process-docstring", read, priority=100)
    return {"parallel_read_safe": True}
