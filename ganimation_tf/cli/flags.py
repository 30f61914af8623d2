"""Flags of the command line from the fields of an options class (`ganimation_tf.options`)."""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ganimation_tf.errors import UserError
from ganimation_tf.options import OptionError

Options = TypeVar("Options")

METAVARS: dict[Any, str] = {int: "N", float: "X", pathlib.Path: "PATH"}


def flag_of(name: str, prefix: str = "") -> str:
    """`--batch-size` for the field `batch_size`; `--loss.cycle` with a prefix."""
    return f"--{prefix}{name.replace('_', '-')}"


def add(
    parser: Any,
    options: type,
    *,
    prefix: str = "",
    default: Callable[[dataclasses.Field], str] | None = None,
) -> None:
    """A flag for each field that is a plain value.

    Args:
        parser: an argparse parser or a group of one.
        options: a dataclass whose fields are `options.option`.
        prefix: of the flags' names.
        default: for flags that, left out, leave a value as it is (`given` tells which were not):
            says for the help what that value is. None: a flag left out has the field's default.
    """
    for field, kind in _fields(options):
        settings = dict(field.metadata)
        text = settings["help"]
        keywords: dict[str, Any] = {"dest": prefix + field.name, "help": text.replace("%", "%%")}
        if default is not None:
            keywords["help"] += f" (default: {default(field)})"
            keywords["default"] = None
        elif field.default is dataclasses.MISSING:
            keywords["required"] = True
        else:
            keywords["default"] = field.default
        parser.add_argument(
            flag_of(field.name, prefix), **keywords, **_kind(kind, settings, default is not None)
        )


def _kind(kind: type, settings: dict[str, Any], both_ways: bool) -> dict[str, Any]:
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction if both_ways else "store_true"}
    keywords = {"type": kind, "choices": settings.get("choices")}
    if not keywords["choices"]:
        keywords["metavar"] = settings.get("metavar") or METAVARS.get(kind)
    return keywords


def _fields(options: type) -> Iterator[tuple[dataclasses.Field, type]]:
    kinds = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        kind = kinds[field.name]
        if isinstance(kind, types.UnionType):  # `int | None`
            kind = typing.get_args(kind)[0]
        if field.metadata.get("flag"):
            yield field, kind


def add_dataset(parser: Any) -> None:
    """`--data`, a dataset."""
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        required=True,
        metavar="DATASET",
        help="directory that `ganimation preprocess` has written",
    )


def add_beam_args(parser: Any) -> None:
    """What follows `--`, as `beam_args`."""
    parser.add_argument(
        "beam_args",
        nargs="*",
        metavar="-- BEAM_OPTION",
        help="Options of Apache Beam, such as --runner=PortableRunner.",
    )


def add_former_name(parser: Any, name: str, current: str, **settings: Any) -> None:
    """The name that a flag had before: understood for one more release, and in no help text.

    Args:
        name: the former one; without dashes for what was given without a flag.
        current: the flag.
        settings: of the flag.
    """
    if not name.startswith("-"):
        settings |= {"nargs": "?"}
    else:
        settings |= {"dest": settings.get("dest", current[2:].replace("-", "_"))}
    # Not given, it must not undo what the current name has been given.
    settings |= {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
    parser.add_argument(name, **settings)


def output_of(args: argparse.Namespace, former: str) -> pathlib.Path:
    """The directory of `--output`, or what was given under its former name.

    Raises:
        UserError: if neither was given.
    """
    output = args.output or getattr(args, former, None)
    if output is None:
        raise UserError("--output DIR is required")
    return pathlib.Path(output)


def add_workers(parser: Any) -> None:
    """The flag of commands that `parallel.spread` their work."""
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that share the work; the files are the same for any number",
    )


def require_at_least(args: argparse.Namespace, least: int, *names: str) -> None:
    """Raises `UserError` for the first of `names` that was given less than `least`, or NaN."""
    for name in names:
        value = getattr(args, name)
        if value is not None and not value >= least:
            raise UserError(f"{flag_of(name)} must be at least {least}, got {value}")


def require_makeable(directory: pathlib.Path, flag: str) -> None:
    """Raises `UserError` if a file stands where a directory, or one above it, has to be made, or
    nothing can be written there."""
    for place in (directory, *directory.absolute().parents):
        if place.exists():
            if not place.is_dir():
                raise UserError(f"{flag} {directory} cannot be made: {place} is a file")
            if not os.access(place, os.W_OK | os.X_OK):
                raise UserError(f"{flag} {directory}: {place} cannot be written to")
            return


def given(args: argparse.Namespace, options: type, *, prefix: str = "") -> dict[str, Any]:
    """Field name to value, of the flags of `add` that are not None."""
    values = {f.name: getattr(args, prefix + f.name) for f, _ in _fields(options)}
    return {name: value for name, value in values.items() if value is not None}


def build(options: type[Options], **values: Any) -> Options:
    """`options(**values)`.

    Raises:
        UserError: for an option outside its range, naming the flag.
    """
    with spoken_of_as_flags():
        return options(**values)


def replace(options: Options, values: Mapping[str, Any], *, prefix: str = "") -> Options:
    """`options` with other values, and errors as `build` has them."""
    with spoken_of_as_flags(prefix):
        return dataclasses.replace(options, **values)  # type: ignore[type-var]


@contextlib.contextmanager
def spoken_of_as_flags(prefix: str = "") -> Iterator[None]:
    """The name of an `OptionError` becomes that of its flag.

    Raises:
        UserError: for it.
    """
    try:
        yield
    except OptionError as error:
        flag = flag_of(error.name, prefix)
        raise UserError(f"{flag} {error.rule}, got {error.value!r}") from None
