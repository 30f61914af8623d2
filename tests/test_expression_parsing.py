"""Expressions in people's words."""

import numpy as np
import pytest

from ganimation_tf import expression_parsing
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.errors import UserError
from ganimation_tf.expression_parsing import parse
from ganimation_tf.expressions import ADD, EXPRESSIONS, SET, Change, Expression

NAMES = ("AU04", "AU06", "AU12")
SOURCE = np.array([0.5, 0.2, 0.3], np.float32)

SPELLINGS = ["AU6", "au06", "AU06", "AU_6", "au 6", "6", "cheek raiser", "Cheek-Raiser"]


@pytest.mark.parametrize("text", SPELLINGS)
def test_an_au_in_many_spellings(text):
    assert expression_parsing.canonical(text) == "AU06"


def test_everyday_words():
    assert [expression_parsing.canonical(word) for word in ("smile", "blink")] == ["AU12", "AU45"]


@pytest.mark.parametrize(
    ("aus", "wanted"),
    [
        (["AU12=0.8"], [0.5, 0.2, 0.8]),
        (["AU12+=0.4"], [0.5, 0.2, 0.7]),
        (["AU04-=0.2"], [0.3, 0.2, 0.3]),
        (["AU12+=0.9"], [0.5, 0.2, 1.0]),
        (["AU04-=0.9"], [0.0, 0.2, 0.3]),
        ({"smile": 1, "AU4": "-0.1", "AU6": "+0.1"}, [0.4, 0.3, 1.0]),
        ({"AU12": "0.8"}, [0.5, 0.2, 0.8]),
    ],
)
def test_what_is_not_said_stays_as_it_is(aus, wanted):
    np.testing.assert_allclose(parse(aus).target(SOURCE, NAMES), wanted, atol=1e-6)


def test_neutral_comes_first_then_expressions_then_aus():
    one = parse(["AU12+=0.1"], ["happiness:0.5"], neutral=True, names=NAMES)
    np.testing.assert_allclose(one.target(SOURCE, NAMES), [0.0, 0.4, 0.6], atol=1e-6)


@pytest.mark.parametrize("neutral_first", [True, False])
def test_neutral_comes_before_another_face_and_that_before_what_is_said(neutral_first):
    like = Expression((Change("AU04", SET, 0.7), Change("AU12", SET, 0.5)), not neutral_first)
    one = like.then(parse(["AU12+=0.1"], neutral=neutral_first))
    np.testing.assert_allclose(one.target(SOURCE, NAMES), [0.7, 0.0, 0.6], atol=1e-6)


def test_an_au_overrides_what_an_expression_says_of_it():
    one = parse(["AU12=0.2"], ["happy"], names=NAMES)
    np.testing.assert_allclose(one.target(SOURCE, NAMES), [0.5, 0.8, 0.2], atol=1e-6)


def test_the_neutral_expression_takes_everything_away():
    assert (parse((), ["neutral"]).target(SOURCE, NAMES) == 0).all()


def test_the_named_expressions_are_those_of_facs():
    expected = {
        "neutral": [],
        "happiness": [6, 12],
        "sadness": [1, 4, 15],
        "surprise": [1, 2, 5, 26],
        "fear": [1, 2, 4, 5, 7, 20, 26],
        "anger": [4, 5, 7, 23],
        "disgust": [9, 15, 17],
        "contempt": [12, 14],
        "laughter": [6, 12, 25, 26],
        "pain": [4, 6, 7, 9, 10, 45],
    }
    numbers = {name: [int(au[2:]) for au in units] for name, units in EXPRESSIONS.items()}
    assert numbers == expected
    for units in EXPRESSIONS.values():
        assert set(units) <= set(OPENFACE) and all(0 < value <= 1 for value in units.values())


def test_of_two_expressions_the_stronger_counts_for_each_au():
    names = ("AU01", "AU02", "AU12")
    one = parse((), ["surprise:0.5", "fear", "happiness:0.4"], names=names)
    np.testing.assert_allclose(one.target(np.zeros(3), names), [1.0, 0.6, 0.4], atol=1e-6)


def test_what_it_says_of_itself():
    one = Expression((Change("AU12", SET, 0.8), Change("AU04", ADD, -0.25)), neutral=True)
    assert str(one) == "neutral AU12=0.8 AU04-=0.25"
    assert one.named() == ["AU12", "AU04"] and one and not Expression()


BAD = [
    (["AU12"], "given as NAME=INTENSITY"),
    (["AU12=+0.5"], "AU12+=0.5 is from what the face shows"),
    (["AU12=-0.5"], "AU12-=0.5 is from what the face shows"),
    (["AU12=1.5"], "AU12 must be a number in [0, 1], got 1.5"),
    (["AU12+=1.5"], "AU12 must be a number in [0, 1], got 1.5"),
    (["AU12=nan"], "AU12 must be a number in [0, 1], got nan"),
    (["AU12="], "AU12 must be a number in [0, 1], got nothing"),
    (["AU12=1", "au12=0.5"], "AU12 is given twice"),
    (["AU99=1"], "'AU99' is no AU"),
    (["AU21=1"], "did you mean"),
    (["smil=1"], "did you mean smile"),
    ({"AU12": -0.2}, "AU12 must be a number in [0, 1], got -0.2"),
]


@pytest.mark.parametrize(("aus", "text"), BAD, ids=[str(aus) for aus, _ in BAD])
def test_errors_name_the_rule_and_the_nearest(aus, text):
    with pytest.raises(UserError) as caught:
        parse(aus)
    assert text in str(caught.value)


def test_an_au_that_this_model_does_not_know():
    with pytest.raises(UserError, match="AU01 is not an AU of this model; it knows AU04 AU06 AU12"):
        parse(["AU1=1"], names=NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fer", "did you mean fear"),
        ("fear:2", "fear must be a number in"),
        ("disgust", "this model knows none of the AUs of disgust, AU09 AU15 AU17"),
    ],
)
def test_expressions_that_are_not(text, message):
    with pytest.raises(UserError) as caught:
        parse((), [text], names=NAMES)
    assert message in str(caught.value)
