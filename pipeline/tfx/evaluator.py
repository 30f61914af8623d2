"""FaceEvaluator: the evaluation of `ganimation evaluate` as a TFX component with a blessing."""

import dataclasses
import pathlib

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from ganimation_tf.blessing import EVALUATION, FILE, Blessing
from ganimation_tf.evaluation import report
from pipeline.tfx import blessings, processes

FITS_SCHEMA = "the data fit their schema"
"""The condition that is not a gate."""


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
    print(processes.judged(*arguments), end="", flush=True)
    directory = pathlib.Path(evaluation.uri)
    for name, value in report.Report.load(directory / report.FILE).metrics.items():
        evaluation.set_float_custom_property(name, float(value))
    verdict = Blessing.load(directory / FILE, EVALUATION)
    anomalous = data_anomalies(pathlib.Path(anomalies.uri))
    verdict = dataclasses.replace(
        verdict,
        blessed=verdict.blessed and not anomalous,
        conditions=[*verdict.conditions, FITS_SCHEMA],
        failures=[*verdict.failures, *anomalous],
    )
    files = (constants.BLESSED_FILE_NAME, constants.NOT_BLESSED_FILE_NAME)
    blessings.write(verdict, blessing, constants.ARTIFACT_PROPERTY_BLESSED_KEY, files)


def data_anomalies(directory: pathlib.Path) -> list[str]:
    """What ExampleValidator found, a line for each feature of each split."""
    lines = []
    for path in sorted(directory.glob("Split-*/SchemaDiff.pb")):
        split = path.parent.name.removeprefix("Split-")
        anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
        for name, info in sorted(anomalies.anomaly_info.items()):
            lines.append(f"data of split {split}: {name}: {info.short_description}")
        if anomalies.HasField("dataset_anomaly_info"):
            of_all = anomalies.dataset_anomaly_info
            lines.append(f"data of split {split}: {of_all.short_description}")
    return lines
