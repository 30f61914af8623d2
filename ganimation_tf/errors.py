"""The errors of this project, and what they mean to who gets them.

    GanimationError          the command line prints it on one line and exits 2
      UserError              also a ValueError: an argument, option, file or directory is wrong
        OptionError          an option outside its range (`options`)
      ServiceError           a server refused, failed, was not there, or is not one of ours
    CodedError               one input or request of many cannot be used, which stops nothing

Messages name the thing, the rule and the value, as in
`a.csv row 41: AU45_r is missing; found 16 of 17 AU columns`.
"""

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


def require(module: str, extra: str) -> None:
    """Raises `UserError` naming the extra to install if `module` cannot be found."""
    import importlib.util

    if importlib.util.find_spec(module) is None:
        raise UserError(
            f"{module} is not installed; this command needs: pip install 'ganimation-tf[{extra}]'"
        )
