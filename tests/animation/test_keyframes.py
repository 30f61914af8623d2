"""Files of key frames."""

import json

import pytest

from ganimation_tf.animation import keyframes
from ganimation_tf.animation.timeline import KeyFrame
from ganimation_tf.errors import UserError
from ganimation_tf.expressions import Expression


def test_a_spreadsheet_may_write_other_separators(tmp_path):
    (tmp_path / "a.csv").write_text("time,AU12,expression\n0,0.5,\n1.5,1,fear:0.5\n")
    (tmp_path / "b.csv").write_text("time;AU12;expression\n0;0,5;\n1,5;1;fear:0.5\n")
    assert keyframes.read(tmp_path / "b.csv") == keyframes.read(tmp_path / "a.csv")


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
    from_json, from_csv = (keyframes.read(tmp_path / name) for name in ("a.json", "a.csv"))
    assert from_json == from_csv
    assert from_json.frames[0] == KeyFrame(0.0, Expression(neutral=True))
    assert from_json.named() == ["AU12", "AU06"]


def test_a_json_object_can_loop(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"loop": True, "keyframes": [{"time": 1, "au": {"AU12": 1}}]}))
    assert keyframes.read(path).loop


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
    ("a.json", '[{"time": true}]', "key frame 1: `time` must be a number of seconds, got True"),
    ("a.json", '[{"time": 0, "expression": {"fear": 0.3}}]', 'fear:0.7, or a list of such, got {"'),
    ("a.json", '[{"time": 0, "expression": ["fear", 5]}]', 'a list of such, got ["fear", 5]'),
    ("a.json", '[{"time": 0, "neutral": "false"}]', '`neutral` must be true or false, got "false"'),
    (
        "a.json",
        '[{"time": 0, "au": {"AU12": true}}]',
        "AU12 must be a number, or text such as +0.2",
    ),
    ("a.json", '[{"time": 0, "au": {"AU12": null}}]', "such as +0.2, got null"),
    (
        "a.json",
        '[{"time": 0, "au": {"AU12": 1' + 400 * "0" + "}}]",
        "a number in [0, 1], got one too",
    ),
    (
        "a.json",
        '[{"time": 0, "au": {"AU12": 0, "AU12": 1}}]',
        "`AU12` must be there once, got it 2",
    ),
    ("a.json", '{"loop": "false", "keyframes": []}', '`loop` must be true or false, got "false"'),
    ("a.json", '{"fps": 5, "keyframes": []}', "'fps' is not known; there are keyframes, loop"),
    ("a.csv", "time,AU12, AU12\n0,0,1\n", "`AU12` must be there once, got it 2 times"),
    ("a.csv", "time,neutral\n0,maybe\n", "key frame 1: `neutral` must be one of 1, true, yes, 0"),
    ("a.csv", "time,AU12\n", "at least one key frame, got none"),
    ("a.csv", "time,AU12\n0,1,2\n", "line 2 has more fields than the header"),
    ("a.csv", "time,AU99\n0,1\n", "key frame 1: 'AU99' is no AU"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD, ids=[text[:60] for _, text, _ in BAD])
def test_errors_name_the_file_and_the_key_frame(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        keyframes.read(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"time\n\xff\n")
    with pytest.raises(UserError, match="must be UTF-8"):
        keyframes.read(tmp_path / "a.csv")
    with pytest.raises(UserError, match="No such file"):
        keyframes.read(tmp_path / "none.csv")
