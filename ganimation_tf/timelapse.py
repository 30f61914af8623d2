"""The sample grids of a run as one moving picture."""

import pathlib
import re

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganimation_tf import contact_sheet, gif, images
from ganimation_tf.writing import write_whole

MAX_FRAMES = 40
LONGEST_SIDE = 800
FRAME_MILLISECONDS = 250
LAST_MILLISECONDS = 3000
CAPTION_HEIGHT = 20


def write(samples: pathlib.Path, path: pathlib.Path) -> None:
    """Makes `path`, a GIF of the `step-*.png` in `samples`, each with its step above it.

    Of more than `MAX_FRAMES` some are left out, evenly, never the first or the last. Without any
    nothing is written.
    """
    grids = sorted(samples.glob("step-*.png"))
    if not grids:
        return
    chosen = np.unique(np.linspace(0, len(grids) - 1, MAX_FRAMES).round().astype(int))
    frames = [_frame(grids[index]) for index in chosen]
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS]
    write_whole(path, gif.encode(frames, durations))


def _frame(path: pathlib.Path) -> np.ndarray:
    grid = Image.fromarray(images.decode(path.read_bytes()))
    grid.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (grid.width, grid.height + CAPTION_HEIGHT), contact_sheet.PAPER)
    frame.paste(grid, (0, CAPTION_HEIGHT))
    step = int(re.search(r"\d+", path.stem)[0])
    place = (contact_sheet.GAP, contact_sheet.GAP)
    font = ImageFont.load_default(14)
    ImageDraw.Draw(frame).text(place, f"step {step:,}", fill=contact_sheet.INK, font=font)
    return np.asarray(frame)
