"""The part of the page that shows edits: best, middle and worst."""

from collections.abc import Sequence

import cv2
import numpy as np

from ganimation_tf.data.report.charts import figure, section, text
from ganimation_tf.evaluation.evaluate import Evaluation
from ganimation_tf.faces import images

SHOWN = 6
"""Edits of each kind, of as many people as there are."""

SIDE = 128
_QUALITY = 85
_NAMED = 3
"""AUs that a caption names: those that change most."""


def examples(evaluation: Evaluation) -> str:
    """Input, edit, truth and mask of the best, middle and worst edits."""
    name = _ranked_by(evaluation)
    if name is None:
        groups = {"Some edits": _of_different_people(range(len(evaluation.requests)), evaluation)}
        lead = "In the order of the faces: nothing ranks them."
    else:
        values = evaluation.report.values(name)
        ranked = [int(row) for row in np.argsort(values, kind="stable") if np.isfinite(values[row])]
        from_middle = np.argsort(np.abs(np.arange(len(ranked)) - len(ranked) // 2), kind="stable")
        middle = [ranked[place] for place in from_middle]
        groups = {
            title: _of_different_people(rows, evaluation)
            for title, rows in (("Best", ranked), ("Middle", middle), ("Worst", ranked[::-1]))
        }
        lead = f"By {name}, which stands below each edit. A white mask keeps the input."
    body = "".join(
        f'<h3>{text(title)}</h3><div class="strips">'
        f"{''.join(_strip(evaluation, row, name) for row in rows)}</div>"
        for title, rows in groups.items()
    )
    return section("Edits", lead, body)


def _ranked_by(evaluation: Evaluation) -> str | None:
    """Truth where it is known, else the first judge; None with neither."""
    rows = evaluation.report.rows
    judged = [f"{judge['name']}_mae" for judge in evaluation.report.facts["judges"]]
    return next((name for name in ("truth_error", *judged) if name in rows), None)


def _of_different_people(rows: Sequence[int], evaluation: Evaluation) -> list[int]:
    """The first rows, one of each person."""
    people = evaluation.report.rows["person"]
    chosen: dict[str, int] = {}
    for row in rows:
        chosen.setdefault(people[row], row)
        if len(chosen) == SHOWN:
            break
    return list(chosen.values())


def _strip(evaluation: Evaluation, row: int, name: str | None) -> str:
    samples, asked, made = evaluation.samples, evaluation.requests, evaluation.edits
    source = asked.sources[row]
    key = samples.keys[source]
    value = "" if name is None else f"{evaluation.report.values(name)[row]:.3g}"
    cells = [
        _picture(samples.images[source], [key], f"input {key}"),
        _picture(made.images[row], [value or "edit"], "edit"),
    ]
    if asked.truths[row] >= 0:
        cells.append(_picture(samples.images[asked.truths[row]], ["truth"], "truth"))
    if made.attention is not None:
        mask = np.repeat(made.attention[row][..., None], 3, axis=-1)
        cells.append(_picture(mask, ["mask"], "attention mask"))
    change = asked.targets[row] - samples.action_units[source]
    largest = np.argsort(-np.abs(change), kind="stable")[:_NAMED]
    wanted = ", ".join(
        f"{samples.names[unit]} {change[unit]:+.2f}" for unit in largest if round(change[unit], 2)
    )
    return f'<div><div class="strip">{"".join(cells)}</div><p class="soft">{text(wanted)}</p></div>'


def _picture(image: np.ndarray, lines: Sequence[str], hint: str) -> str:
    if len(image) < SIDE:  # a small crop is shown larger, each pixel as a square
        times = -(-SIDE // len(image))
        image = image.repeat(times, axis=0).repeat(times, axis=1)
    elif len(image) > SIDE:
        image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return figure(images.encode_jpeg(np.ascontiguousarray(image), _QUALITY), lines, hint)
