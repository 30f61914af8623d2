"""What the documentation tells to type exists: commands, their flags and make's targets."""

import argparse
import pathlib
import re

import pytest

from ganimation_tf.cli import build_parser

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/deploy/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

CODE = re.compile(r"^ *```[^\n]*\n(.*?)^ *```|`([^`]+)`", re.S | re.M)


def code(page):
    """The pieces of code of a page; lines that a backslash continues are one."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block, inline in CODE.findall(text):
        if block:
            yield from block.replace("\\\n", " ").splitlines()
        else:
            yield " ".join(inline.split())


def flags_of_commands():
    """The flags that each command knows, of its own commands too."""
    (commands,) = (
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {name: set(known(parser)) for name, parser in commands.items()}


def known(parser):
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from known(inner)


FLAGS = flags_of_commands()

OF_OTHERS = {
    *{"--no-deps", "--nthreads", "--runner", "--parallelism"},  # pip's, Dask's, Beam's
    *{"--rounds"},  # `benchmarks/`
    *{"--profile"},  # Docker Compose's
}


def written(line):
    """(command, flags) of each call of `ganimation` in a line; what follows ` -- ` is Beam's."""
    for call in re.split(r"\|\||&&|[;|#]|\$\(", line):
        match = re.search(r"(?:^|[ /])ganimation ([a-z][a-z-]*)(?= |$)(.*)", call)
        if match:
            ours = re.split(r" -- ", match[2])[0]
            yield match[1], re.findall(r"(?<=[\s\[(])--?[a-zA-Z][\w.-]*", ours)


@pytest.mark.parametrize("page", NAMES)
def test_each_command_and_flag_that_a_page_names_exists(page):
    unknown = [
        f"{command} {flag}"
        for line in code(page)
        for command, flags in written(line)
        for flag in flags or [""]
        if command not in FLAGS or (flag and flag.rstrip(".") not in FLAGS[command])
    ]
    assert unknown == []


def test_flags_are_found_in_the_pages():
    calls = [call for page in NAMES for line in code(page) for call in written(line)]
    assert {"preprocess", "train", "export", "serve", "animate"} <= {name for name, _ in calls}
    assert sum(len(flags) for _, flags in calls) > 100
    assert list(written("ganimation x --ab-c=1 -o d -- --runner=R && ganimation y # --z")) == [
        ("x", ["--ab-c", "-o"]),
        ("y", []),
    ]


@pytest.mark.parametrize("page", NAMES)
def test_each_target_of_make_that_a_page_names_exists(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    named = {
        target
        for line in code(page)
        for target in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", line.strip())
    }
    assert named <= set(targets)


@pytest.mark.parametrize("page", NAMES)
def test_each_flag_that_is_named_alone_is_one_of_some_command(page):
    everything = set().union(*FLAGS.values(), OF_OTHERS)
    alone = {
        line.split("=")[0].split()[0]
        for line in code(page)
        if re.match(r"--[a-z][a-z\d.-]*(?:[ =]|$)", line)  # Beam's have underscores
    }
    assert sorted(alone - everything) == []
