"""Beam's own options: which runner, and none of them misspelt."""

import contextlib
import io
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners import create_runner

from ganimation_tf.errors import UserError
from pipeline import local
from pipeline.local.workers import LocalWorkers
from pipeline.options import LOCAL_ENGINE

LOCAL_RUNNER = "FnApiRunner"
"""Beam's runner inside this process; its `DirectRunner` first tries to download another one."""

LOSSY_RUNNERS = ("dask", "bundlebased", "pyspark")
"""Seen with Beam 2.77: DaskRunner loses outputs; BundleBasedDirectRunner hands a side input the
elements of another tag; that of the distribution `beam-pyspark-runner` gives each tag of a tagged
output the elements of all."""

_DASK = "a Dask cluster is used by --engine dask://HOST:PORT"


def pipeline_options(
    beam_args: Sequence[str], workers: int, engine: str = LOCAL_ENGINE
) -> PipelineOptions:
    """Beam's options: those given, and the local runner where none is named.

    Raises:
        UserError: on a flag that the local runner does not know, a runner that loses data, or
            `--workers` or `--engine` for a runner that has its own way to be told.
    """
    if beam_args and not beam_args[0].startswith("--"):
        raise UserError(f"unexpected argument {beam_args[0]!r}; Beam's options follow after --")
    known = _known_options(beam_args)
    runner = known["runner"] or LOCAL_RUNNER
    if any(name in runner.lower() for name in LOSSY_RUNNERS):
        raise UserError(
            f"--runner={runner} is refused: it drops or mixes up tagged outputs without an error, "
            "so records would be lost" + (f"; {_DASK}" if "dask" in runner.lower() else "")
        )
    if runner != LOCAL_RUNNER:
        _require_runner(runner)
        if workers > 1:
            raise UserError(f"--workers is for the local runner; {runner} has its own options")
        if engine != LOCAL_ENGINE:
            raise UserError(f"--engine {engine} writes what {runner} would; give one of the two")
        return PipelineOptions(list(beam_args))
    return PipelineOptions(list(beam_args), runner=LOCAL_RUNNER)


def _require_runner(name: str) -> None:
    """Refuses a runner that Beam does not have, before anything is written."""
    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"--runner={name}: {reason:.300}") from None


@contextlib.contextmanager
def made_pipeline(options: PipelineOptions, workers: LocalWorkers) -> Iterator[beam.Pipeline]:
    """As `make_pipeline`, and nothing of it stays in the temp folder: Beam forgets its own there
    when it is interrupted, or is not run."""
    pipeline = make_pipeline(options, workers)
    try:
        yield pipeline
    finally:
        shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)


def make_pipeline(options: PipelineOptions, workers: LocalWorkers) -> beam.Pipeline:
    """An empty pipeline; with several `workers`, one whose steps run in that many processes."""
    if workers.count == 1:
        return beam.Pipeline(options=options)
    direct = options.view_as(DirectOptions)
    direct.direct_num_workers = workers.count
    if not local.usable():
        direct.direct_running_mode = "multi_processing"
        return beam.Pipeline(options=options)
    from pipeline.local import environment

    return environment.pipeline(options, workers)


def _known_options(beam_args: Sequence[str]) -> Mapping[str, Any]:
    """All of Beam's options. Beam itself drops misspelt flags with a warning at most.

    Raises:
        UserError: on a wrong value; on an unknown flag, unless a remote runner may know it.
    """
    errors = io.StringIO()
    beam_log = logging.getLogger("apache_beam")
    level = beam_log.level
    beam_log.setLevel(logging.ERROR)  # it would warn of what is an error here
    try:
        with contextlib.redirect_stderr(errors):
            parsed = PipelineOptions(list(beam_args))
            known = parsed.get_all_options()
            every = parsed.get_all_options(retain_unknown_options=True)
    except SystemExit:
        raise UserError(f"Beam option: {errors.getvalue().strip().splitlines()[-1]}") from None
    finally:
        beam_log.setLevel(level)
    unknown = sorted(set(every) - set(known))
    if unknown and known["runner"] in (None, LOCAL_RUNNER):
        raise UserError(f"--{unknown[0]} is no option of Beam's {LOCAL_RUNNER}")
    return known
