"""Training and inference as `ganimation train --preset paper` does them.

    python benchmarks/training_rows/ours.py {train,inference} BATCH SECONDS THREADS

Prints JSON like `peer.py`, and the peak memory so far once TensorFlow is imported and once the
networks and optimizers are built. A cycle is one step of `GANimation`: five updates of the critic
and one of the generator, with deterministic operations.
"""

import json
import resource
import sys
import time

from ganimation_tf.quiet import import_tensorflow

SIZE, UNITS = 128, 17


def build(kind: str, batch: int):
    """What is timed, as a function that takes nothing."""
    import keras
    import tensorflow as tf

    from ganimation_tf.networks.critic import build_critic
    from ganimation_tf.networks.generator import build_generator
    from ganimation_tf.presets import PRESETS
    from ganimation_tf.training.inputs import ACTION_UNITS, EPSILON, IMAGE, TARGET
    from ganimation_tf.training.model import GANimation

    config = PRESETS["paper"]
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    generator = build_generator(SIZE, UNITS)
    lead = (batch, config.critic_steps)
    image = tf.random.uniform((*lead, SIZE, SIZE, 3), -1, 1)
    units, target = (tf.random.uniform((*lead, UNITS)) for _ in range(2))
    if kind == "inference":
        run = tf.function(lambda: generator([image[:, 0], units[:, 0]]))
        return lambda: run()["image"].numpy()
    model = GANimation(generator, build_critic(SIZE, UNITS), config.critic_steps)
    model.compile(
        *(
            keras.optimizers.Adam(config.learning_rate, config.beta_1, config.beta_2, epsilon=1e-8)
            for _ in range(2)
        )
    )
    element = {
        IMAGE: image,
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
    kind, batch, seconds, threads = sys.argv[1], *map(int, sys.argv[2:])
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    imported_mib = peak_mib()
    work = build(kind, batch)
    built_mib = peak_mib()
    work()
    times, started = [], time.perf_counter()
    while not times or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    facts = {"imported_mib": imported_mib, "built_mib": built_mib, "peak_mib": peak_mib()}
    print(json.dumps({"seconds": times} | facts))


if __name__ == "__main__":
    main()
