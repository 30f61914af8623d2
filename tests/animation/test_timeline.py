"""Key frames: times, easings, loops, files."""

import json

import numpy as np
import pytest

from ganimation_tf.animation import timeline
from ganimation_tf.animation.timeline import KeyFrame, Timeline
from ganimation_tf.errors import UserError
from ganimation_tf.expression_parsing import parse
from ganimation_tf.expressions import Expression

NAMES = ("AU06", "AU12")
SOURCE = np.array([0.2, 0.4])


def key(time, text="", easing="linear"):
    return KeyFrame(time, parse([text] if text else []), easing)


def test_linear_between_key_frames_and_still_outside():
    line = Timeline((key(1, "AU12=0"), key(2, "AU12=1")))
    units = line.units(SOURCE, NAMES, np.array([0, 1, 1.25, 2, 3]))
    np.testing.assert_allclose(units[:, 1], [0, 0, 0.25, 1, 1], atol=1e-6)
    np.testing.assert_allclose(units[:, 0], 0.2, atol=1e-6)


@pytest.mark.parametrize(
    ("easing", "half"),
    [("linear", 0.5), ("ease", 0.5), ("ease-in", 0.25), ("ease-out", 0.75), ("hold", 0.0)],
)
def test_easings_begin_at_0_end_at_1_and_are_themselves_half_way(easing, half):
    line = Timeline((key(0, "AU12=0", easing), key(1, "AU12=1")))
    units = line.units(SOURCE, NAMES, np.array([0, 0.5, 1]))[:, 1]
    np.testing.assert_allclose(units, [0, half, 1], atol=1e-6)


def test_relative_key_frames_follow_each_frames_own_source():
    line = Timeline((key(0, "AU12+=0.3"),))
    rows = np.array([[0, 0.1], [0, 0.5]])
    units = line.units(rows, NAMES, np.array([0, 1]))
    np.testing.assert_allclose(units[:, 1], [0.4, 0.8], atol=1e-6)


def test_a_loop_ends_one_step_before_its_start_and_comes_back_as_it_went():
    line = timeline.there_and_back(parse(["AU12=1"]), 8, 4)
    times = line.times(4)
    units = line.units(np.zeros(2), NAMES, times)[:, 1]
    np.testing.assert_allclose(times, np.arange(8) / 4)
    assert units[0] == 0 and units[4] == 1
    np.testing.assert_allclose(units[1:4], units[:4:-1], atol=1e-6)
    np.testing.assert_allclose(units[1], (1 - np.cos(np.pi / 4)) / 2, atol=1e-6)


def test_a_ramp_goes_all_the_way():
    line = timeline.there(parse(["AU12=1"]), 1.0)
    units = line.units(np.zeros(2), NAMES, line.times(4))[:, 1]
    np.testing.assert_allclose(units, [0, 0.25, 0.5, 0.75, 1], atol=1e-6)


def test_a_sweep_shows_one_au_after_the_other():
    line = timeline.sweep(NAMES, 8, 8)
    units = line.units(np.zeros(2), NAMES, np.array([0.5, 1.0, 1.5]))
    np.testing.assert_allclose(units, [[1, 0], [0, 0], [0, 1]], atol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5, 16])
@pytest.mark.parametrize("rate", [12.5, 30, 7.3])
def test_one_frame_shows_all_that_is_wanted_whatever_their_number(count, rate):
    line = timeline.there_and_back(parse(["AU12=1"]), count, rate)
    units = line.units(np.zeros(2), NAMES, line.times(rate))
    assert len(units) == count and units[:, 1].max() == 1
    line = timeline.sweep(NAMES, count, rate)
    units = line.units(np.zeros(2), NAMES, line.times(rate))
    assert len(units) == 2 * count and units.max(0).tolist() == [1, 1]


def test_a_spreadsheet_may_write_other_separators(tmp_path):
    (tmp_path / "a.csv").write_text("time,AU12,expression\n0,0.5,\n1.5,1,fear:0.5\n")
    (tmp_path / "b.csv").write_text("time;AU12;expression\n0;0,5;\n1,5;1;fear:0.5\n")
    assert timeline.read(tmp_path / "b.csv") == timeline.read(tmp_path / "a.csv")


def test_json_and_csv_say_the_same(tmp_path):
    rows = [
        {"time": 0, "neutral": True},
        {"time": 0.5, "au": {"smile": 0.8, "AU6": "+0.1"}, "easing": "linear"},
        {"time": 2, "expression": "happiness:0.5"},
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.csv").write_text(
        "time, smile, AU6, expression, neutral, easing\n"
        "0,,,,yes,\n0.5,0.8,+0.1,,,linear\n2,,,happiness:0.5,,\n"
    )
    from_json, from_csv = (timeline.read(tmp_path / name) for name in ("a.json", "a.csv"))
    assert from_json == from_csv
    assert from_json.frames[0] == KeyFrame(0.0, Expression(neutral=True))
    assert from_json.named() == ["AU12", "AU06"]


def test_a_json_object_can_loop(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"loop": True, "keyframes": [{"time": 1, "au": {"AU12": 1}}]}))
    assert timeline.read(path).loop


BAD = [
    ("a.json", "[]", "at least one key frame, got none"),
    ("a.json", "{}", "must be a list of objects"),
    ("a.json", "nonsense", "must be JSON"),
    ("a.json", '[{"au": {"AU12": 1}}]', "key frame 1: `time` must be a number"),
    ("a.json", '[{"time": 0, "smile": 1}]', "key frame 1: 'smile' is not known"),
    ("a.json", '[{"time": 0, "au": {"AU12": 2}}]', "key frame 1: AU12 must be a number in [0, 1]"),
    ("a.json", '[{"time": 0, "au": [1]}]', "key frame 1: `au` must be an object"),
    ("a.json", '[{"time": 1}, {"time": 1}]', "times of key frames must increase"),
    ("a.json", '[{"time": -1}]', "must be in [0, 600], got -1"),
    ("a.json", '[{"time": 0, "easing": "bounce"}]', "an easing is one of ease, linear"),
    ("a.json", '[{"time": 0, "easing": ["ease"]}]', "an easing is one of ease, linear"),
    ("a.json", '[{"time": 1' + 400 * "0" + "}]", "`time` must be a number of seconds"),
    ("a.json", 100_000 * "[", "must be JSON"),
    ("a.csv", "time,AU12\n", "at least one key frame, got none"),
    ("a.csv", "time,AU12\n0,1,2\n", "line 2 has more fields than the header"),
    ("a.csv", "time,AU99\n0,1\n", "key frame 1: 'AU99' is no AU"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD, ids=[text[:60] for _, text, _ in BAD])
def test_errors_name_the_file_and_the_key_frame(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        timeline.read(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"time\n\xff\n")
    with pytest.raises(UserError, match="must be UTF-8"):
        timeline.read(tmp_path / "a.csv")
    with pytest.raises(UserError, match="No such file"):
        timeline.read(tmp_path / "none.csv")
