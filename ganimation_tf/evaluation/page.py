"""`report.html`: an evaluation for people. One file that needs no other and no network."""

from collections.abc import Sequence

from ganimation_tf.action_units import DESCRIPTIONS
from ganimation_tf.data.report import charts
from ganimation_tf.data.report.charts import section, table, text
from ganimation_tf.evaluation.curves import curve
from ganimation_tf.evaluation.evaluate import Evaluation
from ganimation_tf.evaluation.examples import examples
from ganimation_tf.evaluation.report import Difference, Report
from ganimation_tf.evaluation.wording import judge_names, meaning, number, order, range_of

PUBLISHED = {
    "MagicFace": (0.261, 0.473, 0.044, 0.032),
    "FaceAdapter": (0.427, 0.567, 0.056, 0.034),
}
"""AU MSE, identity distance, background RMSE, head pose RMSE of arXiv:2501.02260, table 1."""

_STYLE = """
h1 { overflow-wrap:anywhere; }
.strips { display:grid; grid-template-columns:repeat(auto-fit,minmax(330px,1fr)); gap:16px 24px; }
.strip { display:grid; grid-template-columns:repeat(4,1fr); gap:6px; }
.strip img { border:1px solid var(--line); }
.strips h3 { margin:12px 0 4px; font-size:14px; }
@media (max-width:760px) { main { padding:20px 12px 40px; } section { padding:16px 14px; }
  .charts, .strips { grid-template-columns:1fr; } table { font-size:12.5px; }
  .scroll td:first-child, .scroll th:first-child { position:sticky; left:0;
    background:var(--paper); }
  .whole td, .whole th { padding:6px 4px; } .whole .number { white-space:normal; }
  .whole td:first-child { overflow-wrap:anywhere; } }
"""

TILES = ("truth_error", "truth_share", "identity", "background", "head_pose", "kid")


def render(
    evaluation: Evaluation, differences: Sequence[Difference] = (), notes: Sequence[str] = ()
) -> str:
    """The page, the same text for the same evaluation.

    Args:
        differences: from a baseline, if there is one.
        notes: what else to say of the comparison.
    """
    report = evaluation.report
    notes = [*report.notes, *notes]
    sections = [
        _summary(report),
        charts.warnings("To know", notes) if notes else "",
        _figures(report, differences),
        _beside_published(report),
        _action_units(report),
        _intensities(report),
        _sweeps(report),
        examples(evaluation),
        _judges(report),
    ]
    title = f"Evaluation of {report.facts['model']}"
    return charts.page(title, list(filter(None, sections)), _STYLE)


def _summary(report: Report) -> str:
    facts = report.facts
    shown = [name for name in TILES if name in report.metrics]
    shown += [f"{judge}_mae" for judge in judge_names(report)]
    tiles = [(number(report.metrics[name]), name.replace("_", " ")) for name in shown]
    lead = (
        f"{facts['edits']:,} edits of {facts['faces']:,} faces of {facts['people']:,} people, "
        f"{facts['crop']['size']} px. The numbers behind this page are in <code>report.json</code>."
    )
    return charts.heading(f"Evaluation of {facts['model']}", lead, tiles)


def _figures(report: Report, differences: Sequence[Difference]) -> str:
    gaps = {one.metric: one for one in differences}
    judges = judge_names(report)
    rows = []
    for name in order(report):
        cells = (
            f"<td><b>{text(name)}</b><br><span class=soft>{text(meaning(name, judges))}</span></td>"
            f'<td class="number">{number(report.metrics[name])}</td>'
            f'<td class="number">{range_of(report.intervals.get(name))}</td>'
        )
        if differences:
            cells += _gap_cells(gaps.get(name))
        rows.append(cells)
    header = ["figure", "value", "95 % over people"]
    header += ["baseline", "difference"] if differences else []
    lead = (
        "Truth errors, shares, gradients, edges and PSNR are medians over the edits, the others "
        "means. "
        "Intervals are of another draw of as many people."
    )
    drawn = table(header, rows, range(1, len(header)))
    return section("Figures", lead, f'<div class="whole">{_scrolled(drawn)}</div>')


def _gap_cells(gap: Difference | None) -> str:
    if gap is None:
        return "<td></td><td></td>"
    within = "" if gap.interval is None else f"<br>{range_of(gap.interval)}"
    return (
        f'<td class="number">{number(gap.before)}</td>'
        f'<td class="number">{gap.gap:+.4f}<span class=soft>{within}</span></td>'
    )


