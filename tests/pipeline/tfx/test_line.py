"""The whole line as TFX runs it, on drawn faces: `make test-tfx`."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from ganimation_tf.data import records, tfrecord
from ganimation_tf.data.manifest import Manifest
from ganimation_tf.evaluation.report import Report
from ganimation_tf.export.model_card import ModelCard
from pipeline.tfx.input_digest import content_digest

pytestmark = [
    pytest.mark.tfx,
    pytest.mark.timeout(1800),  # three runs, each of several processes
    # TFX's own code uses what its libraries have since deprecated.
    pytest.mark.filterwarnings("ignore"),
]

COMPONENTS = (
    *("FaceExampleGen", "StatisticsGen", "SchemaGen", "FaceSchema", "ExampleValidator"),
    *("Trainer", "FaceEvaluator", "FaceInfraValidator", "FacePusher"),
)
LENIENT = ("--gate", "truth_error<=1000", "--gate", "zero_edit<=0", "--infer")


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "ganimation_tf", *map(str, arguments)]


class Line:
    """One pipeline's places, and runs of it."""

    def __init__(self, root: pathlib.Path, photos: pathlib.Path, *options: str):
        self.photos, self.output, self.models = photos, root / "tfx", root / "models"
        places = ("--images", photos / "imgs", "--annotations", photos / "openface_csv")
        places += ("--output", self.output, "--model-dir", self.models)
        recipe = ("--image-size", 32, "--preset", "tiny", "--eval-fraction", 0.4, "--pixels-only")
        self.command = command("tfx", *places, *recipe, *options)

    def run(self, *options: str, code: int = 0) -> str:
        done = subprocess.run([*self.command, *options], capture_output=True, text=True)
        assert done.returncode == code, done.stderr[-4000:]
        return done.stdout if code == 0 else done.stderr

    def artifact(self, component: str, key: str) -> pathlib.Path:
        """The newest of a component's artifacts."""
        actual = (path for path in (self.output / component / key).iterdir() if path.is_dir())
        return max(actual, key=lambda path: int(path.name))


def states(said: str) -> dict[str, str]:
    """Component to state, in the order in which they ran."""
    lines = (line.split() for line in said.splitlines())
    return {line[0]: line[1] for line in lines if line and line[-1].startswith("#")}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> pathlib.Path:
    where = tmp_path_factory.mktemp("drawn") / "photos"
    drawing = command("synthesize", "--count", 40, "--image-size", 64, "--output", where)
    subprocess.run(drawing, check=True)
    return where


@pytest.fixture(scope="module")
def line(photos, tmp_path_factory) -> Line:
    return Line(tmp_path_factory.mktemp("line"), photos, "--steps", "4")


@pytest.fixture(scope="module")
def refused(line) -> tuple[str, bool]:
    """What a run under an impossible gate says, and whether it left a model directory."""
    said = line.run("--gate", "truth_error<=0.0001")
    return said, line.models.exists()


@pytest.fixture(scope="module")
def pushed(line, refused) -> str:
    """What a run under a lenient gate says, after the refused one."""
    return line.run(*LENIENT)


@pytest.fixture(scope="module")
def version(line, pushed) -> pathlib.Path:
    (actual,) = line.models.iterdir()
    return actual


def test_every_component_runs_in_order(refused):
    said, _ = refused
    assert tuple(states(said)) == COMPONENTS
    assert set(states(said).values()) == {"COMPLETE"}


def test_a_model_under_the_gate_is_not_pushed(line, refused):
    said, models = refused
    assert "not blessed by FaceEvaluator: gate truth_error<=0.0001 failed" in said
    assert said.splitlines()[-1] == "not pushed"
    assert not models
    (blessing,) = (line.output / "FaceEvaluator" / "blessing").glob("*/NOT_BLESSED")
    assert blessing.read_text().startswith("gate truth_error<=0.0001 failed")


def test_another_gate_runs_what_depends_on_it_and_no_more(pushed):
    by_component = states(pushed)
    again = {"FaceEvaluator", "FacePusher", "BulkInferrer"}
    assert {name for name, state in by_component.items() if state == "COMPLETE"} == again
    assert {name for name, state in by_component.items() if state == "CACHED"} == {
        *COMPONENTS
    } - again


def test_an_unchanged_line_does_nothing(line, version):
    times = {path: path.stat().st_mtime_ns for path in version.rglob("*")}
    assert set(states(line.run(*LENIENT)).values()) == {"CACHED"}
    assert {path: path.stat().st_mtime_ns for path in version.rglob("*")} == times
    assert list(line.models.iterdir()) == [version]


def test_the_examples_are_a_dataset_of_this_package(line, pushed):
    examples = line.artifact("FaceExampleGen", "examples")
    subprocess.run(command("inspect", examples), check=True, stdout=subprocess.DEVNULL)
    made = Manifest.load(examples)
    assert made.records("train") + made.records("eval") == made.inputs == 40
    names = {path.name for path in (examples / "Split-eval").iterdir()}
    assert names == {pathlib.Path(shard.file).name for shard in made.splits["eval"]}


def test_the_report_of_the_evaluation_is_an_artifact(line, pushed):
    report = Report.load(line.artifact("FaceEvaluator", "evaluation") / "report.json")
    assert report.metrics["zero_edit"] == 0.0


