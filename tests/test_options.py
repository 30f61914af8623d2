"""Ranges of options, and flags made from them."""

import argparse
import dataclasses

import pytest

from ganimation_tf.cli import flags
from ganimation_tf.errors import UserError
from ganimation_tf.options import OptionError, check, option


@dataclasses.dataclass(frozen=True)
class Options:
    count: int = option(dataclasses.MISSING, "how many, 100 % of them", low=1)
    share: float = option(0.5, "which part", low=0, below=1)
    size: int = option(8, "side", low=8, high=64, multiple=4)
    scale: float | None = option(None, "factor", above=0)
    kind: str = option("a", "what", choices=("a", "b"))
    fast: bool = option(False, "whether")

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"share": 1.0}, r"share must be in \[0, 1\), got 1.0"),
        ({"share": "half"}, "share must be a number, got 'half'"),
        ({"share": float("nan")}, r"share must be in \[0, 1\), got nan"),
        ({"size": 70}, r"size must be in \[8, 64\], got 70"),
        ({"size": 10}, "size must be a multiple of 4, got 10"),
        ({"scale": 0.0}, "scale must be above 0, got 0.0"),
        ({"scale": float("inf")}, "scale must be finite, got inf"),
        ({"kind": "c"}, "kind must be one of a, b, got 'c'"),
    ],
)
def test_a_value_outside_its_range_is_named_with_the_rule(change, message):
    with pytest.raises(OptionError, match=f"^{message}$"):
        Options(**{"count": 1, **change})


def parse(*arguments, **settings):
    parser = argparse.ArgumentParser(exit_on_error=False)
    flags.add(parser, Options, **settings)
    return parser.parse_args(arguments), parser.format_help()


def test_flags_have_the_fields_types_and_defaults():
    args, text = parse("--count", "3", "--scale", "2", "--fast")
    assert flags.build(Options, **flags.given(args, Options)) == Options(3, scale=2.0, fast=True)
    assert "how many, 100 % of them" in text


def test_a_flag_left_out_may_leave_a_value_as_it_is():
    args, text = parse("--x.size", "16", "--no-x.fast", prefix="x.", default=lambda field: "as is")
    assert flags.given(args, Options, prefix="x.") == {"size": 16, "fast": False}
    assert "(default: as is)" in text


def test_the_command_line_speaks_of_the_flag():
    with pytest.raises(UserError, match="^--x.size must be a multiple of 4, got 10$"):
        flags.replace(Options(1), {"size": 10}, prefix="x.")
