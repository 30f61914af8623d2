"""`blessing.json`: what one step of the line has found of a model, for those that come after it.

`ganimation evaluate` writes one about its gates, `ganimation infra-validate` about being served,
and `ganimation push` lets a model through that has both. A blessing is of one model only, which it
names by the digest of its files.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf import files
from ganimation_tf.errors import MALFORMED, UserError, as_user_error

FILE = "blessing.json"

EVALUATION, INFRASTRUCTURE = "evaluation", "infrastructure"
"""What a blessing is about."""


@dataclasses.dataclass(frozen=True)
class Blessing:
    """A verdict.

    Attributes:
        about: `EVALUATION` or `INFRASTRUCTURE`.
        blessed: whether the model may go on.
        model: digest of the model's directory, None for what is none.
        conditions: what was asked of it, such as `truth_error<=0.4`.
        failures: sentences about those that do not hold.
        facts: what was found; plain values.
    """

    about: str
    blessed: bool
    model: str | None
    conditions: Sequence[str]
    failures: Sequence[str]
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def write(self, path: pathlib.Path) -> None:
        """Writes it whole or not at all.

        Raises:
            UserError: if it cannot be written.
        """
        files.write_json(path, dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def load(cls, path: pathlib.Path, about: str) -> "Blessing":
        """Reads one about `about`.

        Raises:
            UserError: if it cannot be read or is about something else.
        """
        with as_user_error(f"{path}: cannot be read as a blessing", OSError, *MALFORMED):
            blessing = cls(**json.loads(path.read_text(encoding="utf-8")))
        if blessing.about != about:
            raise UserError(f"{path} must be about {about}, it is about {blessing.about!r}")
        return blessing
