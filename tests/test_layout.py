"""Rooms: which there are, who imports whom, and that every arrow points back.

`python tests/test_layout.py` prints the table. A room is a folder of `ganimation_tf`, `pipeline`,
`pipeline/tfx`, `serving/client` or `serving/server`; modules at the top of `ganimation_tf` are
`leaves`. The lazy names of `ganimation_tf` are no imports.
"""

import ast
import collections
import configparser
import functools
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
TOPS = ("ganimation_tf", "pipeline", "serving")

ORDER = (
    "leaves",
    "protos",
    "faces",
    "annotations",
    "synthetic",
    "media",
    "data",
    "networks",
    "evaluation",
    "training",
    "export",
    "pipeline",
    "serving/server",
    "serving/client",
    "animation",
    "line",
    "serving/studio",
    "api",
    "pipeline/tfx",
    "cli",
)
"""A room imports only from those before it."""

OWN_ROOMS = {
    "ganimation_tf.__main__": "cli",
    "ganimation_tf.api": "api",
    "ganimation_tf.face_api": "api",
}
"""Modules at the top of `ganimation_tf` that are no leaves."""

NEVER = (("pipeline", "serving"), ("serving/client", "serving/server"))
"""Rooms that do not know of each other, in neither direction."""

MODULE_LINES, FUNCTION_LINES = 260, 48

WITHOUT_TENSORFLOW = (
    "ganimation_tf",
    "ganimation_tf.cli",
    "pipeline.local.worker",
    "pipeline.preprocess",
    "serving.client",
)
"""What workers, the client and the command line start with."""

BANNED = ("tensorflow", "keras")


@functools.cache
def modules() -> dict[str, pathlib.Path]:
    """Dotted name to file, of the three packages."""
    paths = [path for top in TOPS for path in (ROOT / top).rglob("*.py")]
    return {_dotted(path): path for path in paths}


def _dotted(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """`leaves` for a module at the top of `ganimation_tf`."""
    top, *rest = module.split(".")
    if top == "pipeline":
        return "pipeline/tfx" if rest[:1] == ["tfx"] else "pipeline"
    if top == "serving":
        return f"serving/{rest[0]}" if rest else "serving"
    if module in OWN_ROOMS:
        return OWN_ROOMS[module]
    folder = rest and (ROOT / top / rest[0]).is_dir()
    return rest[0] if folder else "leaves"


def imports_of(path: pathlib.Path) -> Iterator[str]:
    """The project's modules that a file imports, wherever in it."""
    if path == ROOT / "ganimation_tf" / "__init__.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in modules())


@functools.cache
def arrows() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(importing room, imported room) to the pairs of modules."""
    between = collections.defaultdict(list)
    for module, path in modules().items():
        for imported in imports_of(path):
            rooms = room_of(module), room_of(imported)
            if rooms[0] != rooms[1]:
                between[rooms].append((module, imported))
    return dict(between)


def test_every_room_has_a_place_in_the_order():
    rooms = {room_of(module) for module in modules()} - {"serving"}
    assert rooms <= set(ORDER)


def test_no_room_imports_from_a_later_one():
    place = {room: number for number, room in enumerate(ORDER)}
    later = {
        f"{a} -> {b}": pairs
        for (a, b), pairs in arrows().items()
        if place.get(b, 0) >= place.get(a, 0)
    }
    assert later == {}


def test_the_modules_have_no_cycle():
    imported = {module: set(imports_of(path)) - {module} for module, path in modules().items()}
    while free := {module for module, names in imported.items() if not names & imported.keys()}:
        imported = {module: names for module, names in imported.items() if module not in free}
    assert imported == {}


@pytest.mark.parametrize(("one", "other"), NEVER)
def test_rooms_that_never_meet(one, other):
    for a, b in arrows():
        assert not (a.startswith(one) and b.startswith(other)), arrows()[a, b]
        assert not (a.startswith(other) and b.startswith(one)), arrows()[a, b]


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_imports_no_tensorflow(module):
    program = f"import sys, {module}; sys.exit(not sys.modules.keys().isdisjoint({BANNED}))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_modules_and_functions_stay_small():
    """As CONTRIBUTING.md promises; docstrings of functions are left out."""
    too_long = []
    for module, path in modules().items():
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > MODULE_LINES and not module.endswith("_pb2"):
            too_long.append(module)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                lines = node.end_lineno - node.lineno + 1
                if ast.get_docstring(node) is not None:
                    lines -= first.end_lineno - first.lineno + 1
                if lines > FUNCTION_LINES:
                    too_long.append(f"{module}.{node.name}")
    assert too_long == []


def main() -> None:
    """Prints the rooms, their sizes, and the arrows between them."""
    sizes, lines = collections.Counter(), collections.Counter()
    for module, path in modules().items():
        sizes[room_of(module)] += 1
        lines[room_of(module)] += len(path.read_text(encoding="utf-8").splitlines())
    place = {room: number for number, room in enumerate(ORDER)}
    for room in sorted(sizes, key=lambda name: place.get(name, -1)):
        to = ", ".join(f"{b} {len(pairs)}" for (a, b), pairs in arrows().items() if a == room)
        print(f"{room:<15} {sizes[room]:>3} modules {lines[room]:>6} lines  imports {to or '-'}")
    upward = sum(place.get(b, 0) >= place.get(a, 0) for a, b in arrows())
    total = sum(map(len, arrows().values()))
    print(f"{len(sizes)} rooms, {total} imports on {len(arrows())} arrows, {upward} upward")


def test_every_package_is_installed():
    """`setup.cfg` names them one by one, since `tests` and others must not be installed."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = setup["options"]["packages"].split()
    folders = [path.parent for top in TOPS for path in (ROOT / top).rglob("__init__.py")]
    assert sorted(named) == sorted(".".join(path.relative_to(ROOT).parts) for path in folders)


if __name__ == "__main__":
    main()
