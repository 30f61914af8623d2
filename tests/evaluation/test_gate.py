import types

import pytest

from ganimation_tf.animation import evaluated
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation.gate import Gate, failures, verdict


@pytest.mark.parametrize(
    "text, value, passes",
    [
        ("truth_error<=0.4", 0.4, True),
        ("truth_error<=0.4", 0.41, False),
        ("truth_error < 0.4", 0.4, False),
        ("truth_error>=0.85", 0.9, True),
        ("truth_error>1e-1", 0.1, False),
        ("truth_error<=0.4", float("nan"), False),
        ("truth_error>=0.4", float("nan"), False),
    ],
)
def test_conditions(text, value, passes):
    failure = Gate.parse(text).failure({"truth_error": value})
    assert (failure is None) == passes


@pytest.mark.parametrize("text", ["", "truth_error", "<=0.4", "a=0.4", "a<=b", "a<=nan", "a<=inf"])
def test_what_is_no_condition(text):
    with pytest.raises(UserError, match="such as truth_error<=0.4"):
        Gate.parse(text)


def test_each_failure_names_the_metric_and_its_value():
    gates = [Gate.parse(text) for text in ("truth_error<=0.4", "identity>=0.85", "share>0")]
    failed = failures(gates, {"truth_error": 0.512, "identity": 0.9, "share": -0.25})
    assert failed == [
        "gate truth_error<=0.4 failed: truth_error is 0.512",
        "gate share>0 failed: share is -0.25",
    ]


def test_a_metric_that_was_not_measured_is_a_mistake():
    with pytest.raises(UserError, match="'identiy' was not measured; there is identity, share"):
        Gate.parse("identiy>=0.85").failure({"share": 1.0, "identity": 0.9})


def test_a_name_has_no_digest_of_a_directory_that_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pretrained").mkdir()
    facts = {"dataset": "0", "people": 3}
    report = types.SimpleNamespace(facts=facts, metric_values=dict)
    assert verdict("pretrained", report, "eval", [], []).model is not None  # a path
    assert verdict(None, report, "eval", [], []).model is None
    named = ["pretrained", "input", "mean-edit", "mean-edit=data", "untrained"]
    assert all(map(evaluated.is_name, named)) and not evaluated.is_name("./pretrained")