def _beside_published(report: Report) -> str:
    """The four columns of the strongest AU editor's table."""
    judges = judge_names(report)
    names = (f"{judges[0]}_mse" if judges else "", "identity_distance", "background", "head_pose")
    if not all(name in report.metrics for name in names):
        return ""
    ours = {report.facts["model"]: tuple(report.metrics[name] for name in names)}
    rows = [
        f"<td>{text(name)}</td>" + "".join(f'<td class="number">{number(v)}</td>' for v in values)
        for name, values in (ours | PUBLISHED).items()
    ]
    lead = (
        f"The columns of arXiv:2501.02260. Its rows were measured on other faces, with OpenFace as "
        f"the judge; here {judges[0]} reads the AUs. They stand here for the order of size."
    )
    header = ["editor", "AU MSE of 25", "identity distance", "background RMSE", "head pose RMSE"]
    return section("Beside published editors", lead, _scrolled(table(header, rows, range(1, 5))))


def _action_units(report: Report) -> str:
    judges = judge_names(report)
    with_truth = "truth_error" in report.metrics
    header = ["Action Unit", "asked"] + (["truth error", "truth share"] if with_truth else [])
    for judge in judges:
        header += [f"{judge} MAE", "copy", "own", "r", "own r", "ICC"]
    rows = []
    for entry in report.action_units:
        about = text(DESCRIPTIONS.get(entry["name"], ""))
        cells = [f"<td><b>{text(entry['name'])}</b> <span class=soft>{about}</span></td>"]
        values = [entry["asked"]]
        if with_truth:
            values += [entry["truth_error"], entry["truth_share"]]
        for judge in judges:
            figures = entry.get(judge, {})
            names = ("mae", "copy_mae", "own_mae", "pearson", "own_pearson", "icc")
            values += [figures.get(name) for name in names]
        cells += [f'<td class="number">{number(value)}</td>' for value in values]
        rows.append("".join(cells))
    lead = (
        "Asked: edits in which the AU is to change by 0.2 of 1 or more; other AUs change in them, "
        "too. Copy: the judge's error had nothing been edited. Own: the judge's error on faces "
        "that nobody edited; an AU that it cannot read there says nothing of edits."
    )
    return section("By Action Unit", lead, _scrolled(table(header, rows, range(1, len(header)))))


def _intensities(report: Report) -> str:
    if "truth_error" not in report.metrics:
        return ""
    labels = [f"{entry['from']:g}–{entry['to']:g}" for entry in report.intensities]
    drawn = []
    for name, title in (("truth_error", "Truth error"), ("truth_share", "Truth share")):
        values = [_known(entry[name]) for entry in report.intensities]
        top = max(1.2, *(value or 0 for value in values)) if name == "truth_error" else 1.0
        drawn.append(f"<div><h3>{title}</h3>{curve(values, labels, round(top, 1), mark=1.0)}</div>")
    lead = "By the largest change of an AU that was asked for. Dashed: 1, returning the input."
    return section("Against intensity", lead, f'<div class="charts">{"".join(drawn)}</div>')


def _sweeps(report: Report) -> str:
    drawn = []
    for judge in judge_names(report):
        for entry in report.action_units:
            sweep = entry.get(judge, {}).get("sweep")
            if sweep:
                values = [_known(value) for value in sweep.values()]
                title = (
                    f"{text(entry['name'])} <span class=soft>{text(judge)}, rises in "
                    f"{number(100 * entry[judge]['raised'])} %, drift "
                    f"{number(entry[judge]['drift'])}</span>"
                )
                drawn.append(f"<div><h3>{title}</h3>{curve(values, list(sweep), 1.0)}</div>")
    if not drawn:
        return ""
    lead = "What a judge reads, on the mean, while one AU is asked from 0 to 1 and the others stay."
    return section("Sweeps", lead, f'<div class="charts">{"".join(drawn)}</div>')


def _judges(report: Report) -> str:
    rows = [
        f"<td>{text(judge['name'])}</td><td>{text(judge['provenance'])}</td>"
        for judge in report.facts["judges"]
    ]
    rows.append(f"<td>dataset</td><td><code>{text(report.facts['dataset'])}</code></td>")
    return section("Who judged what", "", table(["what", "which"], rows))


def _known(value: float | None) -> float | None:
    """None for what is not a number."""
    return None if value is None or value != value else value


def _scrolled(body: str) -> str:
    return f'<div class="scroll">{body}</div>'
