"""How far a command is: lines where there is no terminal."""

import types

from ganimation_tf import progress


def test_batches_cover_all_rows():
    assert list(progress.batches(7, 3)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(progress.batches(6, 3)) == [slice(0, 3), slice(3, 6)]
    assert not list(progress.batches(0, 3))


def test_tracked_batches_are_the_same_and_say_how_far_they_are(monkeypatch, capsys):
    """A look at the clock is 2 s here, and a line comes after 5 s."""
    clock = iter(range(0, 1000, 2))
    now = types.SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr(progress, "time", now)
    actual = list(progress.tracked_batches(64, 8, "faces edited"))
    assert actual == list(progress.batches(64, 8))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "16/64 faces edited (25%)"
    assert len(lines) > 1 and all(line.endswith("%)") for line in lines)


def test_short_work_says_nothing(capsys):
    assert len(list(progress.tracked_batches(3, 1, "faces edited"))) == 3
    assert capsys.readouterr().err == ""
