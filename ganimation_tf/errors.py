"""The errors of this project, and what they mean to who gets them::

    GanimationError          the command line prints it on one line and exits 2
      UserError              also a ValueError: an argument, option, file or directory is wrong
        OptionError          an option outside its range (`options`)
      ServiceError           a server refused, failed, was not there, or is not one of ours
    CodedError               one input or request of many cannot be used, which stops nothing
      InputError             an input; also a ValueError

Messages name the thing, the rule and the value, as in
`a.csv row 41: AU45_r is missing; found 16 of 17 AU columns`.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import pathlib
import re
import shlex
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any


class GanimationError(Exception):
    """What a person can put right; anything else that is raised is a bug."""


class UserError(GanimationError, ValueError):
    """A wrong argument, option, file or directory."""


class ServiceError(GanimationError):
    """What a server answered, or that it did not: no fault of the arguments."""


class CodedError(Exception):
    """An input or a request that cannot be used, with a code by which such are counted.

    Attributes:
        code: what kind of fault it is, such as `no_face`.
    """

    def __init__(self, code: Any, message: str):
        super().__init__(code, message)  # both, so that it can be pickled
        self.code = code

    def __str__(self) -> str:
        return self.args[1]


class InputError(CodedError, ValueError):
    """One input of a job that cannot be used: `code` is a key of `annotations.rejections.REASONS`.

    Its kinds are classes of the modules that read.
    """


_NOISE = re.compile(r"\[Errno -?\d+\] |\{\{[^}]*\}\}|\[Op:\w+\]")
"""Numbers of the C library's, nodes of TensorFlow's graphs."""


def counted(number: int, thing: str) -> str:
    """`1 frame`, `16 frames`: for things whose plural has an s."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def reason(error: BaseException) -> str:
    """Why it was raised, on one line and without what says nothing to a person."""
    first, *_ = str(error).strip().splitlines() or [""]
    return " ".join(_NOISE.sub("", first).split()) or type(error).__name__


MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading JSON raises that holds other values than those that are taken out, or none."""


@contextlib.contextmanager
def as_user_error(message: str, *kinds: type[Exception]) -> Iterator[None]:
    """What is raised meanwhile becomes a `UserError` of this message and why; one stays as it is.

    Args:
        message: the thing and what is wrong with it, such as `a.json: cannot be read`.
        kinds: of exceptions that are no bug here; none: `OSError`.
    """
    kinds = kinds or (OSError,)
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        why = getattr(error, "strerror", None) or reason(error)
        missing = " is missing" if isinstance(error, KeyError) else ""
        raise UserError(f"{message}: {why}{missing}") from error


def require(module: str, extra: str) -> None:
    """Raises `UserError` with the command that installs it if `module` cannot be found."""
    if importlib.util.find_spec(module) is None:
        raise UserError(f"{module} is not installed; this command needs: {install_command(extra)}")


def install_command(extra: str) -> str:
    """What installs an extra from where this package was installed from."""
    name = "ganimation-tf"
    try:
        record = importlib.metadata.distribution(name).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # it runs from its folder
        record = None
        if (root := pathlib.Path(__file__).parents[1]).joinpath("pyproject.toml").is_file():
            record = json.dumps({"url": root.as_uri(), "dir_info": {"editable": True}})
    source = json.loads(record) if record else {}
    url = source.get("url", "")
    if source.get("dir_info", {}).get("editable"):
        folder = urllib.request.url2pathname(urllib.parse.urlparse(url).path)
        return f"pip install -e {shlex.quote(f'{folder}[{extra}]')}"
    if vcs := source.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    where = f"{name}[{extra}] @ {url}" if url else f"{name}[{extra}]"
    return f"pip install {shlex.quote(where)}"
