"""The pieces that a report is built of: text, bars, histograms and a heat map, as HTML.

Everything that a file name can be part of passes through `text`.
"""

import base64
import html
from collections.abc import Sequence

STYLE = """
:root { --ink:#1d2530; --soft:#667085; --line:#e4e7ec; --bar:#3b6fb6; --paper:#fff;
  --ground:#f6f7f9; --warn:#b54708; --warn-ground:#fffaeb; --good:#067647; --good-ground:#ecfdf3; }
* { box-sizing:border-box; }
body { margin:0; background:var(--ground); color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; }
main { max-width:1120px; margin:0 auto; padding:36px 24px 64px; }
h1 { margin:0; font-size:28px; letter-spacing:-.01em; }
h2 { margin:0 0 4px; font-size:19px; }
p { margin:0 0 14px; } .soft { color:var(--soft); }
section { margin-top:22px; padding:22px 24px; background:var(--paper);
  border:1px solid var(--line); border-radius:10px; }
.tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(130px,1fr)); gap:12px;
  margin-top:22px; }
.tile { padding:14px 16px; background:var(--paper); border:1px solid var(--line);
  border-radius:10px; }
.tile b { display:block; font-size:24px; line-height:1.25; font-variant-numeric:tabular-nums; }
.tile span { color:var(--soft); font-size:13px; }
.warnings { background:var(--warn-ground); border-color:#fedf89; }
.warnings h2 { color:var(--warn); }
.warnings ul { margin:8px 0 0; padding-left:20px; } .warnings li { margin:5px 0; }
.fine { background:var(--good-ground); border-color:#abefc6; color:var(--good); }
table { width:100%; border-collapse:collapse; font-size:14px; }
th { padding:6px 10px; text-align:left; color:var(--soft); font-weight:600; font-size:12.5px;
  border-bottom:1px solid var(--line); vertical-align:bottom; }
td { padding:6px 10px; border-bottom:1px solid var(--line); vertical-align:middle; }
tr:last-child td { border-bottom:0; }
.number { text-align:right; font-variant-numeric:tabular-nums; white-space:nowrap; }
.share { min-width:120px; }
.share span { display:block; height:4px; margin-top:3px; border-radius:2px;
  background:#eef1f5; }
.share i { display:block; height:4px; border-radius:2px; background:var(--bar); }
code { font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  overflow-wrap:anywhere; }
svg { display:block; } svg rect { fill:var(--bar); }
svg text { fill:var(--soft); font-size:11px; }
.charts { display:grid; grid-template-columns:repeat(auto-fit,minmax(310px,1fr)); gap:22px;
  margin-top:14px; }
.charts h3 { margin:0 0 6px; font-size:14px; } .charts svg { width:100%; height:auto; }
.heat { min-width:800px; font-size:11.5px; }
.heat th { padding:3px 4px; border:0; text-align:center; }
.heat td { width:5.4%; height:29px; padding:0; text-align:center; border:1px solid var(--paper);
  font-variant-numeric:tabular-nums; }
.scroll { overflow-x:auto; }
.faces { display:grid; grid-template-columns:repeat(8,1fr); gap:14px 12px; margin-top:12px; }
figure { min-width:0; margin:0; }
figure img { display:block; width:100%; aspect-ratio:1; border-radius:6px;
  background:var(--line); }
figcaption { margin-top:4px; font-size:11px; line-height:1.35; color:var(--soft); }
figcaption span { display:block; overflow:hidden; text-overflow:ellipsis; white-space:nowrap; }
.units { display:grid; grid-template-columns:repeat(auto-fit,minmax(400px,1fr)); gap:20px 32px; }
.units h3 { margin:0; font-size:14px; }
.units .faces { grid-template-columns:repeat(6,1fr); margin-top:6px; gap:8px; }
@media (max-width:760px) { .faces { grid-template-columns:repeat(4,1fr); }
  .units { grid-template-columns:1fr; } }
@media print { body { background:#fff; } section { break-inside:avoid; } }
"""


