"""What `make reproduce` takes for reproduced."""

import copy
import importlib.util
import pathlib

import pytest

PATH = pathlib.Path(__file__).parent / "reproduce.py"

KEPT = {
    "dataset": {"sha256": "d"},
    "weights": {"sha256": "w", "numbers": [0.5, 2.0]},
    "export": {"sha256": "e", "numbers": [0.25]},
    "trained picture": {"sha256": "t", "numbers": [100.0]},
    "shipped picture": {"sha256": "s", "numbers": [100.0]},
}


@pytest.fixture(scope="module")
def reproduce():
    spec = importlib.util.spec_from_file_location("reproduce", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changed(name, numbers=None):
    """The kept results but for another digest of one thing, and other numbers."""
    actual = copy.deepcopy(KEPT)
    actual[name]["sha256"] = "another"
    if numbers is not None:
        actual[name]["numbers"] = numbers
    return actual


@pytest.mark.parametrize(
    ("actual", "own_class", "code"),
    [
        (KEPT, "a", 0),
        (KEPT, "b", 0),
        (changed("weights", [0.5, 2.0]), "a", 1),  # this class has digests: they count
        (changed("weights", [0.5, 2.019]), "b", 0),  # 0.95 % of 2
        (changed("weights", [0.5, 2.021]), "b", 1),  # 1.05 %
        (changed("export", [0.2509]), "b", 0),
        (changed("export", [0.2511]), "b", 1),
        (changed("shipped picture", [101.9]), "b", 0),
        (changed("shipped picture", [102.1]), "b", 1),
        (changed("weights", [0.5]), "b", 1),  # one is missing
        (changed("dataset"), "b", 1),  # equal everywhere
    ],
)
def test_equal_or_on_another_class_within_bounds(reproduce, actual, own_class, code, capsys):
    assert reproduce.compare(actual, {"a": KEPT}, own_class) == code
    assert ("FAIL" in capsys.readouterr().out) == bool(code)


def test_without_anything_kept_there_is_nothing_to_compare_with(reproduce):
    with pytest.raises(SystemExit, match="is not there"):
        reproduce.compare(KEPT, {}, "a")
