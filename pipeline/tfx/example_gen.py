"""FaceExampleGen: annotated photos in, an Examples artifact out, by the job of `preprocess`."""

import json
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import (
    base_beam_component,
    base_beam_executor,
    base_driver,
    executor_spec,
)
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import base_driver as portable_driver
from tfx.proto import example_gen_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

import ganimation_tf
from ganimation_tf.data import manifest
from ganimation_tf.errors import UserError
from pipeline import preprocess
from pipeline.options import PreprocessOptions
from pipeline.tfx.input_digest import content_digest
from pipeline.tfx.splits import add_split_folders

EXAMPLES = "examples"
IMAGES, ANNOTATIONS, OPTIONS = "images", "annotations", "options"
DIGEST = "input_digest"


class Driver(base_driver.BaseDriver, portable_driver.BaseDriver):
    """Adds the inputs' digest to what the cache goes by.

    TFX's own file driver goes by the number of bytes and the times of change: a copy of the same
    photos would be preprocessed again, and a change within a second and of equal length missed.
    TFX accepts no driver that lacks the first of the two bases, and calls the second alone.
    """

    def __init__(self, metadata_handle):
        portable_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info) -> driver_output_pb2.DriverOutput:
        """The digest of the photos and annotations, as one more execution property."""
        properties = execution_info.exec_properties
        digest = content_digest(properties[IMAGES], properties[ANNOTATIONS])
        # Another version may make another dataset of the same photos, and all else follows.
        digest = f"{digest} by {ganimation_tf.__version__}"
        output = driver_output_pb2.DriverOutput()
        data_types_utils.set_metadata_value(output.exec_properties[DIGEST], digest)
        return output


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs the job into the artifact's own directory, which is then a dataset as any other."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `Split-train`, `Split-eval`, `dataset.json` and the rest.

        Raises:
            UserError: for an option that cannot be right, or if no photo is usable or none of the
                split eval.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        options = PreprocessOptions(
            images=exec_properties[IMAGES],
            annotations=exec_properties[ANNOTATIONS],
            output=artifact.uri,
            **json.loads(exec_properties[OPTIONS]),
        )
        made = preprocess.run(options, self._beam_pipeline_args).manifest
        splits = add_split_folders(artifact.uri, made)
        if manifest.EVAL not in splits:
            raise UserError(
                f"none of the {made.records(manifest.TRAIN)} faces is in the split eval, by which "
                "models are judged: eval_fraction must be higher, or there must be more people"
            )
        artifact.split_names = artifact_utils.encode_split_names(splits)
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        # No file format: TFX knows no name for TFRecords without gzip, and goes by the file names.
        artifact.set_string_custom_property("dataset_digest", made.digest())
        artifact.set_int_custom_property("rejections", sum(made.rejections.values()))
        for split in splits:
            artifact.set_int_custom_property(f"records_{split}", made.records(split))


class FaceExampleGenSpec(types.ComponentSpec):
    """Inputs, outputs and parameters of `FaceExampleGen`."""

    PARAMETERS = {
        IMAGES: ExecutionParameter(type=str),
        ANNOTATIONS: ExecutionParameter(type=str),
        OPTIONS: ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {EXAMPLES: ChannelParameter(type=standard_artifacts.Examples)}


class FaceExampleGen(base_beam_component.BaseBeamComponent):
    """Photos and annotations to the splits `train` and `eval`.

    Args:
        images, annotations: directories or globs, as of `preprocess`.
        options: further fields of `PreprocessOptions`.
    """

    SPEC_CLASS = FaceExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, images: str, annotations: str, options: dict[str, Any]):
        examples = types.Channel(type=standard_artifacts.Examples)
        text = json.dumps(options, sort_keys=True)
        super().__init__(
            FaceExampleGenSpec(
                images=images, annotations=annotations, options=text, examples=examples
            )
        )