def test_the_model_card_the_metadata_and_the_photos_agree(line, version):
    from pipeline.tfx import lineage

    card = ModelCard.from_json((version / "assets.extra" / "model_card.json").read_text())
    assert version.name == "1"
    store = lineage.open_store(line.output / "metadata.sqlite")
    origins = {o.type: o for o in lineage.made_from(store, version.name)}
    examples = origins["Examples"]
    digest = Manifest.load(examples.uri).digest()
    assert examples.properties["dataset_digest"] == card.training["dataset_digest"] == digest
    of_photos = content_digest(str(line.photos / "imgs"), str(line.photos / "openface_csv"))
    assert examples.properties["input_digest"].startswith(of_photos)
    kinds = {"PushedModel", "Model", "ModelBlessing", "InfraBlessing", "Schema"}
    assert kinds <= origins.keys()
    assert {o.component for o in origins.values()} <= {*COMPONENTS}


def key(serialized: bytes) -> str:
    return records.decode(serialized).key


def test_bulk_inference_gives_what_the_model_gives(line, version, pushed):
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    shard = next(iter((line.artifact("FaceExampleGen", "examples") / "Split-eval").iterdir()))
    with shard.open("rb") as file:
        faces = [*tfrecord.read(file)]
    results = line.artifact("BulkInferrer", "inference_result").rglob("*.gz")
    files = [str(path) for path in results]
    logs = [
        prediction_log_pb2.PredictionLog.FromString(data).predict_log
        for data in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    ]
    asked = [log.request.inputs["examples"].string_val[0] for log in logs]
    # Protobuf may write an Example's features in another order than they were read in.
    assert sorted(map(key, asked)) == sorted(map(key, faces))
    served = tf.saved_model.load(str(version)).signatures["edit_examples"]
    alone = served(examples=tf.constant(asked))["action_units"].numpy()
    actual = [tf.make_ndarray(log.response.outputs["action_units"])[0] for log in logs]
    np.testing.assert_allclose(np.stack(actual), alone, atol=1e-5)


def test_statistics_and_schema_know_the_action_units(line, pushed):
    import tensorflow_data_validation as tfdv

    from pipeline.tfx.evaluator import data_anomalies

    schema = tfdv.load_schema_text(str(line.artifact("FaceSchema", "schema") / "schema.pbtxt"))
    units = tfdv.get_feature(schema, records.ACTION_UNITS)
    assert units.shape.dim[0].size == 17
    assert (units.float_domain.min, units.float_domain.max) == (0.0, 1.0)
    # The people of `eval` are others than those of `train`, and that is no anomaly.
    assert data_anomalies(line.artifact("ExampleValidator", "anomalies")) == []


def test_values_out_of_range_are_an_anomaly_and_new_people_are_none(tmp_path):
    import pandas as pd
    import tensorflow_data_validation as tfdv

    from pipeline.tfx.evaluator import data_anomalies
    from pipeline.tfx.schema import curate

    def statistics(unit: float, person: str):
        rows = {records.ACTION_UNITS: [0.25, unit], records.SUBJECT: [person, person]}
        return tfdv.generate_statistics_from_dataframe(pd.DataFrame(rows))

    schema = tfdv.infer_schema(statistics(0.75, "a"))
    curate(schema, 32)
    for split, unit, person in (("eval", 0.75, "b"), ("train", 1.5, "a")):
        actual = tfdv.validate_statistics(statistics(unit, person), schema)
        path = tmp_path / f"Split-{split}" / "SchemaDiff.pb"
        path.parent.mkdir()
        path.write_bytes(actual.SerializeToString())
    assert data_anomalies(tmp_path) == [
        "data of split train: face/action_units: Out-of-range values"
    ]


def test_a_killed_training_goes_on(photos, tmp_path):
    line = Line(tmp_path, photos, "--steps", "300")  # a state is saved each 100 steps
    process = subprocess.Popen(line.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        states_saved = [*(line.output / "runs").glob("*/checkpoints/step-0000100")]
        rows = [*(line.output / "runs").glob("*/metrics.jsonl")]
        if states_saved and rows and rows[0].read_text():
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (metrics,) = rows
    before = metrics.read_text()
    assert [json.loads(row)["step"] for row in before.splitlines()] in ([100], [100, 200])
    by_component = states(line.run())
    assert (by_component["FaceExampleGen"], by_component["Trainer"]) == ("CACHED", "COMPLETE")
    assert [*(line.output / "runs").iterdir()] == [metrics.parent]
    after = metrics.read_text()
    assert after.startswith(before)
    assert [json.loads(row)["step"] for row in after.splitlines()] == [100, 200, 300]


def test_people_who_are_too_few_to_judge_by_are_one_sentence(photos, tmp_path):
    line = Line(tmp_path, photos, "--eval-fraction", "0.0001")
    said = line.run(code=2)
    assert said.splitlines()[-1].startswith(
        "ganimation tfx: none of the 40 faces is in the split eval, by which models are judged"
    )


def test_kubeflow_gets_the_same_components(photos, tmp_path):
    line = Line(tmp_path, photos)
    job = tmp_path / "job.json"
    line.run("--compile", str(job), "--container", "registry.example/ganimation:1")
    tasks = json.loads(job.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]
    assert tasks.keys() == {*COMPONENTS}
    assert "FaceEvaluator" in tasks["FacePusher"]["dependentTasks"]
    assert not (line.output / "metadata.sqlite").exists()  # nothing ran
    executors = json.loads(job.read_text())["pipelineSpec"]["deploymentSpec"]["executors"]
    images = {executor["container"]["image"] for executor in executors.values()}
    assert images == {"registry.example/ganimation:1"}
