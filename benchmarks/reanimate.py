"""CPU milliseconds of each step of a re-animated face, and faces a second of two processes.

    python benchmarks/reanimate.py --face-model face_model.npz --portraits DIR --annotations DIR

The first `--photos` portraits, one thread; the median over faces of each step's process time, so
that what else the machine does counts little. `whole` is a face from the fitted portrait to the
encoded file, looks included. One and two processes take turns, `--rounds` times; their ratio is
given by wall time, which needs idle cores, and by CPU time, which tells whether they hinder each
other (by threads, memory or caches) whatever else the machine does.
"""

import argparse
import contextlib
import functools
import multiprocessing
import pathlib
import time
from collections import defaultdict

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.faces import alignment, images
from ganimation_tf.synthetic.reanimation import (
    RejectedPortrait,
    fitting,
    load_face_model,
    portrait,
    rasterizer,
    shading,
    view,
)
from ganimation_tf.synthetic.reanimation.faces import read_portrait, render_faces
from ganimation_tf.synthetic.reanimation.sources import AnnotatedFaces
from ganimation_tf.synthetic.reanimation.writing import photos_in
from ganimation_tf.threads import single_threaded

SPEC = alignment.CropSpec(128)


class Clock:
    """Process time of functions, by name, while they are watched."""

    def __init__(self):
        self.seconds = defaultdict(list)

    def watched(self, name, function):
        @functools.wraps(function)
        def timed(*args, **kwargs):
            with self.measured(name):
                return function(*args, **kwargs)

        return timed

    @contextlib.contextmanager
    def measured(self, name):
        started = time.process_time()
        yield
        self.seconds[name].append(time.process_time() - started)


def watch(clock: Clock) -> None:
    """The steps of the package, where they are called."""
    portrait.fitting.fit = clock.watched("fit", fitting.fit)
    view.rasterize = clock.watched("raster", rasterizer.rasterize)
    view.shading.vertex_normals = clock.watched("shading", shading.vertex_normals)
    view.View.render = clock.watched("render", view.View.render)


def known_faces(args: argparse.Namespace, model) -> list:
    """(name, bytes, known face) of the first portraits that can be used."""
    source = AnnotatedFaces(args.annotations, args.portraits, model)
    usable = []
    for key, path in photos_in(args.portraits):
        with contextlib.suppress(RejectedPortrait):
            known, _ = source.known(key, path)
            if known is not None:
                usable.append((key, path.read_bytes(), known))
        if len(usable) == args.photos:
            break
    return usable


def make(model, faces, count: int, clock: Clock) -> int:
    """Renders and encodes `count` faces of each portrait; returns their number."""
    made = 0
    for name, data, known in faces:
        photo = functools.partial(images.decode_reduced, data)
        with clock.measured("portrait"):
            fitted, _ = read_portrait(photo, known.landmarks, model, known.expression, SPEC)
        numbers = [divmod(number, 8) for number in range(count)]
        with clock.measured("faces"):
            for face in render_faces(fitted, name, numbers, 0, SPEC):
                with clock.measured("encode"):
                    images.encode_jpeg(face.rendering.image, 95)
                made += 1
    return made


def worker(args: argparse.Namespace, start, result) -> None:
    """One process of several: waits for the others, then renders."""
    single_threaded()
    model = load_face_model(args.face_model)
    faces = known_faces(args, model)
    make(model, faces[:1], 8, Clock())
    start.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    made = make(model, faces, args.faces, Clock())
    result.put((made / (time.perf_counter() - wall), made / (time.process_time() - cpu)))


def rate(args: argparse.Namespace, processes: int) -> np.ndarray:
    """Faces a second of so many processes, each with the same work: of wall and of CPU time."""
    context = multiprocessing.get_context("spawn")
    start, result = context.Barrier(processes), context.Queue()
    started = [context.Process(target=worker, args=(args, start, result)) for _ in range(processes)]
    for process in started:
        process.start()
    rates = [result.get() for _ in started]
    for process in started:
        process.join()
    return np.sum(rates, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=pathlib.Path)
    parser.add_argument("--portraits", type=pathlib.Path)
    parser.add_argument("--annotations", type=pathlib.Path)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--faces", type=int, default=32, help="of each photo")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if not (args.face_model and args.portraits and args.annotations):
        print("not measured: needs --face-model, --portraits and --annotations")
        return
    single_threaded()
    try:
        model = load_face_model(args.face_model)
        faces = known_faces(args, model)
    except UserError as error:
        raise SystemExit(str(error)) from None
    make(model, faces[:1], 8, Clock())  # what is computed once for a model
    clock = Clock()
    watch(clock)
    made = make(model, faces, args.faces, clock)
    whole = sum(clock.seconds["faces"]) / made
    print(
        f"{made} faces of {len(faces)} portraits at {SPEC.size} px, {view.SAMPLES} x supersampled"
    )
    for name in ("fit", "portrait", "raster", "shading", "render", "encode"):
        print(f"{name:10} {1000 * np.median(clock.seconds[name]):7.1f} ms")
    print(f"{'whole':10} {1000 * whole:7.1f} ms a face")
    rounds = [(rate(args, 1), rate(args, 2)) for _ in range(args.rounds)]
    one, two = np.median(rounds, 0)
    print(f"{'':10} {'faces/s':>10} {'by CPU time':>12}")
    print(f"1 process  {one[0]:10.1f} {one[1]:12.1f}")
    print(f"2          {two[0]:10.1f} {two[1]:12.1f}")
    ratio = np.median([two / one for one, two in rounds], 0)
    print(f"ratio      {ratio[0]:10.2f} {ratio[1]:12.2f}")


if __name__ == "__main__":
    main()
