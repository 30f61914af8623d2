"""Files of key frames, JSON or CSV; docs/animate.md has both forms."""

import csv
import io
import json
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ganimation_tf import expression_parsing
from ganimation_tf.action_units import DESCRIPTIONS
from ganimation_tf.animation.timeline import KeyFrame, Timeline
from ganimation_tf.annotations import csv_text
from ganimation_tf.errors import UserError, as_user_error

YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")
"""What a CSV may say under `neutral`."""


def read(path: pathlib.Path, names: Sequence[str] = tuple(DESCRIPTIONS)) -> Timeline:
    """The timeline of a `.json` or `.csv` file.

    Raises:
        UserError: naming the file and what is wrong with it.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: key frames must be UTF-8 text: {error}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return (_from_json if pathlib.Path(path).suffix.lower() == ".json" else _from_csv)(
            text, names
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _from_json(text: str, names: Sequence[str]) -> Timeline:
    """A list of key frames, or an object with `keyframes` and `loop`."""
    with as_user_error("key frames must be JSON", ValueError, RecursionError):
        content = json.loads(text, object_pairs_hook=_object)
    loop, rows = False, content
    if isinstance(content, dict):
        loop, rows = content.get("loop", False), content.get("keyframes")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError("key frames must be a list of objects, or an object with `keyframes`")
    if isinstance(content, dict):
        _require_known(content, {"keyframes", "loop"})
    _require(isinstance(loop, bool), "`loop` must be true or false", loop)
    frames = []
    for number, row in enumerate(rows, 1):
        try:
            frames.append(_json_row(row, names))
        except UserError as error:
            raise UserError(f"key frame {number}: {error}") from None
    return Timeline(tuple(frames), loop)


def _json_row(row: dict[str, Any], names: Sequence[str]) -> KeyFrame:
    _require_known(row, {"time", "au", "expression", "neutral", "easing"})
    aus, spoken, neutral = row.get("au", {}), row.get("expression", []), row.get("neutral", False)
    _require(isinstance(aus, dict), "`au` must be an object", aus)
    for name, value in aus.items():
        fits = isinstance(value, int | float | str) and not isinstance(value, bool)
        _require(fits, f"{name} must be a number, or text such as +0.2", value)
    spoken = [spoken] if isinstance(spoken, str) else spoken
    texts = isinstance(spoken, list) and all(isinstance(one, str) for one in spoken)
    _require(texts, "`expression` must be text such as fear:0.7, or a list of such", spoken)
    _require(isinstance(neutral, bool), "`neutral` must be true or false", neutral)
    return _key_frame(row, aus, spoken, neutral, names)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    _require_once(name for name, _ in pairs)
    return dict(pairs)


def _require_once(names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise UserError(f"`{name}` must be there once, got it {times} times")


def _require_known(given: dict[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise UserError(f"{unknown[0]!r} is not known; there are {', '.join(sorted(known))}")


def _require(fits: bool, rule: str, value: Any) -> None:
    if not fits:
        raise UserError(f"{rule}, got {json.dumps(value)}")


def _from_csv(text: str, names: Sequence[str]) -> Timeline:
    """A line for each key frame: `time`, AUs by name, and `expression`, `neutral`, `easing`."""
    separator = csv_text.separator_of(text.lstrip().partition("\n")[0])
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, delimiter=separator)
    _require_once(name.strip() for name in reader.fieldnames or ())
    frames = []
    for number, row in enumerate(reader, 1):
        if None in row:
            raise UserError(f"line {number + 1} has more fields than the header")
        fields = ((key.strip(), (value or "").strip()) for key, value in row.items())
        row = {key: csv_text.with_point(value) for key, value in fields}
        spoken = row.pop("expression", "")
        neutral = row.pop("neutral", "")
        facts = {key: row.pop(key) for key in ("time", "easing") if row.get(key)}
        aus = {key: value for key, value in row.items() if value and key != "easing"}
        try:
            rule = f"`neutral` must be one of {', '.join((*YES, *NO[1:]))}, or empty"
            _require(neutral.lower() in (*YES, *NO), rule, neutral)
            spoken = [spoken] if spoken else []
            frames.append(_key_frame(facts, aus, spoken, neutral.lower() in YES, names))
        except UserError as error:
            raise UserError(f"key frame {number}: {error}") from None
    return Timeline(tuple(frames))


def _key_frame(facts, aus, spoken, neutral, names) -> KeyFrame:
    try:
        if isinstance(facts["time"], bool):
            raise TypeError
        time = float(facts["time"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UserError(f"`time` must be a number of seconds, got {facts.get('time')!r}") from None
    try:
        shown = expression_parsing.parse(aus, spoken, neutral, names)
    except OverflowError:
        raise UserError("an AU must be a number in [0, 1], got one too large to read") from None
    return KeyFrame(time, shown, facts.get("easing", "ease"))
