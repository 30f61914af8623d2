"""What can be wrong with what the user gave: options, files, pictures, annotations."""


class UserError(ValueError):
    """A wrong option, file or directory. The command line prints it on one line and exits 2.

    The message names the thing, the rule and the value, as in
    `a.csv row 41: AU45_r is missing; found 16 of 17 AU columns`.
    """


class CodedError(ValueError):
    """One input that cannot be used; its kinds are classes of the modules that read.

    Attributes:
        code: for machines; where the input is one of a job's, a key of `rejections.REASONS`.
    """

    def __init__(self, code: str, message: str):
        super().__init__(code, message)  # both, so that a worker can send it: it is pickled
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
