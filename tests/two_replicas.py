"""Run by test_distribution.py in a process of its own: the same training on 1 and on 2 replicas.

Prints, as JSON, the largest difference of any weight and of any logged term, relative above 1.
"""

import json

import keras
import numpy as np
import tensorflow as tf

import tiny
from ganimation_tf import devices
from ganimation_tf.adam import FusedAdam


def two_steps(strategy, optimizer, images, batch_size):
    """Weights and logs after `fit` saw `images` images in batches, the last of them smaller."""
    with strategy.scope():
        model = tiny.build_model(optimizer(), optimizer(), average=0.5, relative=True)
    data = tf.data.Dataset.from_tensor_slices(tiny.batch(images)).batch(batch_size)
    steps = []
    each = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: steps.append(logs))
    history = model.fit(data, epochs=1, verbose=0, shuffle=False, callbacks=[each])
    logs = {name: values[-1] for name, values in history.history.items()}
    for step, values in enumerate(steps):
        logs |= {f"{name} of step {step}": value for name, value in values.items()}
    networks = (model.generator, model.critic, model.inference_generator)
    return [value for network in networks for value in network.get_weights()], logs


CASES = {
    # A mean per replica would move SGD twice as far. The last batch of 5 is split 3 and 2.
    "sgd, 11 images in batches of 6": (lambda: keras.optimizers.SGD(1e-3), 11, 6),
    # The paper's rate; at its epsilon of 1e-8 the rounding of tiny gradients would show.
    "adam, 8 images in batches of 4": (lambda: FusedAdam(1e-4, epsilon=1e-3), 8, 4),
}


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    # As in training. Without it sums are rounded in any order, and a leaky ReLU may bend or not.
    tf.config.experimental.enable_op_determinism()
    mirrored = devices.choose_strategy()
    single = tf.distribute.OneDeviceStrategy("/cpu:0")
    facts = {"replicas": mirrored.num_replicas_in_sync}
    for name, (optimizer, images, batch_size) in CASES.items():
        one, one_logs = two_steps(single, optimizer, images, batch_size)
        two, two_logs = two_steps(mirrored, optimizer, images, batch_size)
        facts[name] = {
            "weights": max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True)),
            "logs": max(
                abs(value - two_logs[key]) / max(1.0, abs(value)) for key, value in one_logs.items()
            ),
        }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
