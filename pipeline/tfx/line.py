"""The pipeline: its components, what passes between them, and who runs them."""

import pathlib
from collections.abc import Sequence

from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import bulk_inferrer_pb2, pusher_pb2, trainer_pb2

from ganimation_tf.export import signature
from pipeline.tfx import trainer
from pipeline.tfx.evaluator import FaceEvaluator
from pipeline.tfx.example_gen import FaceExampleGen
from pipeline.tfx.infra_validator import FaceInfraValidator
from pipeline.tfx.options import NAME, LineOptions
from pipeline.tfx.pusher import FacePusher
from pipeline.tfx.schema import FaceSchema


def create_pipeline(options: LineOptions, beam_args: Sequence[str] = ()) -> tfx.dsl.Pipeline:
    """The whole line, from photographs to a pushed model.

    Args:
        options: what to make of what.
        beam_args: options of Beam, `--runner` among them, for every component that uses it.
    """
    output = pathlib.Path(options.output).resolve()
    config = tfx.orchestration.metadata.sqlite_metadata_connection_config
    return tfx.dsl.Pipeline(
        pipeline_name=NAME,
        pipeline_root=str(output),
        components=_components(options),
        enable_cache=True,
        beam_pipeline_args=list(beam_args),
        metadata_connection_config=config(str(options.metadata.resolve())),
    )


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


def _components(options: LineOptions) -> list[BaseNode]:
    examples, *checks = _data(options)
    schema, validator = checks[-2].outputs["schema"], checks[-1]
    training = tfx.components.Trainer(
        run_fn=f"{trainer.__name__}.{trainer.run_fn.__name__}",
        examples=examples.outputs["examples"],
        schema=schema,
        train_args=trainer_pb2.TrainArgs(splits=["train"], num_steps=options.steps or 0),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config={
            trainer.PRESET: options.preset,
            trainer.OPTIONS: options.train,
            trainer.RUNS: str(options.runs.resolve()),
            trainer.BEST: options.best,
        },
    )
    return [examples, *checks, training, *_gates(options, examples, validator, training)]


def _data(options: LineOptions) -> list[BaseNode]:
    """Examples, their statistics, a schema, and whether they fit it."""
    examples = FaceExampleGen(
        images=options.images,
        annotations=options.annotations,
        options={
            "image_size": options.image_size,
            "eval_fraction": options.eval_fraction,
            **options.preprocess,
        },
    )
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    if options.schema:
        schemas = [tfx.components.ImportSchemaGen(schema_file=options.schema)]
    else:
        inferred = tfx.components.SchemaGen(
            statistics=statistics.outputs["statistics"], exclude_splits=["eval"]
        )
        curated = FaceSchema(
            examples=examples.outputs["examples"], inferred=inferred.outputs["schema"]
        )
        schemas = [inferred, curated]
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schemas[-1].outputs["schema"]
    )
    return [examples, statistics, *schemas, validator]


def _gates(
    options: LineOptions, examples: BaseNode, validator: BaseNode, training: BaseNode
) -> list[BaseNode]:
    """What a model must pass, and where it goes then."""
    of = {"examples": examples.outputs["examples"], "model": training.outputs["model"]}
    evaluator = FaceEvaluator(
        **of,
        anomalies=validator.outputs["anomalies"],
        gates="\n".join(options.gates),
        faces=options.faces,
        pixels_only=options.pixels_only,
    )
    infra = FaceInfraValidator(model=of["model"])
    destination = pusher_pb2.PushDestination.Filesystem(
        base_directory=str(pathlib.Path(options.model_dir).resolve())
    )
    pusher = FacePusher(
        model=training.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(filesystem=destination),
    )
    if not options.infer:
        return [evaluator, infra, pusher]
    inferrer = tfx.components.BulkInferrer(
        **of,
        model_blessing=evaluator.outputs["blessing"],
        data_spec=bulk_inferrer_pb2.DataSpec(example_splits=["eval"]),
        model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=[signature.FROM_EXAMPLES]),
    )
    return [evaluator, infra, pusher, inferrer]
