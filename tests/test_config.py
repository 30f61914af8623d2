"""Configs: ranges, flags and round trips."""

import dataclasses
import json

import pytest

from ganimation_tf import cli
from ganimation_tf.cli import train as train_command
from ganimation_tf.config import LossWeights, TrainConfig
from ganimation_tf.errors import UserError
from ganimation_tf.presets import PRESETS


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_config_survives_json(preset):
    config = PRESETS[preset]
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_published_sums_equal_our_means():
    weights = PRESETS["paper"].loss_weights
    # 4000 / batch of 25 on the mean over AUs; 1e-5 x 25 images x 127 x 128 steps.
    assert weights.action_units == 4000 / 25
    assert weights.total_variation == pytest.approx(1e-5 * 25 * 127 * 128, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be at least 0, got nan"),
        ({"beta_1": 1.5}, r"beta_1 must be in \[0, 0.99999\], got 1.5"),
        ({"critic": "estimator"}, "critic must be patches where realism weighs 1, got 'estimator'"),
        ({"labels": True}, "labels must be off where relative is on, got True"),
        (
            {"loss_weights": LossWeights(*[0.0] * 6, flow_at_rest=1.0)},  # and there is no flow
            "loss.realism and the other weights of the generator must not all be 0, got 0",
        ),
    ],
)
def test_values_outside_their_range_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(PRESETS["tiny"], **change)


def test_loss_weight_below_zero_is_refused():
    with pytest.raises(UserError, match="cycle must be at least 0, got -1"):
        LossWeights(cycle=-1)


def test_what_an_older_config_lacks_has_its_default():
    values = PRESETS["tiny"].to_dict()
    del values["jitter"], values["loss_weights"]["cycle"]
    assert TrainConfig.from_dict(values) == PRESETS["tiny"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "run.json is not a training config: .*'colour'"),
        ({"batch_size": 0}, "run.json is not a training config: batch_size must be at least 1"),
        ({"batch_size": "8"}, "run.json is not a training config: "),
    ],
)
def test_a_config_that_is_none_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        TrainConfig.from_dict(PRESETS["tiny"].to_dict() | change, "run.json")


def test_the_library_speaks_python_and_the_command_line_flags(capsys):
    with pytest.raises(ValueError, match="^batch_size must be at least 1, got 0$"):
        TrainConfig(batch_size=0)
    assert cli.main("train --data d --runs r --batch-size 0".split()) == 2
    assert "--batch-size must be at least 1, got 0" in capsys.readouterr().err
    assert cli.main("train --data d --runs r --loss.cycle -1".split()) == 2
    assert "--loss.cycle must be at least 0, got -1" in capsys.readouterr().err


def test_the_help_shows_each_preset_s_value():
    shown = train_command._by_preset("filters").split("; ")
    assert shown[0] == str(PRESETS["default"].filters)
    assert "tiny: 16" in shown and "paper: 64" in shown
    assert train_command._by_preset("seed") == "0"


def test_flags_change_the_preset():
    args = cli.build_parser().parse_args(
        "train --data d --runs r --preset tiny --batch-size 3 --loss.cycle 2.5".split()
    )
    config = train_command.resolve(args)
    assert (config.batch_size, config.loss_weights.cycle) == (3, 2.5)
    assert config.filters == PRESETS["tiny"].filters


@pytest.mark.parametrize(
    ("options", "steps"), [("", 2_000), ("--epochs 3", 0), ("--decay-epochs 0", 0)]
)
def test_who_gives_epochs_has_them_counted(options, steps):
    args = cli.build_parser().parse_args(
        f"train --data d --output r --preset tiny {options}".split()
    )
    assert train_command.resolve(args).steps == steps


def test_the_gain_of_film_is_none_where_there_is_no_film(capsys):
    command = "train --data d --output r --preset default --conditioning concat".split()
    assert train_command.resolve(cli.build_parser().parse_args(command)).film_gain == 1
    assert cli.main([*command, "--film-gain", "6"]) == 2
    assert "--film-gain needs --conditioning film" in capsys.readouterr().err


def test_every_preset_but_the_paper_counts_updates():
    assert {name for name, config in PRESETS.items() if not config.steps} == {"paper"}


def test_every_plain_field_is_a_flag():
    text = cli.build_parser().parse_args("train --data d --runs r".split()).__dict__
    for field in dataclasses.fields(TrainConfig):
        assert field.name == "loss_weights" or field.name in text
    for field in dataclasses.fields(LossWeights):
        assert f"loss.{field.name}" in text
