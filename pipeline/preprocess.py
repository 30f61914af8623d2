"""The preprocessing job: annotated photos in, a directory of TFRecords out."""

import collections
import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from ganimation_tf.annotations.advice import annotate
from ganimation_tf.annotations.names import nearest_miss, unpaired_name
from ganimation_tf.annotations.rejections import REASONS
from ganimation_tf.data import manifest
from ganimation_tf.errors import MALFORMED, UserError, as_user_error, require
from ganimation_tf.faces import alignment
from pipeline import engines, files, fingerprint, sources
from pipeline.disk import written
from pipeline.engines import Engine
from pipeline.inventory import list_inputs
from pipeline.job import Job
from pipeline.listing import INPUTS, ListEntries, write_inputs
from pipeline.local.workers import LocalWorkers
from pipeline.options import PreprocessOptions
from pipeline.output import Output, claimed, prepare_output
from pipeline.planning import Plan, entries, make_plan, reader_for
from pipeline.progress import Watcher
from pipeline.reanimation import Reanimation
from pipeline.runners import made_pipeline, pipeline_options
from pipeline.stores import require_reachable
from pipeline.transforms import Finish, WriteShards

MAX_MANIFEST_BYTES = 64 << 20

_NAMED = 4  # images without annotation that an error names

_TO_ANNOTATE = ("not_per_image",)  # what another run of the annotator puts right

_COMPARED = 1000  # names of images and annotations that are compared

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Result:
    """What a job wrote: the dataset's description, the directory it is in, and the warnings.

    `unchanged`: an earlier job had written it, from the same inputs and options.
    """

    manifest: manifest.Manifest
    output: str
    warnings: Sequence[str]
    unchanged: bool = False


def run(
    options: PreprocessOptions,
    beam_args: Sequence[str] = (),
    workers: LocalWorkers | None = None,
) -> Result:
    """Runs the job to its end, with progress on standard error.

    Args:
        options: what to read and how to shape it.
        beam_args: flags for Beam's PipelineOptions, `--runner` among them.
        workers: processes that are on their way already; None: they are started here.

    Raises:
        UserError: before any work if an option cannot be right; after it if no input was usable.
    """
    if options.detector != "none":
        require(options.detector, "faces")
    reanimation = _reanimation(options)  # what is wrong with its files stops the job before work
    beam_options = pipeline_options(beam_args, options.workers, options.engine)
    FileSystems.set_options(beam_options)
    places = ("images", "annotations", "output")
    require_reachable({f"--{name}": getattr(options, name) for name in places}, beam_options)
    with engines.opened(options, beam_args) as engine:
        return _run(options, beam_options, workers, reanimation, engine)


def _run(
    options: PreprocessOptions,
    beam_options: PipelineOptions,
    workers: LocalWorkers | None,
    reanimation: Reanimation | None,
    engine: Engine,
) -> Result:
    """The job, with everything at hand that it may lack."""
    listed = list_inputs(options.images, options.annotations)
    plan = make_plan(options, *listed, reader_for(options, *listed))
    reader = plan.reader
    shaping = {**options.shaping(), **(reanimation.digests() if reanimation else {})}
    made_from = fingerprint.take(shaping, *listed, reader)
    with claimed(options.output):
        output = prepare_output(options.output, options.overwrite, made_from)
        facts = {**shaping, "reader": reader.name}
        if not output.finished:
            shards, where = len(plan.sharding.names()), output.directory
            about = "" if plan.exact else "about "
            log.info("%s%d images into %d shards in %s", about, plan.total, shards, where)
            if output.resumed:
                log.info("%d shards are finished already", output.resumed)
            with written(options.output), workers or LocalWorkers(options.workers) as processes:
                handed_out = FileSystems.join(where, INPUTS)
                write_inputs(handed_out, entries(plan, *listed), reader.opens_index)
                made = sources.write(where, *listed, reader)
                job = _job(options, where, plan, reanimation, made)
                with (
                    made_pipeline(beam_options, processes) as pipeline,
                    processes.explained(),
                    engine.explained(),
                ):
                    build(pipeline, job, handed_out, facts, engine)
                    Watcher(where, plan.total).run(lambda: pipeline.run().wait_until_finish())
        return _result(output, facts)


def _job(
    options: PreprocessOptions,
    output: str,
    plan: Plan,
    reanimation: Reanimation | None,
    made_from: Mapping[str, Any],
) -> Job:
    return Job(
        output=output,
        reader=plan.reader,
        sharding=plan.sharding,
        crop=alignment.CropSpec(options.image_size, options.margin),
        policy=options.faces,
        min_confidence=options.min_confidence,
        jpeg_quality=options.jpeg_quality,
        limits=options.limits(),
        detector=options.detector,
        max_pixels=round(options.max_megapixels * 1e6),
        reanimation=reanimation,
        notes=plan.notes,
        sources=made_from,
    )


