"""Schemas against sums on paper, and what a data set must not do."""

import contextlib
import json
import math
import socket
import threading

import pytest

from ganimation_tf import cli
from ganimation_tf.data import manifest
from ganimation_tf.data.schema import bounds
from ganimation_tf.data.schema.anomalies import anomalies, divergence, drifts
from ganimation_tf.data.schema.numbers import Numbers, numbers_of
from ganimation_tf.data.schema.options import SchemaOptions
from ganimation_tf.errors import UserError
from ganimation_tf.options import OptionError

EDGES = {"active_from": 0.2, "intensity_edges": [0, 0.5, 1], "side_edges": [0, 32, 64]}


def numbers(**changes) -> Numbers:
    """100 faces: AU04 active on 20 of them, AU12 on 50."""
    fields = {
        "action_units": ("AU04", "AU12"),
        "crop": {"size": 16, "margin": 0.15},
        "faces": 100,
        "rejected_share": 0.05,
        "enlarged_share": 0.0,
        "lowest": {"AU04": 0.0, "AU12": 0.1},
        "highest": {"AU04": 0.5, "AU12": 0.95},
        "active": {"AU04": 20, "AU12": 50},
        "histograms": {"AU04": [90, 10], "AU12": [50, 50]},
        "sides": [0, 100, 0],
        "edges": EDGES,
    }
    return Numbers(**fields | changes)


SCHEMA = bounds.infer(numbers(), SchemaOptions())


def codes(numbers_there: Numbers, schema=SCHEMA) -> list[str]:
    return [anomaly.code for anomaly in anomalies(numbers_there, schema)]


def test_bounds_by_hand():
    assert SCHEMA["least_faces"] == 50
    assert SCHEMA["largest_rejected_share"] == 0.15  # 0.05 + 0.1
    of_04, of_12 = SCHEMA["intensities"]["AU04"], SCHEMA["intensities"]["AU12"]
    assert of_04["range"] == [0.0, 0.6]
    assert of_12["range"] == [0.0, 1.0]  # 0.1 - 0.1, and no more than 1
    # 3 standard errors of a share of 0.2 in 100: 3 x sqrt(0.2 x 0.8 / 100) = 0.12.
    assert of_04["active_share"] == [0.0, pytest.approx(0.2 + 0.1 + 0.12)]
    # 3 x sqrt(0.25 / 100) = 0.15.
    assert of_12["active_share"] == pytest.approx([0.25, 0.75])


def test_no_data_set_breaks_its_own_schema_by_rounding():
    """1/3 is more than 0.333333, and 2/3 less than 0.666667."""
    third, two = 1 / 3, 2 / 3
    itself = numbers(
        faces=3,
        rejected_share=third,
        enlarged_share=third,
        lowest={"AU04": two, "AU12": third},
        highest={"AU04": two, "AU12": third},
        active={"AU04": 0, "AU12": 3},
    )
    narrow = SchemaOptions(rejected_margin=0, range_margin=0, share_margin=0, drift=0)
    schema = bounds.infer(itself, narrow)
    assert codes(itself, schema) == []
    assert schema["largest_rejected_share"] == 0.333334
    assert schema["intensities"]["AU04"]["range"] == [0.666666, 0.666667]


def test_divergence_by_hand():
    assert divergence([1, 2, 3], [2, 4, 6]) == 0
    assert divergence([5, 0], [0, 7]) == pytest.approx(1)
    # p = (1, 0), q = (1/2, 1/2), middle (3/4, 1/4): 0.811278 - (0 + 1) / 2.
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert divergence([4, 0], [3, 3]) == pytest.approx(entropy - 0.5)
    assert math.isnan(divergence([0, 0], [1, 1]))


def test_divergence_is_scipys():
    from scipy.spatial import distance

    one, other = [3, 0, 5, 9, 1], [1, 1, 8, 2, 2]
    assert divergence(one, other) == pytest.approx(distance.jensenshannon(one, other, 2) ** 2)


def test_the_data_set_itself_has_no_anomaly():
    assert codes(numbers()) == []
    assert set(drifts(numbers(), SCHEMA).values()) == {0.0}


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"faces": 49, "active": {"AU04": 10, "AU12": 25}}, "few_faces", "at least 50 faces"),
        ({"rejected_share": 0.16}, "many_rejected", "at most 0.15, it is 0.16"),
        ({"enlarged_share": 0.2}, "many_enlarged", "at most 0.1, it is 0.2"),
        ({"sides": [100, 0, 0]}, "drift", "the sizes of the faces have drifted"),
        ({"highest": {"AU04": 0.61, "AU12": 0.9}}, "out_of_range", "AU04 must lie in [0, 0.6]"),
        ({"active": {"AU04": 20, "AU12": 24}}, "active_share", "AU12 must be active on 25.0% to"),
        (
            {"histograms": {"AU04": [10, 90], "AU12": [50, 50]}},
            "drift",
            "the intensities of AU04 have drifted: divergence must be at most 0.1, it is 0.531",
        ),
    ],
)
def test_each_rule_is_broken_alone(changes, code, message):
    (anomaly,) = anomalies(numbers(**changes), SCHEMA)
    assert anomaly.code == code
    assert message in anomaly.message


