"""Grids, sweeps and curves: what stands where, and when it is drawn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tiny
from ganimation_tf.faces import images
from ganimation_tf.media import contact_sheet, timelapse
from ganimation_tf.training.callbacks import progress, samples
from ganimation_tf.training.callbacks.samples import INTENSITIES, SampleGrid, as_uint8, changes
from ganimation_tf.training.callbacks.shown_edits import ShownEdits
from ganimation_tf.training.callbacks.summaries import SHOWN_WEIGHTS, Summaries, spread, writer
from ganimation_tf.training.callbacks.windows import Window
from ganimation_tf.training.tracking import TRACKED

FACES = {name: tf.constant(v[:, 0]) for name, v in tiny.batch(3, 1).items() if name != "epsilon"}
TIMES = samples.SHOWN_SIDE // tiny.SIZE


@pytest.fixture
def model():
    return tiny.build_model(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))


@pytest.fixture
def grid(model, tmp_path):
    (tmp_path / "samples").mkdir()
    return started(model, tmp_path, total_steps=100)


def started(model, run, total_steps):
    callback = SampleGrid(ShownEdits(FACES), tiny.UNITS, run, writer(run / "logs"), total_steps)
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def cells(sheet, columns, rows):
    """The pictures of a sheet, reduced to one pixel for each pixel of a crop."""
    side, gap = samples.SHOWN_SIDE, contact_sheet.GAP
    bottom, right = sheet.shape[0] - gap, sheet.shape[1] - gap
    lefts = [right - (columns - c) * (side + gap) + gap for c in range(columns)]
    tops = [bottom - (rows - r) * (side + gap) + gap for r in range(rows)]
    return [[sheet[y : y + side : TIMES, x : x + side : TIMES] for x in lefts] for y in tops]


def test_a_row_shows_input_result_masks_and_way_back(grid, model):
    rows = cells(grid.render(), 5, 3)
    edited = model.generator([FACES["image"], FACES["target_action_units"]])
    back = model.generator([edited["image"], FACES["action_units"]])["image"]
    for face, (original, result, attention, color, cycle) in enumerate(rows):
        np.testing.assert_array_equal(original, as_uint8(FACES["image"][face]))
        np.testing.assert_array_equal(result, as_uint8(edited["image"][face]))
        np.testing.assert_array_equal(color, as_uint8(edited["color"][face]))
        np.testing.assert_array_equal(cycle, as_uint8(back[face]))
        kept = np.round(np.asarray(edited["attention"][face]) * 255)
        assert np.abs(attention[1:-1, 1:-1] - kept[1:-1, 1:-1]).max() <= 1
        assert (attention[0] == 64).all() and (attention[:, -1] == 64).all()  # the rim


def test_a_sweep_row_moves_one_au_and_leaves_the_others(grid, model):
    rows = cells(grid.render_sweep(), 1 + len(INTENSITIES), len(tiny.UNITS))
    own = FACES["action_units"][0].numpy()
    for unit, (original, *steps) in enumerate(rows):
        np.testing.assert_array_equal(original, as_uint8(FACES["image"][0]))
        for intensity, shown in zip(INTENSITIES, steps, strict=True):
            wanted = own.copy()
            wanted[unit] = intensity
            result = model.generator([FACES["image"][:1], tf.constant(wanted[None])])["image"][0]
            assert np.abs(shown.astype(int) - as_uint8(result)).max() <= 1


def test_tensorboard_has_the_grid_as_the_file_has_it(grid, tmp_path):
    png = (tmp_path / "samples" / "step-0000000.png").read_bytes()
    (path,) = (tmp_path / "logs").glob("events.out.*")
    events = (tf.compat.v1.Event.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path)))
    ((step, value),) = ((event.step, each) for event in events for each in event.summary.value)
    width, height, shown = tf.make_ndarray(value.tensor).tolist()
    assert (step, value.tag, value.metadata.plugin_data.plugin_name) == (0, "samples", "images")
    assert (int(height), int(width)) == images.decode(png).shape[:2]
    assert shown == png


def test_rows_name_the_aus_that_change_most():
    text = changes(np.array([0.1, 0.5, 0.2]), np.array([0.15, 0.0, 0.9]), ("A", "B", "C"))
    assert text.split("\n") == ["C 0.20 > 0.90", "B 0.50 > 0.00", "A 0.10 > 0.15"]


def names(run):
    return sorted(path.name for path in (run / "samples").iterdir())


def test_drawn_steps_depend_on_the_length_only_and_come_out_the_same(grid, model, tmp_path):
    for step in range(1, 101):
        model.optimizer.iterations.assign(step)
        grid.on_train_batch_end(step, {})
    expected = [f"step-{step:07d}.png" for step in range(0, 101, 25)]
    expected += [f"sweep-{step:07d}.png" for step in range(25, 101, 25)]
    assert names(tmp_path) == expected
    before = (tmp_path / "samples" / "step-0000075.png").read_bytes()
    model.optimizer.iterations.assign(70)  # the run went on from there
    again = started(model, tmp_path, total_steps=100)
    for step in range(71, 76):
        model.optimizer.iterations.assign(step)
        again.on_train_batch_end(step, {})
    assert names(tmp_path) == expected
    assert (tmp_path / "samples" / "step-0000075.png").read_bytes() == before


def test_a_long_run_is_drawn_early_too():
    """Of 20,000 steps every 500th is due, a fortieth; before it 25 and its doubles."""
    early = [step for step in range(1, 20_001) if samples.is_early(step, 20_000)]
    assert early == [25, 50, 100, 200, 400]
    assert samples.due(500, 20_000, samples.GRIDS) and not samples.due(400, 20_000, samples.GRIDS)
    assert not any(samples.is_early(step, 1_000) for step in range(1, 1_001))  # every 25th is due


def test_what_falls_due_among_steps_that_are_executed_together_is_drawn_after_them():
    """Of 20,000 steps, 20 at a time: 25, 50, 100, 200, 400, then every 500th."""
    seen = range(20, 20_001, 20)
    early = [step for step in seen if samples.is_early(step, 20_000, 20)]
    assert early == [40, 60, 100, 200, 400]
    due = [step for step in seen if samples.due(step, 20_000, samples.GRIDS, 20)]
    assert due == list(range(500, 20_001, 500))
    thirds = [step for step in seen if samples.due(step, 1_200, samples.GRIDS, 20)]
    assert thirds[:4] == [40, 60, 100, 120]  # of 30, 60, 90 and 120


def test_the_gif_is_made_at_the_end_of_the_run_only(grid, model, tmp_path):
    model.optimizer.iterations.assign(50)
    grid.on_epoch_end(0)
    assert not (tmp_path / "samples.gif").exists()
    model.optimizer.iterations.assign(100)
    grid.on_epoch_end(0)
    assert (tmp_path / "samples.gif").is_file()


def write_grids(directory, count, side=40, noise=False):
    directory.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        picture = np.full((side, side, 3), number % 256, np.uint8)
        if noise:
            picture = random.integers(0, 256, picture.shape, np.uint8)
        (directory / f"step-{number:07d}.png").write_bytes(images.encode_png(picture))


@pytest.mark.parametrize(("count", "frames"), [(1, 1), (5, 5), (200, timelapse.MAX_FRAMES)])
def test_a_timelapse_has_first_and_last_grid_and_not_too_many(count, frames, tmp_path):
    write_grids(tmp_path / "samples", count)
    timelapse.write(tmp_path / "samples", tmp_path / "samples.gif")
    with Image.open(tmp_path / "samples.gif") as opened:
        assert opened.n_frames == frames
        shown = []
        for number in range(frames):
            opened.seek(number)
            shown.append(opened.convert("RGB").getpixel((20, 40))[0])
        assert opened.info["duration"] == 1000 * timelapse.LAST_SECONDS
    assert (shown[0], shown[-1]) == pytest.approx((0, count - 1), abs=3)  # 256 colours
    assert shown == sorted(shown)


def test_a_timelapse_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(timelapse, "MAX_BYTES", 20_000)
    write_grids(tmp_path / "samples", 4, side=100, noise=True)
    timelapse.write(tmp_path / "samples", tmp_path / "samples.gif")
    assert 5_000 < (tmp_path / "samples.gif").stat().st_size <= 20_000


def test_without_grids_there_is_no_timelapse(tmp_path):
    timelapse.write(tmp_path, tmp_path / "samples.gif")
    assert not list(tmp_path.iterdir())


def summaries_of(directory):
    """(tag, step, value) of all scalars and (tag, step) of the rest."""
    actual = []
    for path in directory.glob("events.out.*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                number = (float(content),) if content.ndim == 0 else ()
                actual.append((value.tag, event.step, *number))
    return actual


def test_curves_of_train_and_eval_have_the_same_names(model, tmp_path):
    split = tmp_path / "train", tmp_path / "eval"
    callback = Summaries(writer(split[0]), writer(split[1]), ShownEdits(FACES), total_steps=4000)
    callback.set_model(model)
    for step in range(1, 9):
        model.optimizer.iterations.assign(step)
        tiny.set_step_terms(model, dict.fromkeys(TRACKED, float(step)))
        callback.on_train_batch_end(step)
    logs = {"cycle": 0.0, "val_cycle": 7.0, "val_loss": 9.0}
    callback.on_epoch_end(0, logs)
    train, evaluation = map(summaries_of, split)
    assert [e for e in train if e[0] == "cycle"] == [("cycle", 4, 2.5), ("cycle", 8, 6.5)]
    assert [e for e in train if e[0] == "learning_rate"] == [
        ("learning_rate", 4, 0.0),
        ("learning_rate", 8, 0.0),
    ]
    assert ("cycle", 8, 7.0) in evaluation
    assert {tag for tag, *_ in evaluation} == {"cycle", "loss"}


def test_a_curve_has_the_means_of_steps_that_are_executed_together():
    window = Window(40)
    for step in range(20, 81, 20):
        means = window.add(step, {"cycle": float(step)}, 20)
        assert means == {40: {"cycle": 30.0}, 80: {"cycle": 70.0}}.get(step)
    window = Window(50)  # the border lies within what is executed together
    actual = [window.add(step, {"cycle": float(step)}, 20) for step in range(20, 121, 20)]
    assert actual == [None, None, {"cycle": 40.0}, None, {"cycle": 90.0}, None]


def test_histograms_are_sparse_and_count_a_part_of_large_weights(model, tmp_path):
    callback = Summaries(
        writer(tmp_path / "train"), writer(tmp_path / "eval"), ShownEdits(FACES), 100
    )
    callback.set_model(model)
    for step in range(1, 101):
        model.optimizer.iterations.assign(step)
        callback.on_train_batch_end(step)
    masks = [step for tag, step, *_ in summaries_of(tmp_path / "train") if tag == "mask"]
    assert masks == list(range(5, 101, 5))
    assert spread(np.arange(4.0)).tolist() == [0, 1, 2, 3]
    large = spread(np.arange(25_000.0).reshape(5, -1))
    assert large.tolist() == list(range(0, 25_000, 3))
    assert len(large) <= SHOWN_WEIGHTS


@pytest.mark.parametrize(
    ("seconds", "text"), [(7, "0:07"), (187.4, "3:07"), (3723, "1:02:03"), (360000, "100:00:00")]
)
def test_time_to_go(seconds, text):
    assert progress.clock(seconds) == text


def test_memory_is_what_the_process_holds():
    before = progress.resident_bytes()
    block = np.ones(50 * 2**20, np.uint8)
    grown = progress.resident_bytes() - before
    assert 40 * 2**20 < grown < 80 * 2**20
    assert block[-1] == 1
    assert progress.memory().endswith(" GiB")
