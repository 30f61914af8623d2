"""The error that means: the user can put this right."""


class UserError(ValueError):
    """A wrong option, file or directory. The command line prints it on one line and exits 2.

    The message names the thing, the rule and the value, as in
    `a.csv row 41: AU45_r is missing; found 16 of 17 AU columns`.
    """


def require(module: str, extra: str) -> None:
    """Raises `UserError` naming the extra to install if `module` cannot be found."""
    import importlib.util

    if importlib.util.find_spec(module) is None:
        raise UserError(
            f"{module} is not installed; this command needs: pip install 'ganimation-tf[{extra}]'"
        )
