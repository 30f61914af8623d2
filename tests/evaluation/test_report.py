import dataclasses
import html.parser
import json

import numpy as np
import pytest

import drawn_pairs
from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import page, wording
from ganimation_tf.evaluation.baselines import Copy
from ganimation_tf.evaluation.evaluate import evaluate
from ganimation_tf.evaluation.report import Report, compare


@pytest.fixture(scope="module")
def samples():
    return drawn_pairs.draw(12, 3)


@pytest.fixture(scope="module")
def half(samples):
    """An editor that goes half of the way; its evaluation has notes, rows and pictures."""
    return evaluate(drawn_pairs.Oracle(samples, 0.5), samples)


@pytest.fixture(scope="module")
def copied(samples):
    return evaluate(Copy(samples.names, samples.crop), samples)


def test_json_round_trip(half, tmp_path):
    path = half.report.write(tmp_path / "new" / "folder")
    again = Report.load(path.parent)
    assert again.to_json() == half.report.to_json() == path.read_text()
    assert again.intervals["truth_error"].low == pytest.approx(
        half.report.intervals["truth_error"].low, abs=1e-6
    )


def test_json_has_no_nan(half):
    rows = {**half.report.rows, "truth_error": np.full(36, np.nan)}
    report = dataclasses.replace(half.report, rows=rows, metrics={"truth_error": float("nan")})
    facts = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert facts["metrics"]["truth_error"] is None
    assert np.isnan(Report.from_json(report.to_json()).metrics["truth_error"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 99}'])
def test_what_is_no_report(text):
    with pytest.raises(UserError, match="x.json"):
        Report.from_json(text, "x.json")
    with pytest.raises(UserError, match="cannot be read"):
        Report.load("/no/such/file")


def test_differences_are_of_the_same_edits(half, copied):
    differences, notes = compare(half.report, copied.report)
    gaps = {one.metric: one for one in differences}
    assert notes == []
    # Half of the way leaves a quarter of the error and makes half of the change, in every edit.
    error = gaps["truth_error"]
    assert (error.now, error.before) == pytest.approx((0.25, 1.0), abs=1e-4)
    assert error.gap == pytest.approx(-0.75, abs=1e-4)
    assert error.interval.low == pytest.approx(-0.75, abs=1e-3)
    assert error.interval.high == pytest.approx(-0.75, abs=1e-3)
    assert gaps["truth_share"].gap == pytest.approx(0.5, abs=1e-4)


def test_a_baseline_on_other_faces_has_no_intervals(half, samples):
    other = drawn_pairs.draw(12, 3, seed=5)
    baseline = evaluate(Copy(samples.names, samples.crop), other).report
    differences, notes = compare(half.report, baseline)
    assert all(one.interval is None for one in differences)
    assert "other edits" in notes[0]


def test_of_a_part_of_the_edits_the_differences_are_of_that_part(half, copied):
    """30 of 36 edits are shared; those that are not are far worse, and NaN is no value."""
    kept = {name: list(values)[:30] for name, values in copied.report.rows.items()}
    kept["truth_error"][0] = float("nan")
    baseline = dataclasses.replace(copied.report, rows=kept)
    rows = dict(half.report.rows)
    rows["truth_error"] = np.where(np.arange(36) < 30, rows["truth_error"], 9.0)
    metrics = {**half.report.metrics, "truth_error": 4.0}
    report = dataclasses.replace(half.report, rows=rows, metrics=metrics)
    differences, notes = compare(report, baseline)
    (error,) = [one for one in differences if one.metric == "truth_error"]
    assert (error.now, error.before, error.gap) == pytest.approx((0.25, 1.0, -0.75), abs=1e-4)
    (note,) = notes
    assert note.startswith("30 of 36 edits are among the 30 of the baseline: ")
    assert "differences are of these, but of all edits in figures" in note


def test_lines_for_a_terminal(half, copied):
    differences, _ = compare(half.report, copied.report)
    lines = list(wording.lines(half.report, differences))
    assert len(lines) == len(half.report.metrics)
    assert lines[0].split()[:2] == ["truth_error", "0.25"]
    assert "-0.7500 against the baseline (-0.75" in lines[0]
    assert "1 as good as the input" in lines[0]


def test_every_figure_has_a_meaning(half):
    assert all(wording.meaning(name, ["x"]) for name in half.report.metrics)
    assert wording.meaning("x_mae", ["x"]).startswith("x: mean absolute")


class Page(html.parser.HTMLParser):
    """Counts elements, checks that they close, and collects what a page would load."""

    OPEN = {"meta", "img", "br", "path", "circle", "rect", "input"}

    def __init__(self, text):
        super().__init__()
        self.stack, self.counts, self.loads = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        values = dict(attributes)
        self.loads += [values[name] for name in ("src", "href") if name in values]
        if tag not in self.OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if tag not in self.OPEN:
            assert self.stack.pop() == tag


def test_the_page_is_whole_and_loads_nothing(half, copied):
    differences, notes = compare(half.report, copied.report)
    parsed = Page(page.render(half, differences, notes))
    assert parsed.stack == []
    assert all(source.startswith("data:image/jpeg;base64,") for source in parsed.loads)
    # Best, middle and worst of six people each: input, edit and truth.
    assert parsed.counts["img"] == 3 * 6 * 3
    assert parsed.counts["svg"] == 2  # error and share against intensity


def test_the_page_shows_every_figure(half):
    text = page.render(half)
    for name, value in half.report.metrics.items():
        assert f"<b>{name}</b>" in text
        assert wording.number(value) in text


def test_names_of_faces_are_text(samples):
    """A key is a file's name, and may be anything."""
    keys = [f"<script>{place:02d}" for place in range(len(samples))]
    nasty = dataclasses.replace(samples, keys=keys)
    text = page.render(evaluate(Copy(samples.names, samples.crop), nasty))
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_equal_evaluations_make_equal_pages(samples, copied):
    again = evaluate(Copy(samples.names, samples.crop), samples)
    assert page.render(again) == page.render(copied)
