"""`report.html`: what is in a dataset, for people. One file that needs no other and no network."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganimation_tf.data.manifest import REJECTED, STATISTICS, Manifest
from ganimation_tf.data.report import charts
from ganimation_tf.data.report.charts import count, percent, section, share_cell, table, text
from ganimation_tf.data.report.faces import doubtful, sample, strongest
from ganimation_tf.data.report.numbers import action_units, photos, split_names, together
from ganimation_tf.data.report.pictures import Picture, Place


def render(
    facts: Mapping[str, Any],
    dataset: Manifest,
    reasons: Mapping[str, str],
    pictures: Mapping[Place, Picture],
) -> str:
    """The page, the same text for the same dataset.

    Args:
        facts: what `statistics.json` holds.
        dataset: the dataset's description.
        reasons: the meaning of each reason code.
        pictures: of the faces that `facts` points to.
    """
    sections = [
        _summary(facts, dataset),
        _warnings(facts["warnings"]),
        action_units(facts),
        together(facts),
        photos(facts, dataset),
        _rejections(facts, dataset, reasons),
        doubtful(facts, pictures),
        strongest(facts, pictures),
        *(sample(facts, split, pictures) for split in split_names(facts)),
        _options(dataset),
    ]
    return charts.page("Dataset report", sections)


def _summary(facts: Mapping[str, Any], dataset: Manifest) -> str:
    splits = [facts["splits"][split] for split in split_names(facts)]
    faces = sum(split["records"] for split in splits)
    rejected = dataset.inputs - faces
    about = "" if all(split["subjects"]["exact"] for split in splits) else "~"
    subjects = sum(split["subjects"]["count"] for split in splits)
    alone = not about and subjects == faces
    tiles = [(count(faces), "faces")]
    tiles += [
        (count(facts["splits"][name]["records"]), f"for {name}") for name in split_names(facts)
    ]
    tiles += [
        (f"{about}{count(subjects)}", f"subjects{': each photo one' if alone else ''}"),
        (str(len(dataset.action_units)), "Action Units"),
        (f"{dataset.crop.size} px", "side of the crops"),
        (percent(rejected / max(1, dataset.inputs)), f"rejected ({count(rejected)})"),
    ]
    lead = (
        "Face crops with Action Units. The numbers behind this page are in "
        f"<code>{STATISTICS}</code>."
    )
    return charts.heading("Dataset report", lead, tiles)


def _warnings(warnings: Sequence[Mapping[str, str]]) -> str:
    if not warnings:
        return '<section class="fine"><b>Nothing to warn of.</b></section>'
    title = f"{len(warnings)} warning{'s' * (len(warnings) > 1)}"
    return charts.warnings(title, [warning["message"] for warning in warnings])


def _rejections(facts: Mapping[str, Any], dataset: Manifest, reasons: Mapping[str, str]) -> str:
    by_count = sorted(facts["rejections"].items(), key=lambda item: (-item[1]["count"], item[0]))
    if not by_count:
        return section("Rejected inputs", "Every input became a record.", "")
    total = sum(reason["count"] for _, reason in by_count)
    rows = []
    for code, reason in by_count:
        examples = "<br>".join(
            f'<code title="{text(example["key"])}">{text(_shortened(example["message"]))}</code>'
            for example in reason["examples"]
        )
        rows.append(
            f"<td><b>{text(code)}</b><br><span class=soft>{text(reasons.get(code, ''))}</span></td>"
            f"{share_cell(count(reason['count']), reason['count'] / total)}<td>{examples}</td>"
        )
    lead = (
        f"{count(total)} of {count(dataset.inputs)} inputs are not in the dataset; {REJECTED} "
        "names each. The examples begin with the file and row to look at."
    )
    return section("Rejected inputs", lead, table(["reason", "inputs", "for example"], rows, (1,)))


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:199]}…"


def _options(dataset: Manifest) -> str:
    facts = {
        **dict(sorted(dataset.options.items())),
        "scale of the source": f"0 to {dataset.action_units_maximum:g}",
        "digest": dataset.digest(),
    }
    rows = [
        f"<td>{text(name.replace('_', ' '))}</td><td><code>{text(value)}</code></td>"
        for name, value in facts.items()
        if value is not None
    ]
    return section("How it was made", "Options of the job.", table(["option", "value"], rows))
