"""What lower precision and XLA would bring to the generator's passes.

    python benchmarks/precision.py [--batch 4] [--seconds 20] [--rounds 2]

The generator of preset `paper` at 128 px, forward and back to the gradients of its weights, which
is most of a training step; the critic's update would stay float32 anyway. Each way runs in a fresh
process: twice to warm up, then up to five times within `--seconds`, of which the median counts. So
`--rounds` times, in turns; a ratio is of two ways of the same round, and the median is shown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

SIZE, UNITS = 128, 17
WAYS = {
    "float32": ("float32", False),
    "float32, XLA": ("float32", True),
    "mixed_bfloat16": ("mixed_bfloat16", False),
    "mixed_bfloat16, XLA": ("mixed_bfloat16", True),
    "mixed_float16": ("mixed_float16", False),
    "mixed_float16, XLA": ("mixed_float16", True),
}


def one(way: str, batch: int, seconds: int) -> None:
    """In a process of its own: prints the median of the times."""
    from ganimation_tf.quiet import import_tensorflow

    import_tensorflow()
    import keras
    import tensorflow as tf
    from training_rows.bare import timed

    from ganimation_tf.networks.generator import build_generator

    policy, xla = WAYS[way]
    keras.config.set_dtype_policy(policy)
    generator = build_generator(SIZE, UNITS)
    weights = [variable.value for variable in generator.trainable_variables]
    image = tf.random.uniform((batch, SIZE, SIZE, 3), -1, 1)
    units = tf.random.uniform((batch, UNITS))

    @tf.function(jit_compile=xla)
    def gradients():
        with tf.GradientTape() as tape:
            edited = generator([image, units])
            loss = sum(tf.reduce_mean(tf.cast(value, tf.float32)) for value in edited.values())
        return tape.gradient(loss, weights)

    gradients()  # once more than `timed` warms up
    print(json.dumps(timed(gradients, seconds)))


def measure(way: str, args: argparse.Namespace) -> float | None:
    """Seconds of one pass; None if TensorFlow cannot do it on this machine."""
    command = [sys.executable, __file__, "--one", way, "--batch", str(args.batch)]
    done = subprocess.run(
        [*command, "--seconds", str(args.seconds)], capture_output=True, text=True
    )
    if done.returncode:
        print(f"{way}: {(done.stderr.strip().splitlines() or ['no message'])[-1][:160]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=20, help="at most, for each way")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one(args.one, args.batch, args.seconds)
        return
    print(f"batch {args.batch}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    rounds = [{way: measure(way, args) for way in WAYS} for _ in range(args.rounds)]
    print(f"{'':22}{'seconds':>9}{'float32 / it':>14}")
    for way in WAYS:
        if all(times[way] and times["float32"] for times in rounds):
            seconds = statistics.median(times[way] for times in rounds)
            ratio = statistics.median(times["float32"] / times[way] for times in rounds)
            print(f"{way:22}{seconds:9.3f}{ratio:14.2f}")


if __name__ == "__main__":
    main()
