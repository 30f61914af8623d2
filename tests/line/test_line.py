"""The line as a whole: what runs when, what is pushed, and who takes over."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from ruamel.yaml import YAML
from waiting import wait_for

from ganimation_tf import cli
from ganimation_tf.faces import images
from ganimation_tf.line import project
from serving.client.sync import GanimationClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

STEPS = (
    *("examples", "statistics", "schema", "validator", "trainer", "evaluator"),
    *("infra_validator", "pusher"),
)
SECONDS = 1200


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A line that has run once."""
    directory = tmp_path_factory.mktemp("line") / "work"
    draw = ["synthesize", "--count", "80", "--image-size", "64", "--seed", "3"]
    assert cli.main([*draw, "--output", str(directory / "photos")]) == 0
    assert cli.main(["line", "init", str(directory), "--small"]) == 0
    change(directory, "trainer", "steps", 8)
    change(directory, "evaluator", "gate", ["truth_error<=50", "zero_edit<=0"])
    run(directory, steps=STEPS)
    return directory


def change(directory: pathlib.Path, section: str, name: str, value) -> None:
    yaml = YAML()
    params = yaml.load((directory / project.PARAMS).read_text())
    params[section][name] = value
    with (directory / project.PARAMS).open("w") as file:
        yaml.dump(params, file)


def command(directory: pathlib.Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "ganimation_tf", "line", "run", str(directory), *more]


