"""FaceInfraValidator: an export is served by our own server, in a process of its own, and asked.

TFX's InfraValidator starts TensorFlow Serving from a container image, for which it needs Docker or
Kubernetes. This one needs neither, and asks for what our clients ask for.
"""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from pipeline.tfx.serving_check import a_crop, what_is_wrong

BLESSED, REASON = "blessed", "reason"
BLESSED_FILE, NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"


@component
def FaceInfraValidator(
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
) -> None:
    """Blesses a model that a fresh server loads, warms up and answers with."""
    model_path = pathlib.Path(path_utils.serving_model_path(model.uri))
    wrong = what_is_wrong(model_path, a_crop(pathlib.Path(examples.uri)))
    directory = pathlib.Path(blessing.uri)
    directory.mkdir(parents=True, exist_ok=True)
    name = NOT_BLESSED_FILE if wrong else BLESSED_FILE
    (directory / name).write_text(f"{wrong}\n" if wrong else "")
    blessing.set_int_custom_property(BLESSED, int(not wrong))
    if wrong:
        blessing.set_string_custom_property(REASON, wrong)
