"""The convolutions and matrix products of a training cycle or of inference, and nothing else.

    python benchmarks/training_rows/bare.py {train,inference} BATCH SECONDS THREADS

Each distinct operation is timed by itself, on tensors that are already there, and counted as often
as the algorithm needs it. With K = 5 updates of the critic for one of the generator:

- generator: K forward passes for the fakes, one for the way back; each of its convolutions twice
  backward, with respect to input and kernel, for the fake and for the way back;
- critic, K times: forward and backward with respect to the input on real, fake and interpolated
  images in one batch (of the first convolution's, only the interpolated images'), the gradient
  penalty's second pass forward on the interpolated ones, and the kernel gradients of all three;
- critic, once: forward and backward with respect to the input, for the generator.

The AU planes of the generator's first convolution, which `networks` convolves on 7 x 7 pixels, and
the critic's heads are left out. The critic's last two convolutions are timed as the matrix products
of `networks.critic.strided_patches`: as convolutions they are up to five times slower. Prints JSON:
seconds of the sum, and the rate in GFLOP/s.
"""

import json
import sys
import time
from collections.abc import Iterator

from ganimation_tf.quiet import import_tensorflow

CRITIC_STEPS = 5

# name: side of the input, kernel, channels in, channels out, stride, how many; a transposed
# convolution is listed as the one that it is the transpose of.
GENERATOR = (
    ("stem", 128, 7, 3, 64, 1, 1),
    ("down1", 128, 4, 64, 128, 2, 1),
    ("down2", 64, 4, 128, 256, 2, 1),
    ("residual", 32, 3, 256, 256, 1, 12),
    ("heads", 128, 7, 64, 4, 1, 1),
)
TRANSPOSED = (("up1", 64, 4, 128, 256, 2, 1), ("up0", 128, 4, 64, 128, 2, 1))
CRITIC = tuple(
    (f"conv{level + 1}", 128 // 2**level, 4, 64 * 2 ** (level - 1) if level else 3, 64 * 2**level,
     2, 1)
    for level in range(6)
)  # fmt: skip
WIDE = 8
FORWARD, INPUT, KERNEL = "forward", "input", "kernel"


def operations(kind: str, batch: int) -> Iterator[tuple]:
    """(convolution, forward or which gradient, images, how often)."""
    train = kind == "train"
    forward = CRITIC_STEPS + 1 if train else 1
    for layer in GENERATOR + TRANSPOSED:
        transposed = layer in TRANSPOSED
        yield layer, INPUT if transposed else FORWARD, batch, forward * layer[-1]
        if train:
            # The way back hands a gradient on to the fake; the fake to nothing.
            times = 1 if layer[0] == "stem" else 2
            yield layer, FORWARD if transposed else INPUT, batch, times * layer[-1]
            yield layer, KERNEL, batch, 2 * layer[-1]
    if not train:
        return
    for layer in CRITIC:
        yield layer, FORWARD, 3 * batch, CRITIC_STEPS
        yield layer, INPUT, batch if layer is CRITIC[0] else 3 * batch, CRITIC_STEPS
        yield layer, FORWARD, batch, CRITIC_STEPS
        yield layer, KERNEL, 3 * batch, CRITIC_STEPS
        yield layer, FORWARD, batch, 1
        yield layer, INPUT, batch, 1


def build(layer, operation: str, images: int):
    """The operation as a function that takes nothing."""
    import tensorflow as tf

    _, side, kernel, channels, filters, stride, _ = layer
    out = side // stride
    shapes = ((images, side, side, channels), (kernel, kernel, channels, filters),
              (images, out, out, filters))  # fmt: skip
    if side <= WIDE:
        rows, depth = images * out * out, kernel * kernel * channels
        shapes = ((rows, depth), (depth, filters), (rows, filters))
    x, weights, y = (tf.random.normal(shape) for shape in shapes)
    if side <= WIDE:
        products = {
            FORWARD: lambda: tf.matmul(x, weights),
            INPUT: lambda: tf.matmul(y, weights, transpose_b=True),
            KERNEL: lambda: tf.matmul(x, y, transpose_a=True),
        }
        return tf.function(products[operation])
    how = {"strides": [1, stride, stride, 1], "padding": "SAME"}
    raw = tf.raw_ops
    convolutions = {
        FORWARD: lambda: raw.Conv2D(input=x, filter=weights, **how),
        INPUT: lambda: raw.Conv2DBackpropInput(
            input_sizes=shapes[0], filter=weights, out_backprop=y, **how
        ),
        KERNEL: lambda: raw.Conv2DBackpropFilter(
            input=x, filter_sizes=shapes[1], out_backprop=y, **how
        ),
    }
    return tf.function(convolutions[operation])


def flops(layer, images: int) -> float:
    _, side, kernel, channels, filters, stride, _ = layer
    return 2.0 * images * (side // stride) ** 2 * kernel**2 * channels * filters


def timed(run, at_most: float) -> float:
    """The median of up to five runs after one that is not counted."""
    from tensorflow.test.experimental import sync_devices

    run()
    times = []
    while len(times) < 5 and (not times or sum(times) < at_most):
        sync_devices()  # a GPU is handed its work and not waited for
        before = time.perf_counter()
        run()
        sync_devices()
        times.append(time.perf_counter() - before)
    return sorted(times)[len(times) // 2]


def main() -> None:
    kind, batch, seconds, threads = sys.argv[1], *map(int, sys.argv[2:])
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    wanted = list(operations(kind, batch))
    total = work = 0.0
    known = {}
    for layer, operation, images, times in wanted:
        key = (layer, operation, images)
        if key not in known:
            known[key] = timed(build(*key), seconds / len(wanted))
        total += times * known[key]
        work += times * flops(layer, images)
    print(json.dumps({"seconds": [total], "gflops": work / total / 1e9}))


if __name__ == "__main__":
    main()
