"""Small line charts as SVG."""

from collections.abc import Sequence

from ganimation_tf.data.report.charts import text

WIDTH, HEIGHT = 340, 120
_LEFT, _RIGHT, _TOP = 34, 26, 8


def curve(
    values: Sequence[float | None], labels: Sequence[str], top: float, mark: float | None = None
) -> str:
    """One line through equally spaced points, from 0 up.

    Args:
        values: heights; None breaks the line.
        labels: what stands below each point.
        top: the value at the upper edge; higher points are drawn there.
        mark: a value to draw a dashed level at.
    """
    wide = WIDTH - _LEFT - _RIGHT
    step = wide / max(1, len(values) - 1)

    def y(value: float) -> float:
        return _TOP + HEIGHT * (1 - min(max(value, 0.0), top) / top)

    shapes = [
        f'<path d="M{_LEFT} {_TOP}V{_TOP + HEIGHT}H{WIDTH - _RIGHT}" stroke="#98a2b3" fill="none"/>'
    ]
    for level in (0.0, top):
        shapes.append(
            f'<text x="{_LEFT - 5}" y="{y(level) + 4:.1f}" text-anchor="end">{level:g}</text>'
        )
    if mark is not None:
        shapes.append(
            f'<path d="M{_LEFT} {y(mark):.1f}H{WIDTH - _RIGHT}" stroke="#98a2b3" '
            'stroke-dasharray="4 4" fill="none"/>'
        )
    pen = "M"
    path = ""
    for place, value in enumerate(values):
        x = _LEFT + place * step
        shapes.append(
            f'<text x="{x:.1f}" y="{_TOP + HEIGHT + 15}" text-anchor="middle">'
            f"{text(labels[place])}</text>"
        )
        if value is None:
            pen = "M"
            continue
        path += f"{pen}{x:.1f} {y(value):.1f}"
        pen = "L"
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="3" fill="#3b6fb6">'
            f"<title>{text(labels[place])}: {value:.3g}</title></circle>"
        )
    shapes.insert(1, f'<path d="{path}" stroke="#3b6fb6" stroke-width="2" fill="none"/>')
    full = _TOP + HEIGHT + 20
    return f'<svg viewBox="0 0 {WIDTH} {full}" width="{WIDTH}">{"".join(shapes)}</svg>'
