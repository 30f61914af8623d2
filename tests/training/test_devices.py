"""The choice of devices, on the one CPU that is always there; two are in test_distribution.py."""

import logging

import pytest
import tensorflow as tf

from ganimation_tf.config import TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.training import devices


def test_one_device_needs_no_strategy():
    assert devices.choose_strategy().num_replicas_in_sync == 1


def test_a_named_device_is_used():
    strategy = devices.choose_strategy(["cpu"])
    assert isinstance(strategy, tf.distribute.OneDeviceStrategy)
    with strategy.scope():
        assert tf.Variable(1.0).device.endswith("CPU:0")


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UserError, match="--devices must be among CPU:0; got GPU:7"):
        devices.choose_strategy(["GPU:7"])


def test_a_device_named_twice_is_refused():
    with pytest.raises(UserError, match="--devices must be different ones, got CPU:0, CPU:0"):
        devices.choose_strategy(["CPU:0", "cpu:0"])


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(UserError, match="multiple of the 2 devices, such as 24 or 26; got 25"):
        devices.require_even(Two(), 25)
    devices.require_even(Two(), 24)


def test_devices_of_several_machines_are_not_chosen_one_by_one(monkeypatch):
    config = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match="--devices cannot be chosen for several machines, got CPU"):
        devices.choose_strategy(["CPU"])


def test_what_is_left_to_the_device_is_decided(monkeypatch):
    auto = TrainConfig(compile="auto", precision="auto")
    for has, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(devices, "_cpu_has_bfloat16", lambda has=has: has)
        config = devices.resolved(auto, devices.choose_strategy(["CPU"]))
        assert (config.compile, config.precision) == ("off", expected)


def test_what_is_asked_for_is_taken():
    asked = TrainConfig(compile="on", precision="float32")
    assert devices.resolved(asked, devices.choose_strategy(["CPU"])) == asked


class OneGpu:
    num_replicas_in_sync = 1

    class extended:
        worker_devices = ("/job:localhost/replica:0/task:0/device:GPU:0",)


class Two:
    num_replicas_in_sync = 2

    class extended:
        worker_devices = ("/device:GPU:0", "/device:GPU:1")


def test_a_gpu_is_handed_several_steps_at_once_and_nothing_else_is():
    assert devices.steps_together(OneGpu()) == devices.TOGETHER_ON_GPU > 1
    assert devices.steps_together(Two()) == 1
    assert devices.steps_together(devices.choose_strategy(["CPU"])) == 1


def test_xla_that_does_not_work_is_left_out_or_refused(monkeypatch, caplog):
    monkeypatch.setattr(devices, "_why_xla_fails", lambda device: "no ptxas")
    with caplog.at_level(logging.WARNING):
        config = devices.resolved(TrainConfig(compile="auto"), OneGpu())
    assert config.compile == "off"
    assert "XLA does not work on this device, the step is not compiled: no ptxas" in caplog.text
    with pytest.raises(UserError, match="--compile on: XLA does not work on this device: no ptxas"):
        devices.resolved(TrainConfig(compile="on"), OneGpu())


def test_several_devices_are_not_compiled_for():
    assert devices.resolved(TrainConfig(compile="auto"), Two()).compile == "off"
    with pytest.raises(UserError, match="--compile on fails in Keras on several devices"):
        devices.resolved(TrainConfig(compile="on"), Two())
