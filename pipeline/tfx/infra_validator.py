"""FaceInfraValidator: `ganimation infra-validate` as a TFX component with a blessing.

TFX's InfraValidator starts TensorFlow Serving from a container image, for which it needs Docker or
Kubernetes. This one needs neither, and asks for what our clients ask for.
"""

import pathlib
import tempfile

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from ganimation_tf.blessing import INFRASTRUCTURE, Blessing
from pipeline.tfx import blessings, processes

FILES = ("INFRA_BLESSED", "INFRA_NOT_BLESSED")
BLESSED = "blessed"


@component
def FaceInfraValidator(
    model: InputArtifact[standard_artifacts.Model],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
) -> None:
    """Blesses a model that a fresh server loads, warms up and answers with."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "infra.json")
        model_path = path_utils.serving_model_path(model.uri)
        said = processes.judged("infra-validate", model_path, "-o", str(path))
        print(said, end="", flush=True)
        verdict = Blessing.load(path, INFRASTRUCTURE)
    blessings.write(verdict, blessing, BLESSED, FILES)
