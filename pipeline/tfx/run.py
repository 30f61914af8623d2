"""The pipeline on this machine, or as a job for Kubeflow Pipelines."""

import pathlib
from collections.abc import Sequence

from tfx import v1 as tfx

from pipeline.tfx.line import create_pipeline
from pipeline.tfx.options import NAME, LineOptions


def run_locally(options: LineOptions, beam_args: Sequence[str] = ()) -> None:
    """Runs every component whose inputs have changed, one after the other, in this process.

    Raises:
        Exception: what the first component that fails raises; those before it stay done.
    """
    pathlib.Path(options.output).mkdir(parents=True, exist_ok=True)
    tfx.orchestration.LocalDagRunner().run(create_pipeline(options, beam_args))


def compile_for_kubeflow(
    options: LineOptions, path: pathlib.Path, image: str, beam_args: Sequence[str] = ()
) -> None:
    """Writes the job that Kubeflow Pipelines (v2) or Vertex AI takes.

    Args:
        options: its directories are such as all containers have: a mounted volume.
        path: the JSON file.
        image: of the containers: one with this package and TFX in it.
    """
    config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        display_name=NAME, default_image=image
    )
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config=config, output_dir=str(path.parent), output_filename=path.name
    )
    runner.run(create_pipeline(options, beam_args))
