"""The sample grids of a run as one moving picture."""

import itertools
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganimation_tf.faces import images
from ganimation_tf.files import write_whole
from ganimation_tf.media import contact_sheet, gif

MAX_FRAMES = 24
MAX_BYTES = 4 * 2**20
LONGEST_SIDE = 640
FRAME_SECONDS = 0.25
LAST_SECONDS = 3.0
CAPTION_HEIGHT = 20


def write(samples: pathlib.Path, path: pathlib.Path) -> None:
    """Makes `path`, a GIF of the `step-*.png` in `samples`, each with its step above it.

    Of more than `MAX_FRAMES` some are left out, evenly, never the first or the last; above
    `MAX_BYTES` all are drawn smaller. Without any nothing is written.
    """
    grids = sorted(samples.glob("step-*.png"))
    if not grids:
        return
    chosen = np.unique(np.linspace(0, len(grids) - 1, MAX_FRAMES).round().astype(int))
    durations = [FRAME_SECONDS] * (len(chosen) - 1) + [LAST_SECONDS]
    side = LONGEST_SIDE
    while True:
        frames = (_frame(grids[index], side) for index in chosen)
        data = gif.encode(zip(frames, itertools.accumulate(durations), strict=True))
        if len(data) <= MAX_BYTES:
            return write_whole(path, data)
        side = int(side * max(0.5, min(0.95, (MAX_BYTES / len(data)) ** 0.5)))


def _frame(path: pathlib.Path, side: int) -> np.ndarray:
    grid = Image.fromarray(images.decode(path.read_bytes()))
    grid.thumbnail((side, side), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (grid.width, grid.height + CAPTION_HEIGHT), contact_sheet.PAPER)
    frame.paste(grid, (0, CAPTION_HEIGHT))
    step = int(path.stem.rpartition("-")[2])
    place = (contact_sheet.GAP, contact_sheet.GAP)
    font = ImageFont.load_default(14)
    ImageDraw.Draw(frame).text(place, f"step {step:,}", fill=contact_sheet.INK, font=font)
    return np.asarray(frame)
