"""What people write of an expression, as an `Expression`; and the names that they may use."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from ganimation_tf.action_units import DESCRIPTIONS
from ganimation_tf.errors import UserError
from ganimation_tf.expressions import ADD, EXPRESSIONS, SET, Change, Expression

_SYNONYMS = {
    **{"happy": "happiness", "joy": "happiness", "sad": "sadness", "surprised": "surprise"},
    **{"fearful": "fear", "afraid": "fear", "angry": "anger", "disgusted": "disgust"},
    **{"contemptuous": "contempt", "smile": "happiness", "laugh": "laughter", "pained": "pain"},
}

_WORDS = {"smile": "AU12", "blink": "AU45", "frown": "AU04"} | {
    text: name for name, text in DESCRIPTIONS.items()
}
"""What people call an AU, beside its number."""


def canonical(name: str, names: Sequence[str] = tuple(DESCRIPTIONS)) -> str:
    """`AU06` for `AU6`, `au06`, `AU_6` or `cheek raiser`.

    Args:
        names: the AUs to choose from.

    Raises:
        UserError: if it is none of them, with the nearest names.
    """
    text = " ".join(name.strip().lower().replace("_", " ").replace("-", " ").split())
    number = re.fullmatch(r"(?:au)? ?(\d{1,2})", text)
    canonical_name = f"AU{int(number[1]):02}" if number else _WORDS.get(text, name.strip())
    if canonical_name in names:
        return canonical_name
    if canonical_name in DESCRIPTIONS:
        raise UserError(f"{canonical_name} is not an AU of this model; it knows {' '.join(names)}")
    near = _nearest(text, [*names, *_WORDS]) or f"; there are {' '.join(names)}"
    raise UserError(f"{name.strip()!r} is no AU{near}")


def parse_au(text: str, names: Sequence[str] = tuple(DESCRIPTIONS)) -> Change:
    """`AU12=0.8`, `AU12+=0.4` or `AU04-=0.2` as a change.

    Raises:
        UserError: on anything else, naming the rule.
    """
    match = re.fullmatch(r"\s*(.*?)\s*(\+=|-=|=)\s*(\S*)\s*", text)
    if not match:
        raise UserError(
            "an AU is given as NAME=INTENSITY, or NAME+=AMOUNT and NAME-=AMOUNT from what the "
            f"face shows, such as AU12=0.8 or AU12+=0.4; got {text!r}"
        )
    name, operator, number = canonical(match[1], names), match[2], match[3]
    if number[:1] in ("+", "-"):
        raise UserError(
            f"{text!r} could be meant in two ways: {name}={number[1:]} is an intensity, "
            f"{name}{number[0]}={number[1:]} is from what the face shows"
        )
    value = _fraction(number, name)
    if operator == SET:
        return Change(name, SET, value)
    return Change(name, ADD, value if operator == "+=" else -value)


def parse_expression(text: str, names: Sequence[str] = tuple(DESCRIPTIONS)) -> Expression:
    """`fear` or `fear:0.7` as its AUs; those that the model does not know are left out.

    Raises:
        UserError: if there is no such expression, with the nearest names, or the model knows none
            of its AUs.
    """
    name, _, amount = text.strip().lower().partition(":")
    name = _SYNONYMS.get(name.strip(), name.strip())
    if name not in EXPRESSIONS:
        known = [*EXPRESSIONS, *_SYNONYMS]
        raise UserError(
            f"{name!r} is no expression{_nearest(name, known)}; there are {', '.join(EXPRESSIONS)}"
        )
    strength = _fraction(amount, name) if amount else 1.0
    units = {au: value for au, value in EXPRESSIONS[name].items() if au in names}
    if EXPRESSIONS[name] and not units:
        raise UserError(
            f"this model knows none of the AUs of {name}, {' '.join(EXPRESSIONS[name])}"
        )
    changes = tuple(Change(au, SET, round(value * strength, 6)) for au, value in units.items())
    return Expression(changes, neutral=not EXPRESSIONS[name])


def parse(
    aus: Iterable[str] | Mapping[str, float | str] = (),
    expressions: Iterable[str] = (),
    neutral: bool = False,
    names: Sequence[str] = tuple(DESCRIPTIONS),
) -> Expression:
    """All that was said as one expression: neutral first, then named ones, then AUs.

    Of an AU that several named expressions have, the strongest counts.

    Args:
        aus: `["AU12=0.8", "AU04-=0.2"]`, or a mapping: a number is an intensity, the text "+0.4" or
            "-0.2" is from what the face shows.

    Raises:
        UserError: as the parts do; also if an AU is given twice.
    """
    changes: dict[str, Change] = {}
    for text in expressions:
        one = parse_expression(text, names)
        neutral = neutral or one.neutral
        for change in one.changes:
            if change.name not in changes or changes[change.name].value < change.value:
                changes[change.name] = change
    given: dict[str, Change] = {}
    for change in _assignments(aus, names):
        if change.name in given:
            raise UserError(f"{change.name} is given twice")
        given[change.name] = change
    named = [change for name, change in changes.items() if _kept(given.get(name))]
    return Expression((*named, *given.values()), neutral)


def _kept(change: Change | None) -> bool:
    """Whether what a named expression says of an AU still counts beside an AU's own change."""
    return change is None or change.operator == ADD


def _assignments(aus, names: Sequence[str]) -> Iterable[Change]:
    if not isinstance(aus, Mapping):
        yield from (parse_au(text, names) for text in aus)
        return
    for name, value in aus.items():
        text = value.strip() if isinstance(value, str) else f"{float(value)!r}"
        signed = isinstance(value, str) and text[:1] in ("+", "-")
        operator = f"{text[0]}=" if signed else "="
        if not signed and text.startswith("-"):
            raise UserError(f"{name} must be a number in [0, 1], got {text}")
        yield parse_au(f"{name}{operator}{text[1:] if signed else text}", names)


def _fraction(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:  # also refuses NaN
        raise UserError(f"{name} must be a number in [0, 1], got {text or 'nothing'}")
    return value


def _nearest(text: str, known: Sequence[str]) -> str:
    """`; did you mean ...?`, or nothing if nothing is near."""
    folded = {word.lower(): word for word in known}
    near = difflib.get_close_matches(text.lower(), folded, n=3, cutoff=0.55)
    return f"; did you mean {' or '.join(folded[word] for word in near)}?" if near else ""