def _reanimation(options: PreprocessOptions) -> Reanimation | None:
    """What is to be made of each photo; None: its own face."""
    if not options.reanimate:
        return None
    return Reanimation.of_files(
        options.faces_per_photo,
        options.seed,
        options.reanimate,
        finds=options.annotations is None,
        landmarker=options.landmarker,
    )


def build(
    pipeline: beam.Pipeline, job: Job, handed_out: str, facts: Mapping[str, Any], engine: Engine
) -> beam.PCollection:
    """Puts the job's steps into a pipeline.

    Args:
        pipeline: an empty pipeline.
        job: what workers need.
        handed_out: where `listing.write_inputs` put the inputs.
        facts: the options to be kept in `dataset.json`.
        engine: who writes the shards.

    Returns:
        The number of records, one element that exists once the dataset is finished.
    """
    entries, listed = (
        pipeline
        | "Inputs" >> beam.Create([handed_out], reshuffle=False)
        | "ListEntries" >> ListEntries(job)
    )
    shards, rejected, statistics = entries | "WriteShards" >> WriteShards(job, engine)
    return shards | "Finish" >> Finish(job, facts, rejected, listed, statistics)


def _result(prepared: Output, facts: Mapping[str, Any]) -> Result:
    """Reads what the job wrote.

    Raises:
        UserError: if there is no dataset, because no input was usable.
    """
    output = prepared.directory
    where = FileSystems.join(output, manifest.FILE)
    if FileSystems.exists(where):
        text = files.read(where, MAX_MANIFEST_BYTES).decode()
        statistics = FileSystems.join(output, manifest.STATISTICS)
        with as_user_error(f"{statistics} cannot be read", *MALFORMED):
            read = json.loads(files.read(statistics, MAX_MANIFEST_BYTES))
            warnings = [warning["message"] for warning in read["warnings"]]
        made = manifest.Manifest.from_json(text, where)
        return Result(made, output, warnings, unchanged=prepared.finished)
    raise UserError(_why_nothing(FileSystems.join(output, manifest.REJECTED), facts))


def _why_nothing(rejected: str, facts: Mapping[str, Any]) -> str:
    """What to say where no input was usable: the commonest reason, and what may help."""
    reasons: collections.Counter[str] = collections.Counter()
    names: dict[str, list[str]] = collections.defaultdict(list)
    first: dict[str, str] = {}
    with files.opened(rejected) as file:
        for line in map(json.loads, file):
            reasons[line["code"]] += 1
            first.setdefault(line["code"], line["message"])
            if len(names[line["code"]]) < _COMPARED:
                names[line["code"]].append(unpaired_name(line["code"], line["key"], line["file"]))
    # That an image has no partner may come of what is wrong with its annotation.
    own = [reason for reason in reasons if reason not in ("no_annotation", "no_image")]
    reason = max(own or reasons, key=lambda reason: reasons[reason])
    message = (
        f"none of the {reasons.total()} inputs is usable, {reasons[reason]} of them because of "
        f"{reason} ({REASONS[reason]}); see {rejected}"
    )
    missing = names["no_annotation"]
    if own or not missing:
        message = f"{message}; the first: {first[reason]}"
        if not missing or reason not in _TO_ANNOTATE:
            return message
    miss = nearest_miss(missing, names["no_image"])
    # Who has annotated them under other names need not do it again.
    return f"{message}; {miss or annotate(reasons['no_annotation'], missing[:_NAMED], facts)}"


def summary(result: Result, seconds: float) -> str:
    """What a finished job tells the user, in a few lines."""
    made = result.manifest
    lines = [f"dataset    {result.output}"]
    for split, shards in made.splits.items():
        lines.append(f"{split:10} {made.records(split)} records in {len(shards)} files")
    rejected = sum(made.rejections.values())
    where = f", see {FileSystems.join(result.output, manifest.REJECTED)}" if rejected else ""
    lines.append(f"rejected   {rejected} of {made.inputs} inputs{where}")
    for code, count in sorted(made.rejections.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"{count:10} {code}: {REASONS[code]}")
    if made.clipped:
        values = ", ".join(f"{name} {count}" for name, count in sorted(made.clipped.items()))
        lines.append(f"clipped    AU values outside the source's scale: {values}")
    lines += [f"warning    {warning}" for warning in result.warnings]
    lines.append(f"report     {FileSystems.join(result.output, manifest.REPORT)}")
    lines.append(f"time       {seconds:.1f} s")
    if result.unchanged:
        lines.insert(0, "unchanged  made before from these inputs and options: nothing to do")
    return "\n".join(lines)
