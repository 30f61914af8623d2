"""FaceEvaluator: the evaluation of `ganimation evaluate` as a TFX component with a blessing."""

import pathlib

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from ganimation_tf.errors import UserError
from ganimation_tf.evaluation import report
from pipeline.tfx import processes

FAILED_GATE, USER_ERROR = 1, 2
"""Exit codes of `ganimation evaluate`."""

REASON = "reason"
"""Custom property of a blessing that was not given: the gates that did not hold."""


@component
def FaceEvaluator(
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    evaluation: OutputArtifact[standard_artifacts.ModelEvaluation],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    gates: Parameter[str],
    faces: Parameter[int],
    pixels_only: Parameter[bool],
) -> None:
    """Blesses a model if its data fit their schema and all gates hold.

    Args:
        gates: one to a line, as `ganimation evaluate --gate` takes them.
        faces: at most so many of the split `eval`.
        pixels_only: judge by truth alone.
    """
    arguments = [
        *("evaluate", path_utils.serving_model_path(model.uri), "--data", examples.uri),
        *("--report", evaluation.uri, "--faces", str(faces)),
        *(["--pixels-only"] if pixels_only else []),
        *(part for gate in gates.splitlines() for part in ("--gate", gate)),
    ]
    done = processes.ganimation(*arguments)
    if done.returncode not in (0, FAILED_GATE):
        kind = UserError if done.returncode == USER_ERROR else RuntimeError
        raise kind(done.stderr.strip()[-2000:])
    print(done.stdout, end="", flush=True)
    failed = [line for line in done.stdout.splitlines() if line.startswith("gate ")]
    failed += data_anomalies(pathlib.Path(anomalies.uri))
    measured = report.Report.load(pathlib.Path(evaluation.uri) / report.FILE).metrics
    for name, value in measured.items():
        evaluation.set_float_custom_property(name, float(value))
    name = constants.NOT_BLESSED_FILE_NAME if failed else constants.BLESSED_FILE_NAME
    directory = pathlib.Path(blessing.uri)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text("".join(f"{line}\n" for line in failed))
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(not failed))
    if failed:
        blessing.set_string_custom_property(REASON, "; ".join(failed))


def data_anomalies(directory: pathlib.Path) -> list[str]:
    """What ExampleValidator found, a line for each feature of each split."""
    lines = []
    for path in sorted(directory.glob("Split-*/SchemaDiff.pb")):
        split = path.parent.name.removeprefix("Split-")
        found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        for name, info in sorted(found.anomaly_info.items()):
            lines.append(f"data of split {split}: {name}: {info.short_description}")
        if found.HasField("dataset_anomaly_info"):
            lines.append(f"data of split {split}: {found.dataset_anomaly_info.short_description}")
    return lines