def text(value: object) -> str:
    """Any text as HTML; characters that do not print, line breaks too, become escapes."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )
    return html.escape(shown)


def count(value: int) -> str:
    """1,234,567."""
    return f"{value:,}"


def percent(share: float) -> str:
    """A share in [0, 1] with as many digits as say something: 42 %, 3.1 %, 0.04 %."""
    digits = 0 if share >= 0.1 or share == 0 else 1 if share >= 0.01 else 2
    return f"{100 * share:.{digits}f} %"


def share_cell(value: str, share: float) -> str:
    """A table cell with a number and a thin bar below it; `share` in [0, 1] is its length."""
    bar = f'<span><i style="width:{100 * min(1.0, share):.1f}%"></i></span>'
    return f'<td class="number share">{text(value)}{bar}</td>'


def table(header: Sequence[str], rows: Sequence[str], numbers: Sequence[int] = ()) -> str:
    """A table. `rows` are runs of finished cells; `numbers` are the columns of numbers."""
    cells = "".join(
        f"<th{' class=number' if column in numbers else ''}>{text(title)}</th>"
        for column, title in enumerate(header)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    inner = f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{inner}</div>'


def spark(histogram: Sequence[int], labels: Sequence[str]) -> str:
    """A small histogram. Heights are square roots, so that rare values stay visible."""
    return _bars(histogram, labels, 170, 34, power=0.5, axis=[])


def chart(histogram: Sequence[int], labels: Sequence[str], axis: Sequence[tuple[int, str]]) -> str:
    """A histogram with numbers below it.

    Args:
        histogram: the counts.
        labels: what each bar stands for, shown when it is pointed at.
        axis: (edge, text): what to write below which edge between the bars.
    """
    return _bars(histogram, labels, 340, 120, power=1.0, axis=axis)


def _bars(
    histogram: Sequence[int],
    labels: Sequence[str],
    width: int,
    height: int,
    power: float,
    axis: Sequence[tuple[int, str]],
) -> str:
    top = max([*histogram, 1])
    margin = 16 if axis else 0
    step = (width - 2 * margin) / len(histogram)
    shapes = []
    for place, (number, label) in enumerate(zip(histogram, labels, strict=True)):
        tall = max(1.0, (number / top) ** power * height) if number else 0.0
        shapes.append(
            f'<rect x="{margin + place * step + 0.5:.1f}" y="{height - tall:.1f}" '
            f'width="{step - 1:.1f}" height="{tall:.1f}">'
            f"<title>{text(label)}: {count(number)}</title></rect>"
        )
    shapes.append(
        f'<path d="M{margin} {height + 0.5}H{width - margin}" stroke="#98a2b3" fill="none"/>'
    )
    for edge, title in axis:
        shapes.append(
            f'<text x="{margin + edge * step:.1f}" y="{height + 14}" text-anchor="middle">'
            f"{text(title)}</text>"
        )
    full = height + (18 if axis else 1)
    return (
        f'<svg viewBox="0 0 {width} {full}" width="{width}" height="{full}">{"".join(shapes)}</svg>'
    )


def heat_map(names: Sequence[str], shares: Sequence[Sequence[float | None]]) -> str:
    """A square table of shares in [0, 1], the darker the higher; None stays empty."""
    head = "".join(f"<th>{text(name)}</th>" for name in names)
    rows = []
    for name, row in zip(names, shares, strict=True):
        cells = []
        for other, share in zip(names, row, strict=True):
            if share is None or name == other:
                cells.append('<td style="background:#f2f4f7"></td>')
                continue
            # From white to the colour of the bars.
            red, green, blue = (round(255 + (end - 255) * share) for end in (31, 84, 153))
            ink = "#fff" if share > 0.55 else "#344054"
            cells.append(
                f'<td style="background:rgb({red},{green},{blue});color:{ink}" '
                f'title="{text(name)} with {text(other)}">{100 * share:.0f}</td>'
            )
        rows.append(f"<tr><th>{text(name)}</th>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table class="heat"><tr><th></th>{head}</tr>'
        f"{''.join(rows)}</table></div>"
    )


def figure(jpeg: bytes, lines: Sequence[str], hint: str) -> str:
    """A picture with lines of text below it; `hint` is shown when it is pointed at."""
    data = base64.b64encode(jpeg).decode()
    caption = "".join(f"<span>{text(line)}</span>" for line in lines)
    return (
        f'<figure title="{text(hint)}"><img alt="{text(hint)}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def page(title: str, sections: Sequence[str], style: str = "") -> str:
    """The whole document of finished sections; `style` is added to `STYLE`."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{STYLE}{style}</style></head>\n"
        f"<body><main>\n{chr(10).join(sections)}\n</main></body></html>\n"
    )


def heading(title: str, lead: str, tiles: Sequence[tuple[str, str]]) -> str:
    """What a page begins with: `lead` is finished HTML, `tiles` are numbers and what they count."""
    shown = "".join(
        f'<div class="tile"><b>{text(value)}</b><span>{text(what)}</span></div>'
        for value, what in tiles
    )
    return f'<h1>{text(title)}</h1><p class="soft">{lead}</p><div class="tiles">{shown}</div>'


def warnings(title: str, messages: Sequence[str]) -> str:
    """A coloured section that lists them."""
    items = "".join(f"<li>{text(message)}</li>" for message in messages)
    return f'<section class="warnings"><h2>{title}</h2><ul>{items}</ul></section>'


def section(title: str, lead: str, body: str) -> str:
    """A titled part of the page; `body` is finished HTML."""
    return f'<section><h2>{text(title)}</h2><p class="soft">{text(lead)}</p>{body}</section>'
