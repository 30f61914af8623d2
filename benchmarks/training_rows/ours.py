"""Training and inference as `ganimation train --preset paper` does them.

    python benchmarks/training_rows/ours.py {train,inference} BATCH SECONDS THREADS [PRECISION]
        [COMPILE] [--no-determinism]

PRECISION and COMPILE are those of `ganimation train`; left out: float32, and not compiled. Prints
JSON like `peer.py`, and the peak memory so far once TensorFlow is imported and once the networks
and optimizers are built. A cycle is one step of `GANimation`: five updates of the critic and one of
the generator, with deterministic operations; `first` is how long the first one took.
"""

import argparse
import dataclasses
import json
import resource
import time

from ganimation_tf.quiet import import_tensorflow

SIZE, UNITS = 128, 17


def build(kind: str, batch: int, precision: str, compiled: str, deterministic: bool):
    """What is timed, as a function that takes nothing."""
    import keras
    import tensorflow as tf

    from ganimation_tf.config import ON
    from ganimation_tf.presets import PRESETS
    from ganimation_tf.training import devices
    from ganimation_tf.training.build import build_networks
    from ganimation_tf.training.inputs import ACTION_UNITS, EPSILON, IMAGE, TARGET

    config = dataclasses.replace(PRESETS["paper"], precision=precision, compile=compiled)
    config = devices.resolved(config, devices.choose_strategy())
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    model = build_networks(config, SIZE, UNITS)
    lead = (batch, config.critic_steps)
    image = tf.random.uniform((*lead, SIZE, SIZE, 3), -1, 1)
    units, target = (tf.random.uniform((*lead, UNITS)) for _ in range(2))
    if kind == "inference":
        run = tf.function(model.generator, jit_compile=config.compile == ON)
        face = [image[:, 0], units[:, 0]]
        return lambda: run(face)["image"].numpy()
    model.compile(
        *(
            keras.optimizers.Adam(config.learning_rate, config.beta_1, config.beta_2, epsilon=1e-8)
            for _ in range(2)
        ),
        jit_compile=config.compile == ON,
    )
    element = {
        IMAGE: tf.cast((image + 1.0) * 127.5, tf.uint8),  # as the files give them
        ACTION_UNITS: units,
        TARGET: target,
        EPSILON: tf.random.uniform(lead),
    }
    model.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors(element).repeat())
    return lambda: model.train_function(iterator)["cycle"].numpy()


def peak_mib() -> float:
    """Most resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("train", "inference"))
    for name in ("batch", "seconds", "threads"):
        parser.add_argument(name, type=int)
    parser.add_argument("precision", nargs="?", default="float32")
    parser.add_argument("compile", nargs="?", default="off")
    parser.add_argument("--no-determinism", action="store_true")
    args = parser.parse_args()
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    imported_mib = peak_mib()
    work = build(args.kind, args.batch, args.precision, args.compile, not args.no_determinism)
    built_mib = peak_mib()
    started = time.perf_counter()
    work()
    first = time.perf_counter() - started
    gpus = tf.config.list_physical_devices("GPU")
    for _ in range(2 * bool(gpus)):
        work()
    times, started = [], time.perf_counter()
    while not times or time.perf_counter() - started < args.seconds:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    facts = {"imported_mib": imported_mib, "built_mib": built_mib, "peak_mib": peak_mib()}
    facts |= {"first": first, "device": "CPU"}
    if gpus:
        facts["peak_mib"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
        facts["device"] = tf.config.experimental.get_device_details(gpus[0])["device_name"]
    print(json.dumps({"seconds": times} | facts))


if __name__ == "__main__":
    main()
