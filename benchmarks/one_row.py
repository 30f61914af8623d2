"""How long a single row takes in TensorFlow beside several, with and without AVX-512.

    python benchmarks/one_row.py [--calls 8]

The generator of the published size at 128 px, random weights. Each row is a process of its own, in
which oneDNN is held to an instruction set (`ONEDNN_MAX_CPU_ISA`; `DEFAULT` is all that this machine
has): the code that it picks for one row differs. Told is the median of the calls, for the batch.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

SETS = ("DEFAULT", "AVX2")
BATCHES = (1, 2, 4)


def measure(batch: int, calls: int) -> float:
    """Milliseconds of a batch, in this process."""
    from ganimation_tf import quiet

    quiet.import_tensorflow()
    import tensorflow as tf

    from ganimation_tf.networks.generator import build_generator

    generator = build_generator(128, 17)
    edit = tf.function(lambda image, units: generator([image, units])["image"])
    inputs = tf.zeros((batch, 128, 128, 3)), tf.zeros((batch, 17))
    times = []
    for _ in range(calls + 2):
        started = time.perf_counter()
        edit(*inputs).numpy()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times[2:])  # the first are traced, and choose their code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.batch:
        print(measure(args.batch, args.calls))
        return
    print(f"{'ms':10}" + "".join(f"{f'{batch} rows':>9}" for batch in BATCHES))
    for name in SETS:
        cells = []
        for batch in BATCHES:
            command = [sys.executable, __file__, "--calls", str(args.calls), "--batch", str(batch)]
            environment = os.environ | {"ONEDNN_MAX_CPU_ISA": name}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            cells.append(f"{float(done.stdout.split()[-1]):9.0f}")
        print(f"{name:10}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