def test_other_action_units_are_named_and_nothing_else_is_said():
    actual = numbers(action_units=("AU12", "AU45"), faces=1)
    (anomaly,) = anomalies(actual, SCHEMA)
    assert anomaly.message == (
        "the AUs must be AU04 AU12, they are AU12 AU45: without AU04 and with AU45 besides"
    )
    (anomaly,) = anomalies(numbers(action_units=("AU12", "AU04")), SCHEMA)
    assert anomaly.message.endswith("in another order")


def test_another_crop_and_other_edges_are_told():
    assert codes(numbers(crop={"size": 32, "margin": 0.15})) == ["other_crop"]
    assert codes(numbers(edges=EDGES | {"active_from": 0.3})) == ["other_statistics"]


def test_a_schema_is_read_as_it_was_written(tmp_path):
    bounds.write(SCHEMA, tmp_path / "schema.json")
    assert bounds.load(tmp_path / "schema.json") == SCHEMA


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a schema"),
        ("[]", "cannot be read as a schema"),
        ('{"version": 2}', "version must be 1, found 2"),
        (json.dumps(SCHEMA | {"action_units": ["AU04"]}), "must name the same AUs"),
    ],
)
def test_what_is_no_schema(tmp_path, text, message):
    (tmp_path / "schema.json").write_text(text)
    with pytest.raises(UserError, match=message):
        bounds.load(tmp_path / "schema.json")


def test_an_edited_schema_that_lacks_a_rule_is_refused_in_words():
    schema = json.loads(json.dumps(SCHEMA))
    del schema["intensities"]["AU04"]["range"]
    with pytest.raises(UserError, match="the schema is not whole: 'range'"):
        anomalies(numbers(), schema)


def test_options_outside_their_range():
    with pytest.raises(OptionError, match=r"drift must be in \[0, 1\], got 2"):
        SchemaOptions(drift=2)


def statistics(split: dict) -> dict:
    return {"splits": {"train": split, "eval": split}, **EDGES}


@pytest.fixture
def dataset(tmp_path):
    """A data set that is only described: no record is there to be read."""
    from ganimation_tf.faces import alignment

    made = manifest.Manifest(
        action_units=("AU12",),
        action_units_maximum=5.0,
        crop=alignment.CropSpec(16),
        splits={},
        inputs=25,
        rejections={"no_face": 5},
        clipped={},
        options={},
    )
    split = {
        "records": 10,
        "enlarged": 1,
        "action_units": {"AU12": {"lowest": 0.1, "highest": 0.8, "active": 4, "histogram": [6, 4]}},
        "side": [1, 9, 0],
    }
    (tmp_path / manifest.FILE).write_text(made.to_json())
    (tmp_path / manifest.STATISTICS).write_text(json.dumps(statistics(split)))
    return tmp_path


def test_splits_are_added_up(dataset):
    numbers = numbers_of(dataset)
    assert (numbers.faces, numbers.rejected_share, numbers.enlarged_share) == (20, 0.2, 0.1)
    assert (numbers.active, numbers.histograms, numbers.sides) == (
        {"AU12": 8},
        {"AU12": [12, 8]},
        [2, 18, 0],
    )


def test_commands(dataset, tmp_path, capsys):
    schema, report = tmp_path / "schema.json", tmp_path / "anomalies.json"
    take = ["schema", str(dataset), "-o", str(schema)]
    assert cli.main(take) == 0
    assert cli.main(take) == 2
    assert "--keep leaves it as it is" in capsys.readouterr().err
    check = ["validate", str(dataset), "--schema", str(schema), "-o", str(report)]
    assert cli.main(check) == 0
    text = json.loads(schema.read_text())
    text["least_faces"] = 21
    schema.write_text(json.dumps(text))
    assert cli.main([*take, "--keep"]) == 0  # an edited one stays
    assert cli.main(check) == 1
    assert "there must be at least 21 faces, got 20" in capsys.readouterr().out
    assert json.loads(report.read_text())["anomalies"] == 1


def test_no_dataset_and_no_statistics(dataset, tmp_path, capsys):
    schema = ["-o", str(tmp_path / "schema.json")]
    assert cli.main(["schema", str(tmp_path / "none"), *schema]) == 2
    made = json.loads((dataset / manifest.FILE).read_text())
    (dataset / manifest.FILE).write_text(json.dumps(made | {"rejections": None}))
    assert cli.main(["schema", str(dataset), *schema]) == 2
    assert "dataset.json is not a dataset description: rej" in capsys.readouterr().err
    (dataset / manifest.FILE).write_text(json.dumps(made))
    (dataset / manifest.STATISTICS).unlink()
    assert cli.main(["schema", str(dataset), *schema]) == 2
    assert "statistics.json: cannot be read as statistics" in capsys.readouterr().err


@pytest.fixture
def no_http():
    """The address of a port that answers in another protocol."""

    def answer():
        with contextlib.suppress(OSError), listening.accept()[0] as connection:
            connection.sendall(b"220 ready\r\n")
            connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_what_is_no_server_is_no_anomaly(dataset, no_http, tmp_path, capsys):
    schema = tmp_path / "schema.json"
    bounds.write(SCHEMA, schema)
    for url in (no_http, "http://127.0.0.1:abc"):
        assert cli.main(["validate", url, "--schema", str(schema)]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith(f"ganimation validate: {url}/monitoring")
