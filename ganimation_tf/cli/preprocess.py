"""`ganimation preprocess`: annotated photos into a dataset of face crops."""

import argparse
import logging
import time
import types

from ganimation_tf.cli import flags
from ganimation_tf.errors import require
from pipeline.local.workers import LocalWorkers
from pipeline.options import PreprocessOptions

HELP = "Turn photos and their OpenFace annotations into TFRecords of aligned face crops."
EXAMPLE = "ganimation preprocess --images photos --annotations openface --output dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """One flag for each field of `PreprocessOptions`; what follows `--` is Beam's."""
    flags.add(parser, PreprocessOptions)
    flags.add_beam_args(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the job and prints what came of it."""
    options = flags.build(PreprocessOptions, **flags.given(args, PreprocessOptions))
    require("apache_beam", "pipeline")
    require("google_crc32c", "pipeline")
    started = time.monotonic()
    with LocalWorkers(options.workers) as workers:  # they import Beam while this process does
        preprocess = load()
        result = preprocess.run(options, args.beam_args, workers)
    print(preprocess.summary(result, time.monotonic() - started))
    return 0


def load() -> types.ModuleType:
    """`pipeline.preprocess`, without what Beam has to say when it is imported."""
    logging.disable(logging.WARNING)  # it warns of cloud libraries it can do without
    try:
        from pipeline import preprocess
    finally:
        logging.disable(logging.NOTSET)
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    return preprocess
