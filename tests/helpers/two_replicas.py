"""Run by test_distribution.py in processes of their own.

    python two_replicas.py steps: the same training on 1 and on 2 replicas
    python two_replicas.py whole: a training on 2 replicas, in one go and interrupted
    python two_replicas.py overflow: a step that overflows on one of 2 replicas
    python two_replicas.py refusals: what `compile` refuses on 2 replicas

Prints JSON; of the first two the largest difference of any weight and of any logged term, relative
above 1.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

import tiny
from ganimation_tf.training import devices, train
from ganimation_tf.training.callbacks import checkpoints
from ganimation_tf.training.model import GANimation
from ganimation_tf.training.plan import make_plan


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
    "adam, 11 images in batches of 6": (lambda: keras.optimizers.Adam(1e-4, epsilon=1e-3), 11, 6),
}


def whole_training():
    """`train` on both devices, once in one go and once stopped by a signal and started again.

    The eval split has 7 faces: a batch of 4, and 3 that would be split 2 and 1, or 2 of them 2 and
    none.
    """

    class Stopping(checkpoints.Checkpoints):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    config = dataclasses.replace(tiny.CONFIG, batch_size=4, critic_steps=1, average=0.5)
    with tempfile.TemporaryDirectory() as root:
        data = pathlib.Path(root, "data")
        tiny.write_dataset(data, evaluation=7)
        devices_named = {"chosen_devices": ("CPU:0", "CPU:1")}
        plan = make_plan(data, config, "tiny", 3)
        whole = train.train(plan, pathlib.Path(root, "whole"), **devices_named)
        train.Checkpoints, usual = Stopping, train.Checkpoints
        with contextlib.suppress(KeyboardInterrupt):
            train.train(plan, pathlib.Path(root, "stopped"), **devices_named)
        train.Checkpoints = usual
        stopped = train.train(plan, pathlib.Path(root, "stopped"), **devices_named)
        pairs = [
            zip(*(keras.models.load_model(run / f"{name}.keras").get_weights()
                  for run in (whole, stopped)), strict=True)
            for name in ("generator", "critic")
        ]  # fmt: skip
        logs = [
            json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
            for run in (whole, stopped)
        ]
        shared = [name for name in logs[0] if name not in ("seconds", "images_per_second")]
        return {
            "weights": max(float(np.abs(a - b).max()) for pair in pairs for a, b in pair),
            "logs": max(
                abs(logs[0][name] - logs[1][name]) / max(1.0, abs(logs[0][name])) for name in shared
            ),
        }


def overflow():
    """How far a step moves weights and loss scale whose second replica's share is infinite."""
    with devices.choose_strategy().scope():
        model = tiny.build_model(*(keras.optimizers.SGD(1e-3) for _ in range(2)), dtype=HALF)
    moved = {}
    for name, value in (("finite", 0.0), ("infinite", np.inf)):
        batch = tiny.batch(4)
        batch["image"][2:] += value
        for optimizer in (model.optimizer, model.critic_optimizer):
            optimizer.dynamic_scale.assign(64.0)
        before = model.get_weights()
        model.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
        pairs = zip(before, model.get_weights(), strict=True)
        moved[name] = {
            "weights": max(float(np.abs(a - b).max()) for a, b in pairs),
            "scale": float(model.critic_optimizer.dynamic_scale.numpy()),
            "step": model.step,
        }
    return moved


HALF = "mixed_float16"


def refusals():
    """The message of each refusal."""
    messages = {}
    with devices.choose_strategy().scope():
        generator, critic = tiny.build_networks()
        x = keras.layers.BatchNormalization(name="norm")(critic.inputs[0])
        normalized = keras.Model(critic.inputs[0], critic(x), name="critic")
        for name, network, optimizer, options in (
            ("steps_per_execution", critic, {}, {"steps_per_execution": 2}),
            ("jit_compile", critic, {}, {"jit_compile": True}),
            ("clipnorm", critic, {"clipnorm": 1.0}, {}),
            ("global_clipnorm", critic, {"global_clipnorm": 1.0}, {}),
            ("clipvalue", critic, {"clipvalue": 1.0}, {}),
            ("accumulation", critic, {"gradient_accumulation_steps": 2}, {}),
            ("norm", normalized, {}, {}),
        ):
            model = GANimation(generator, network, 2)
            try:
                model.compile(keras.optimizers.SGD(**optimizer), keras.optimizers.SGD(), **options)
            except ValueError as error:
                messages[name] = str(error)
    return messages


def main(what):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    # As in training. Without it sums are rounded in any order, and a leaky ReLU may bend or not.
    tf.config.experimental.enable_op_determinism()
    programs = {"whole": whole_training, "overflow": overflow, "refusals": refusals}
    if what in programs:
        print(json.dumps(programs[what]()))
        return
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
    main(sys.argv[1])
