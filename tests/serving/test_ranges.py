"""Who asks for more than training saw is told so, by the client and once by the server."""

import logging

import numpy as np

import serving_model
from ganimation_tf import cli
from ganimation_tf.data.schema.served import NAMES, REQUESTED
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces.alignment import CropSpec
from serving.server.cards import Ranges
from serving.server.inputs_seen import InputsSeen
from serving.server.models import LoadedVersion

RANGES = {"AU06": (0.0, 0.6), "AU12": (0.1, 1.0)}


def test_a_card_tells_what_lies_outside():
    card = ModelCard(serving_model.ACTION_UNITS, CropSpec(16), intensity_ranges=RANGES)
    assert card.beyond(np.array([0.6, 0.1, 1.0])) == {}  # nothing is known of AU45
    assert card.beyond(np.array([0.7, 0.0, 1.0])) == {
        "AU06": "AU06=0.70 (training saw 0.00 to 0.60)",
        "AU12": "AU12=0.00 (training saw 0.10 to 1.00)",
    }


def test_client_and_server_say_so(tmp_path, capsys, caplog):
    serving_model.save(tmp_path / "models", intensity_ranges=RANGES)
    crop = tmp_path / "crop.png"
    crop.write_bytes(serving_model.face(51))  # the stand-in reads 0.2 of each AU
    output = str(tmp_path / "out.png")
    with caplog.at_level(logging.WARNING), serving_model.running(tmp_path / "models") as served:
        ask = ["query", str(crop), "--server", served.address, "--output", output]
        assert cli.main([*ask, "--au", "AU06=0.5"]) == 0
        assert "guesses" not in capsys.readouterr().err
        for _ in range(3):
            assert cli.main([*ask, "--au", "AU06=0.9"]) == 0
            said = "AU06=0.90 (training saw 0.00 to 0.60): the model guesses there"
            assert said in capsys.readouterr().err
    told = [one.getMessage() for one in caplog.records if "guesses" in one.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("version 1 is asked for AU06=0.90 (training saw 0.00 to 0.60)")


def version(card: ModelCard) -> LoadedVersion:
    """Number 1, which answers with this card."""
    answer = {signature.CARD: np.array([card.to_json().encode()], object)}
    return LoadedVersion(1, {}, {signature.DESCRIBE: lambda _: answer})


def test_another_model_of_the_same_number_is_held_against_its_own_card(caplog):
    two, three = ("AU06", "AU12"), ("AU06", "AU12", "AU45")
    first, second = (
        version(ModelCard(names, CropSpec(16), intensity_ranges=dict.fromkeys(names, (0.0, 0.5))))
        for names in (two, three)
    )
    ranges, seen = Ranges(), InputsSeen()
    with caplog.at_level(logging.WARNING):
        for one, count in ((first, 2), (second, 3)):
            asked = {signature.ACTION_UNITS: np.full((1, count), 0.9, np.float32)}
            ranges.look(one, asked)
            seen.add(one, signature.RENDER, asked, {})
    assert sum("guesses" in one.getMessage() for one in caplog.records) == 5
    families = {family.name: family for family in seen.collect()}
    units = {s.labels["action_unit"] for s in families[NAMES[REQUESTED]].samples}
    assert units == set(three)
