"""The choice of devices, on the one CPU that is always there; two are in test_distribution.py."""

import pytest
import tensorflow as tf

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
    class Two:
        num_replicas_in_sync = 2

    with pytest.raises(UserError, match="multiple of the 2 devices, such as 24 or 26; got 25"):
        devices.require_even(Two(), 25)
    devices.require_even(Two(), 24)


def test_several_machines_are_refused_with_a_sentence(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    with pytest.raises(UserError, match="TF_CONFIG asks for several workers, over which Keras 3's"):
        devices.choose_strategy()
