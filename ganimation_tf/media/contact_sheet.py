"""Contact sheets: equal pictures in a grid, with titles above, beside and labels below them."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 4
"""Pixels between the pictures and round the sheet."""

INK = (40, 40, 40)
PAPER = (255, 255, 255)


def grid(
    images: Sequence[np.ndarray],
    columns: int,
    labels: Sequence[str] = (),
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """The pictures row by row on white paper.

    Args:
        images: uint8 arrays of one height and width: (H, W, 3), or (H, W) or (H, W, 1) as gray.
        columns: pictures in a row.
        labels: text below each picture, with line breaks as given; as many as pictures, or none.
        titles: text above each column; as many as columns, or none.
        row_titles: text left of each row, with line breaks as given; as many as rows, or none.

    Returns:
        uint8 (height, width, 3). Text is as large as fits the width of the pictures, from 8 px.

    Raises:
        ValueError: if the pictures differ in size or the texts in number.
    """
    if not images or columns < 1:
        raise ValueError(f"a sheet needs pictures and columns, got {len(images)} and {columns}")
    rows = math.ceil(len(images) / columns)
    _require_as_many(len(images), "pictures", labels, "labels")
    _require_as_many(columns, "columns", titles, "titles")
    _require_as_many(rows, "rows", row_titles, "titles")
    tiles = _tiles(images)
    height, width = tiles[0].shape[:2]
    font = _fitting_font([*labels, *titles], width)
    title_height = _text_height(titles, font)
    row_height = height + _text_height(labels, font) + GAP
    margin = GAP + _text_width(row_titles, font)
    size = (margin + columns * (width + GAP), GAP + title_height + rows * row_height)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        _centre(draw, title, margin + column * (width + GAP), GAP, width, font)
    for row, title in enumerate(row_titles):
        _beside(draw, title, GAP, GAP + title_height + row * row_height, height, font)
    for position, tile in enumerate(tiles):
        row, column = divmod(position, columns)
        left = margin + column * (width + GAP)
        top = GAP + title_height + row * row_height
        sheet.paste(Image.fromarray(tile), (left, top))
        if labels:
            _centre(draw, labels[position], left, top + height + 1, width, font)
    return np.asarray(sheet)


def _require_as_many(count: int, things: str, texts: Sequence[str], kind: str) -> None:
    if texts and len(texts) != count:
        raise ValueError(f"{count} {things} need as many {kind}, got {len(texts)}")


def _tiles(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    tiles = [_as_rgb(image) for image in images]
    height, width = tiles[0].shape[:2]
    for position, tile in enumerate(tiles):
        if tile.shape != tiles[0].shape:
            raise ValueError(
                f"pictures must have one size: picture {position} is {tile.shape[1]} x "
                f"{tile.shape[0]}, the first {width} x {height}"
            )
    return tiles


def _as_rgb(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(
            f"a picture must be uint8 (H, W[, 1 or 3]), got {image.dtype}{image.shape}"
        )
    if image.ndim == 2:
        image = image[..., None]
    return np.broadcast_to(image, (*image.shape[:2], 3))


def _fitting_font(texts: Sequence[str], width: int):
    """The font whose widest line of `texts` is not wider than a picture, from 14 px down to 8."""
    lines = [line for text in texts for line in text.split("\n")]
    for size in range(14, 8, -1):
        font = ImageFont.load_default(size)
        if all(font.getlength(line) <= width for line in lines):
            return font
    return ImageFont.load_default(8)


def _line_height(font) -> int:
    return math.ceil(font.size * 1.25)


def _text_height(texts: Sequence[str], font) -> int:
    lines = max((text.count("\n") + 1 for text in texts), default=0)
    return lines * _line_height(font) + (2 if lines else 0)


def _text_width(texts: Sequence[str], font) -> int:
    lines = [line for text in texts for line in text.split("\n")]
    return max((math.ceil(font.getlength(line)) + GAP for line in lines), default=0)


def _beside(draw: ImageDraw.ImageDraw, text: str, left: int, top: int, height: int, font) -> None:
    lines = text.split("\n")
    top += (height - len(lines) * _line_height(font)) // 2
    for number, line in enumerate(lines):
        draw.text((left, top + number * _line_height(font)), line, fill=INK, font=font)


def _centre(draw: ImageDraw.ImageDraw, text: str, left: int, top: int, width: int, font) -> None:
    for number, line in enumerate(text.split("\n")):
        at = (left + width / 2, top + number * _line_height(font))
        draw.text(at, line, fill=INK, font=font, anchor="ma")
