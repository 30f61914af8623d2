"""What `--dry-run` says, counted by hand."""

import re

import keras
import pytest

import tiny
from ganimation_tf import cli
from ganimation_tf.training import estimate
from ganimation_tf.training.model import GANimation


def test_activations_are_the_outputs_of_all_layers():
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(5, 3, padding="same")(image)  # 4 * 4 * 5
    network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))  # 5
    assert estimate.activation_values(network) == 48 + 80 + 5


def test_memory_counts_weights_slots_gradients_and_activations():
    generator, critic = tiny.build_networks()
    model = GANimation(generator, critic, 1)
    g, c = generator.count_params(), critic.count_params()
    without_images = estimate.memory_bytes(model, 0)
    assert without_images == 4 * (3 * (g + c) + max(g, c))
    averaged = GANimation(generator, critic, 1, average=0.9)
    assert estimate.memory_bytes(averaged, 0) - without_images == 4 * g
    per_image = estimate.memory_bytes(model, 1) - without_images
    assert estimate.memory_bytes(model, 7) == without_images + 7 * per_image


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(tmp_path, capsys):
    tiny.write_dataset(tmp_path / "data")
    command = ["train", "--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    command += ["--preset", "tiny", "--critic-layers", "3", "--batch-size", "2", "--dry-run"]
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    assert '"critic_layers": 3' in printed
    assert "data: 12 training and 4 eval faces of 16 px, 3 AUs: AU04 AU12 AU45" in printed
    assert "steps: 2,000 of 4 images, 200 to an epoch; the first 50% at the full" in printed
    assert "length: 2,000 updates of the generator: without the truth of pairs" in printed
    assert re.search(r"^time: about \d+ minutes? here, .*: \d+\.\d\d s a step", printed, re.M)
    assert "memory: about " in printed
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--preset small", "has no pairs"),
        ("--start-from pretrained", "cannot start from"),
        ("--resume nowhere", "nowhere is not a run"),
        ("--judge nobody", "nobody"),
    ],
)
def test_a_dry_run_refuses_what_the_command_would(options, message, tmp_path, capsys):
    tiny.write_dataset(tmp_path / "data")
    command = ["train", "--data", str(tmp_path / "data"), *options.split(), "--dry-run"]
    command += [] if "--resume" in options else ["--output", str(tmp_path / "runs")]
    command += [] if "--preset" in options else ["--preset", "tiny"]
    assert cli.main([*command, "--critic-layers", "3", "--batch-size", "2", "--steps", "2"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_waits_for_no_other_machine(tmp_path, monkeypatch, capsys):
    tiny.write_dataset(tmp_path / "data")
    config = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}'
    monkeypatch.setenv("TF_CONFIG", config)
    command = ["train", "--data", str(tmp_path / "data"), "--output", str(tmp_path / "runs")]
    assert cli.main([*command, "--preset", "tiny", "--dry-run"]) == 2
    assert "--dry-run does not wait for other machines: unset TF_CONFIG" in capsys.readouterr().err


def kernel_says(root, available, limit=None, used=0):
    (root / "proc").mkdir()
    (root / "proc" / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable:   {available} kB\n")
    if limit is not None:
        (root / "sys/fs/cgroup").mkdir(parents=True)
        (root / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
        (root / "sys/fs/cgroup/memory.current").write_text(f"{used}\n")
    return estimate.available_bytes(root)


def test_free_memory_is_the_machine_s_or_what_a_container_is_left(tmp_path):
    for number, (arguments, expected) in enumerate(
        [((10,), 10240), ((10, "max"), 10240), ((10, 5000, 1000), 4000), ((1, 5000, 1000), 1024)]
    ):
        (tmp_path / str(number)).mkdir()
        assert kernel_says(tmp_path / str(number), *arguments) == expected
    assert estimate.available_bytes(tmp_path / "nowhere") is None


def test_what_cannot_fit_is_refused_before_a_run_is_made(tmp_path, monkeypatch, capsys):
    tiny.write_dataset(tmp_path / "data")
    monkeypatch.setattr(estimate, "available_bytes", lambda: 2**28)
    command = ["train", "--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    command += ["--preset", "tiny", "--critic-layers", "3", "--batch-size", "2"]
    assert cli.main(command) == 2
    message = capsys.readouterr().err
    assert "GiB of memory and 0.2 are free" in message and "--ignore-memory" in message
    assert not (tmp_path / "runs").exists()