def run(directory: pathlib.Path, steps, code: int = 0) -> str:
    """Runs the line, in which these steps and no others are to run; what it said."""
    done = subprocess.run(
        command(directory), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == code, done.stdout
    assert begun(done.stdout) == list(steps), done.stdout
    return done.stdout


def begun(text: str) -> list[str]:
    """The steps that ran, by what the line said."""
    return [one.split("'")[1] for one in text.splitlines() if one.startswith("Running stage")]


def versions(directory: pathlib.Path) -> list[str]:
    return sorted(path.name for path in (directory / "models").iterdir())


def test_a_pushed_model_knows_where_it_comes_from(line, capsys):
    assert versions(line) == ["1"]
    assert cli.main(["lineage", str(line / "models")]) == 0
    out = capsys.readouterr().out
    digest = json.loads((line / "examples" / "dataset.json").read_text())["sources"]["sha256"]
    assert (
        f"80 images, 80 annotations; their digests are the sources.jsonl of SHA-256 {digest}" in out
    )
    assert "gate       truth_error<=50 holds" in out


def test_nothing_is_run_again_and_dvc_shows_the_figures(line):
    assert "up to date" in run(line, steps=())
    shown = project.dvc(line, ["metrics", "show", "--json"], capture_output=True, text=True)
    figures = json.loads(shown.stdout)[""]["data"]
    assert figures["evaluation/metrics.json"]["data"]["zero_edit"] == 0
    assert figures["trainer/run/metrics.json"]["data"]["step"] == 8
    plots = project.dvc(line, ["plots", "show"], capture_output=True, text=True)
    assert plots.returncode == 0 and (line / "dvc_plots" / "index.html").is_file()
    assert "could not find" not in plots.stderr


def test_a_changed_photo_runs_what_follows_from_it_and_a_served_model_takes_over(line, tmp_path):
    log = tmp_path / "log"
    serve = [sys.executable, "-m", "ganimation_tf", "serve", "--model-dir", str(line / "models")]
    with log.open("w") as stream:
        server = subprocess.Popen([*serve, "--port", "0"], stdout=stream, stderr=stream)
    try:
        address = wait_for(lambda: after(log.read_text(), " at ", "serving "), "no server", SECONDS)
        photo = sorted((line / "photos" / "imgs").iterdir())[0]
        pixels = images.decode(photo.read_bytes())
        photo.write_bytes(images.encode_jpeg(255 - pixels, quality=95))
        run(line, steps=STEPS)
        assert versions(line) == ["1", "2"]
        with GanimationClient(address) as client:
            wait_for(lambda: client.status().get(2) == "AVAILABLE", "no version 2", SECONDS)
    finally:
        server.terminate()
        server.wait()


def test_an_output_changed_by_hand_is_made_again(line):
    before = (line / "trainer" / "export" / "1" / "saved_model.pb").read_bytes()
    shard = sorted((line / "examples").glob("train-*"))[0]
    sound = shard.read_bytes()
    shard.write_bytes(sound[:-1])
    run(line, steps=["examples"])  # the same dataset comes out: nothing follows
    assert shard.read_bytes() == sound
    (line / "trainer" / "export" / "1" / "saved_model.pb").unlink()
    text = run(line, steps=[])
    assert "Stage 'trainer' is cached" in text
    assert (line / "trainer" / "export" / "1" / "saved_model.pb").read_bytes() == before


def test_a_model_under_the_gate_is_not_pushed(line):
    before = versions(line)
    change(line, "evaluator", "gate", ["truth_share>=0.99"])
    text = run(line, steps=["evaluator"], code=1)
    assert "gate truth_share>=0.99 failed" in text
    assert versions(line) == before
    change(line, "evaluator", "gate", ["truth_error<=50", "zero_edit<=0"])
    run(line, steps=[])
    assert versions(line) == before


def test_a_schema_of_other_action_units_ends_the_line(line):
    path = line / "schema.json"
    sound = path.read_text()
    schema = json.loads(sound)
    schema["action_units"].remove("AU45")
    del schema["intensities"]["AU45"]
    path.write_text(json.dumps(schema))
    text = run(line, steps=["schema", "validator"], code=1)
    assert "with AU45 besides" in text
    path.write_text(sound)
    run(line, steps=["schema"])


def test_killed_at_every_step_it_goes_on_and_dvc_shows_what_changed(line, tmp_path):
    before = versions(line)
    commit(line)
    photo = sorted((line / "photos" / "imgs").iterdir())[1]
    photo.write_bytes(images.encode_jpeg(255 - images.decode(photo.read_bytes()), quality=95))
    change(line, "trainer", "steps", 9)
    for number, step in enumerate(STEPS):
        log = tmp_path / step
        with log.open("w") as stream:
            process = subprocess.Popen(
                command(line),
                stdout=stream,
                stderr=stream,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        mark = f"Running stage '{step}'"
        wait_for(lambda log=log, mark=mark: mark in log.read_text(), mark, SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # What was killed is begun again; what was finished is not.
        assert begun(log.read_text()) == list(STEPS[max(number - 1, 0) : number + 1])
        assert versions(line) == before
    run(line, steps=["pusher"])
    assert len(versions(line)) == len(before) + 1
    shown = project.dvc(line, ["metrics", "diff", "--json"], capture_output=True, text=True)
    changed = json.loads(shown.stdout)["trainer/run/metrics.json"]["step"]
    assert (changed["old"], changed["new"]) == (8, 9)


def commit(directory: pathlib.Path) -> None:
    """Has git keep the line as it is, as docs/line.md says."""
    names = (project.PIPELINE, project.PARAMS, "dvc.lock", ".dvc/config", ".gitignore")
    who = ("-c", "user.name=line", "-c", "user.email=line@example.org")
    for arguments in (("init", "-q"), ("add", *names), (*who, "commit", "-q", "-m", "line")):
        subprocess.run(["git", "-C", str(directory), *arguments], check=True)
    project.dvc(directory, ["config", "--unset", "core.no_scm"], check=True)


@pytest.mark.parametrize(
    ("number", "code", "steps"),
    [(signal.SIGKILL, -signal.SIGKILL, 150), (signal.SIGINT, 130, 151)],
    ids=["killed", "Ctrl-C"],
)
def test_ended_in_training_it_goes_on_from_the_last_state(line, number, code, steps):
    before = versions(line)
    change(line, "trainer", "steps", steps)
    change(line, "trainer", "checkpoint-minutes", 0)
    before_here = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job has none
    process = subprocess.Popen(
        command(line), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    signal.signal(signal.SIGINT, before_here)
    kept = set((line / "runs").iterdir())

    def states():
        return (path for path in (line / "runs").glob("*/checkpoints/step-*"))

    wait_for(
        lambda: any(step_of(path) >= 12 and path.parents[1] not in kept for path in states()),
        "no step 12",
        SECONDS,
    )
    os.killpg(process.pid, number)
    assert process.wait() == code
    text = run(line, steps=["trainer", "evaluator", "infra_validator", "pusher"])
    state = int(after(text, " at step ", "going on with ").split()[0])
    assert 12 <= state < steps
    assert len(versions(line)) == len(before) + 1


def step_of(path: pathlib.Path) -> int:
    return int(path.name.removeprefix("step-"))


def after(text: str, mark: str, begin: str) -> str | None:
    """What follows `mark` on the line that holds `begin`."""
    actual = (one.partition(mark)[2] for one in text.splitlines() if begin in one and mark in one)
    return next(actual, None)
