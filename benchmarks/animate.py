"""What animating costs beside the generator alone, in one run.

    python benchmarks/animate.py [--model PATH] [--photo FILE] [--frames 48] [--video-size 64]

| row | what is timed |
| --- | --- |
| start | `ganimation animate PHOTO -o still.png`, a process from start to end, fastest of three |
| frames | N frames of one photo into an MP4, beside N generator images, decode and encode alone |
| slider | an edit as the studio answers it, beside one inference in this process |
| video | ten seconds of 1280 x 720 at 25 frames a second, edited frame by frame |

The photo is a drawn face of 512 px unless one is given. Without weights in the package, and for a
video at another size than the model's, networks of preset size with random weights are made: speed
does not depend on what they have learnt.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from ganimation_tf import action_units, synthetic
from ganimation_tf.animation import models, outputs, pretrained, videos
from ganimation_tf.animation.animator import Animator
from ganimation_tf.animation.outputs import Output
from ganimation_tf.animation.request import Request
from ganimation_tf.expression_parsing import parse
from ganimation_tf.faces import images
from ganimation_tf.media import video
from serving.studio.session import Studio

ROUNDS = 5
FILTERS, BLOCKS = 24, 4
GOAL = ["AU12=0.8", "AU06=0.6"]


def fastest(step: Callable, rounds: int = ROUNDS) -> float:
    """Seconds of the fastest round after one that is not counted."""
    step()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def drawn_face(side: int, expression: int = 0) -> np.ndarray:
    """uint8 (side, side, 3)."""
    person, pose, units = synthetic.reproduce(0, 0, expression)
    return synthetic.render(person, units, side, pose).image


def random_weights(directory: pathlib.Path, size: int) -> pathlib.Path:
    """Weights of networks that have learnt nothing."""
    from ganimation_tf.export.model_card import ModelCard
    from ganimation_tf.faces.alignment import CropSpec
    from ganimation_tf.networks.critic import build_critic
    from ganimation_tf.networks.generator import build_generator

    count = len(action_units.OPENFACE)
    generator = build_generator(size, count, FILTERS, BLOCKS, 0, "film", relative=True)
    critic = build_critic(size, count, 16, 4, 1)
    card = ModelCard(action_units.OPENFACE, CropSpec(size), model_name="random")
    pretrained.save_weights(directory, generator, critic, {}, card)
    return directory


def start(photo: pathlib.Path, model: pathlib.Path | None, scratch: pathlib.Path) -> None:
    """Prints the row `start`."""
    command = [sys.executable, "-m", "ganimation_tf", "animate", str(photo), "--still"]
    command += ["-o", str(scratch / "still.png"), "--au", "AU12=0.8"]
    command += ["--model", str(model)] if model else []
    seconds = fastest(lambda: subprocess.run(command, check=True, capture_output=True), 3)
    print(f"start   {seconds:6.2f} s from the command to the first picture")


def frames(photo: pathlib.Path, animator: Animator, count: int, scratch: pathlib.Path) -> None:
    """Prints the row `frames`."""
    picture = images.decode(photo.read_bytes())
    (face,) = animator.find(picture)
    crop = animator.composer(picture, face).crop
    target = animator.expression(GOAL).target(
        np.zeros(len(animator.action_units)), animator.action_units
    )
    units = np.linspace(0, target, count).astype(np.float32)  # no two alike
    source = np.zeros_like(target)

    def whole() -> None:
        shown = images.decode(photo.read_bytes())
        (faces,) = animator.find(shown)
        composer = animator.composer(shown, faces)
        edits = animator.edits(composer.crop, source, units)
        video.write(scratch / "a.mp4", map(composer.put_back, edits), 25)

    def generator() -> None:
        for _ in animator.edits(crop, source, units):
            pass

    def files() -> None:
        shown = images.decode(photo.read_bytes())
        video.write(scratch / "b.mp4", [shown] * count, 25)

    times = fastest(whole, 3), fastest(generator, 3), fastest(files, 3)
    print(
        f"frames  {times[0]:6.2f} s for {count} frames; generator {times[1]:.2f} s, decode and "
        f"encode {times[2]:.2f} s; ratio {times[0] / (times[1] + times[2]):.2f}"
    )


def slider(photo: pathlib.Path, animator: Animator) -> None:
    """Prints the row `slider`."""
    studio = Studio(animator)
    opened = studio.open(photo.read_bytes())
    source = np.array(list(opened["faces"][0]["source"].values()), np.float32)
    request = {"photo": opened["photo"], "aus": {"AU12": 0.8, "AU06": 0.6}}
    picture = images.decode(photo.read_bytes())
    (face,) = animator.find(picture)
    crop = animator.composer(picture, face).crop[None]
    target = animator.expression(GOAL).target(source, animator.action_units)[None]
    one = fastest(lambda: list(animator.render(crop, source[None], target)), 20)
    move = fastest(lambda: studio.edit(request), 20)
    print(
        f"slider  {move * 1000:6.1f} ms a move, {one * 1000:.1f} ms an inference: {move / one:.2f}"
    )


def clip(animator: Animator, scratch: pathlib.Path, seconds: float) -> None:
    """Prints the row `video`."""
    path = scratch / "clip.mp4"
    shown = np.full((720, 1280, 3), 180, np.uint8)
    faces = [drawn_face(480, number) for number in range(5)]

    def drawn():
        for number in range(round(25 * seconds)):
            frame = shown.copy()
            left = 300 + round(100 * np.sin(number / 20))
            frame[120:600, left : left + 480] = faces[number // 25 % 5]
            yield frame

    video.write(path, drawn(), 25)
    request = Request(goal=parse(GOAL, names=animator.action_units))
    began = time.perf_counter()
    line, _ = videos.animate(path, Output(scratch / "out.mp4", outputs.MP4), request, animator)
    rate = 25 * seconds / (time.perf_counter() - began)
    print(f"video   {rate:6.1f} frames/s of 1280 x 720, model of {animator.image_size} px ({line})")


def main() -> None:
    """Prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, help="as `ganimation animate` takes it")
    parser.add_argument("--photo", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--video-size", type=int, default=64, help="of the model for the video")
    parser.add_argument("--seconds", type=float, default=10.0, help="of video")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        model = args.model
        if model is None and not (pretrained.directory() / pretrained.CONFIG).is_file():
            model = random_weights(scratch / "weights", 128)
        photo = args.photo or scratch / "photo.png"
        if args.photo is None:
            photo.write_bytes(images.encode_png(drawn_face(512)))
        animator = Animator.pretrained() if model is None else Animator(models.open_model(model))
        start(photo, model, scratch)
        frames(photo, animator, args.frames, scratch)
        slider(photo, animator)
        clip(animator, scratch, args.seconds)
        if args.video_size != animator.image_size:
            small = random_weights(scratch / "small", args.video_size)
            clip(Animator(models.open_model(small)), scratch, args.seconds)


if __name__ == "__main__":
    main()
