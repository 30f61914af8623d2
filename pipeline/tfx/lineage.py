"""Questions to ML Metadata: what the last run did, and what made a model."""

import dataclasses
import pathlib
from collections.abc import Iterator

from ml_metadata import proto
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from ganimation_tf.errors import UserError

_RUN = "pipeline_run"
_NODE = "node"
_MADE = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
_USED = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)


@dataclasses.dataclass(frozen=True)
class Step:
    """One component of a run: `state` is COMPLETE, CACHED, FAILED or RUNNING."""

    component: str
    execution: int
    state: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class Origin:
    """An artifact behind a model, and the component that made it.

    Attributes:
        properties: what the component noted of it, such as the dataset's digest.
    """

    component: str
    execution: int
    type: str
    uri: str
    properties: dict[str, str | int | float]


def open_store(metadata: pathlib.Path) -> MetadataStore:
    """The database of a pipeline.

    Raises:
        UserError: if there is none.
    """
    if not metadata.is_file():
        raise UserError(f"{metadata}: no such metadata; no pipeline has run there yet")
    config = proto.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    return MetadataStore(config)


def last_run(store: MetadataStore) -> list[Step]:
    """What the newest run did, in order."""
    runs = store.get_contexts_by_type(_RUN)
    if not runs:
        return []
    newest = max(runs, key=lambda context: context.id)
    executions = store.get_executions_by_context(newest.id)
    return [
        Step(
            _component(store, execution.id),
            execution.id,
            metadata_store_pb2.Execution.State.Name(execution.last_known_state),
            (execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
        )
        for execution in sorted(executions, key=lambda execution: execution.id)
    ]


def pushed_versions(store: MetadataStore) -> dict[str, metadata_store_pb2.Artifact]:
    """Version to PushedModel, of the models that were let through."""
    models = store.get_artifacts_by_type("PushedModel")
    return {
        artifact.custom_properties["pushed_version"].string_value: artifact
        for artifact in models
        if artifact.custom_properties["pushed"].int_value
    }


def made_from(store: MetadataStore, version: str) -> list[Origin]:
    """Everything that a pushed model came from, itself first, the photos' dataset last.

    Raises:
        UserError: if no such version was pushed.
    """
    pushed = pushed_versions(store)
    if version not in pushed:
        known = ", ".join(sorted(pushed)) or "none"
        raise UserError(f"version {version} was not pushed; pushed were: {known}")
    return list(_behind(store, [pushed[version].id]))


def verdict(store: MetadataStore, steps: list[Step]) -> Iterator[str]:
    """What became of the model of a run: why it was not pushed, or where to and made from what."""
    outputs = {step.component: _outputs(store, step.execution) for step in steps}
    for component in ("FaceEvaluator", "FaceInfraValidator"):
        for artifact in outputs.get(component, ()):
            if reason := artifact.custom_properties["reason"].string_value:
                yield f"not blessed by {component}: {reason}"
    for artifact in outputs.get("FacePusher", ()):
        if not artifact.custom_properties["pushed"].int_value:
            yield "not pushed"
            continue
        yield f"pushed {artifact.custom_properties['pushed_destination'].string_value}, made from"
        for origin in made_from(store, artifact.custom_properties["pushed_version"].string_value):
            yield f"  {origin.component:18} #{origin.execution:<4} {origin.type:17} {origin.uri}"


def _outputs(store: MetadataStore, execution: int) -> list[metadata_store_pb2.Artifact]:
    events = store.get_events_by_execution_ids([execution])
    return store.get_artifacts_by_id([e.artifact_id for e in events if e.type in _MADE])


def _behind(store: MetadataStore, waiting: list[int]) -> Iterator[Origin]:
    seen: set[int] = set()
    while waiting:
        wanted = sorted(set(waiting) - seen)
        seen.update(wanted)
        waiting = []
        for artifact in store.get_artifacts_by_id(wanted):
            events = store.get_events_by_artifact_ids([artifact.id])
            # A cached execution names the artifact as its output as well: the first made it.
            made = [event.execution_id for event in events if event.type in _MADE]
            if not made:
                continue
            execution = min(made)
            yield _origin(store, artifact, execution)
            used = store.get_events_by_execution_ids([execution])
            waiting += [event.artifact_id for event in used if event.type in _USED]


def _origin(store: MetadataStore, artifact, execution: int) -> Origin:
    properties = {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in sorted(artifact.custom_properties.items())
        if value.WhichOneof("value") in ("int_value", "double_value", "string_value")
    }
    of_execution = store.get_executions_by_id([execution])[0].custom_properties
    if "input_digest" in of_execution:
        properties["input_digest"] = of_execution["input_digest"].string_value
    component = _component(store, execution)
    return Origin(component, execution, artifact.type, artifact.uri, properties)


def _component(store: MetadataStore, execution: int) -> str:
    nodes = [c for c in store.get_contexts_by_execution(execution) if c.type == _NODE]
    return nodes[0].name.rpartition(".")[2] if nodes else "?"
