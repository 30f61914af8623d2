"""The commands of this package that judge a model, as processes of their own."""

import subprocess

from ganimation_tf import processes
from ganimation_tf.errors import UserError

USER_ERROR = 2


def judged(*arguments: str) -> str:
    """What a command prints that judges a model, and exits with 1 where it fails.

    Raises:
        UserError: if the command refuses what it was asked.
        RuntimeError: if it ends otherwise, with its last lines.
    """
    done = subprocess.run(
        processes.command("ganimation_tf", *arguments),
        env=processes.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        kind = UserError if done.returncode == USER_ERROR else RuntimeError
        raise kind(done.stderr.strip()[-2000:])
    return done.stdout
