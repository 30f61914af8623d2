"""`report.html` and `statistics.json`, as the job writes them."""

import collections
import dataclasses
import html.parser
import json
import re

import numpy as np
import pytest

from ganimation_tf import cli
from ganimation_tf.action_units import OPENFACE
from ganimation_tf.data import manifest, records, tfrecord
from ganimation_tf.data.report import page as report_page
from ganimation_tf.data.report.charts import count, percent, text
from ganimation_tf.faces import images
from openface_files import csv_text, row, write_faces
from statistics_data import natural_labels

HOSTILE = "<script>alert(\"1\")</script> & 'x'"
PEOPLE = ("--subject-pattern", r"(person\d+)/", "--eval-fraction", "0.3", "--shards", "3")


def preprocess(root, *more, output="out"):
    code = cli.main(
        [
            "preprocess",
            *("--images", str(root / "photos"), "--annotations", str(root / "csv")),
            *("--output", str(root / output), "--image-size", "32"),
            *more,
        ]
    )
    assert code == 0
    return root / output


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """40 photos of 10 people with invented labels; two more, of hostile names, are rejected."""
    root = tmp_path_factory.mktemp("dataset")
    keys = [f"person{i // 4}/{i}" for i in range(40)]
    hostile = HOSTILE.replace("/", "∕")  # a character that names may have
    write_faces(root, [*keys, hostile, "person0/line\nbreak\u202e"])
    for key, values in zip(keys, natural_labels(40), strict=True):
        labels = {f"{name}_r": f"{5 * v:.2f}" for name, v in zip(OPENFACE, values, strict=True)}
        (root / f"csv/{key}.csv").write_text(csv_text(row(**labels)))
    for key in (hostile, "person0/line\nbreak\u202e"):
        (root / f"csv/{key}.csv").write_text(csv_text(row(confidence=0.1)))
    preprocess(root, *PEOPLE)
    return root


@pytest.fixture(scope="module")
def page(dataset):
    return (dataset / "out" / manifest.REPORT).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def facts(dataset):
    return json.loads((dataset / "out" / manifest.STATISTICS).read_text(encoding="utf-8"))


class Elements(html.parser.HTMLParser):
    """Checks that elements are closed in order, and collects them."""

    VOID = ("meta", "img", "br", "path")

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.words = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_well_formed_and_needs_no_other_file(page):
    elements = Elements(page)
    assert not {tag for tag, _ in elements.found} & {"script", "link", "iframe", "object", "base"}
    attributes = [pair for _, attrs in elements.found for pair in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on")]
    references = [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
    assert references and all(value.startswith("data:image/jpeg;base64,") for value in references)
    assert not re.search(r"https?://|url\(|@import", page)


def test_hostile_names_are_shown_as_they_are_and_do_nothing(page):
    assert "<script" not in page and "\u202e" not in page
    words = " ".join(Elements(page).words)
    assert HOSTILE.replace("/", "∕") in words
    assert r"person0/line\nbreak\u202e.csv:2: confidence 0.1 is below 0.8" in words


def test_text():
    assert text('<a b="c">\n\x00é😀') == "&lt;a b=&quot;c&quot;&gt;\\n\\x00é😀"
    assert (count(1234567), percent(0.421), percent(0.0312), percent(0.0004), percent(0)) == (
        ("1,234,567", "42 %", "3.1 %", "0.04 %", "0 %")
    )


def test_numbers_are_those_of_the_labels(dataset, facts):
    """Mean and co-occurrence by numpy on the records of each split."""
    made = manifest.Manifest.load(dataset / "out")
    records_there = all_records(dataset / "out")
    for split, stated in facts["splits"].items():
        assert stated["records"] == made.records(split) == len(records_there[split])
        labels = np.array([record.action_units for record in records_there[split]])
        means = [stated["action_units"][name]["mean"] for name in OPENFACE]
        np.testing.assert_allclose(means, labels.mean(0), atol=2e-6)
        active = (labels >= np.float32(0.2)).astype(int)
        np.testing.assert_array_equal(stated["active_together"], active.T @ active)
        subjects = {record.subject for record in records_there[split]}
        assert stated["subjects"] == {"count": len(subjects), "exact": True}
        # The photos' eyes are 40 pixels apart: the crop shows 40 * 2.4 * 1.3 pixels.
        assert stated["side"][facts["side_edges"].index(96)] == stated["records"]
    assert facts["rejections"]["low_confidence"]["count"] == 2


def all_records(directory):
    """The records by split."""
    actual = collections.defaultdict(list)
    for split, shards in manifest.Manifest.load(directory).splits.items():
        for shard in shards:
            with open(directory / shard.file, "rb") as file:
                actual[split] += [records.decode(data) for data in tfrecord.read(file)]
    return actual


def test_places_lead_to_the_records(dataset, facts):
    samples = [face for split in facts["splits"].values() for face in split["sample"]]
    strongest = [face for group in facts["strongest"].values() for face in group]
    assert (
        len({face["key"] for face in samples})
        == len(samples)
        == 24 + min(24, facts["splits"]["eval"]["records"])
    )
    assert {len(group) for group in facts["strongest"].values()} == {6}
    for face in samples + strongest:
        with open(dataset / "out" / face["file"], "rb") as file:
            file.seek(face["offset"])
            record = records.decode(file.read(face["length"]))
        assert record.key == face["key"] and images.decode(record.image).shape == (32, 32, 3)
    records_there = sum(all_records(dataset / "out").values(), [])
    for unit, (name, group) in enumerate(facts["strongest"].items()):
        assert name == OPENFACE[unit]
        intensities = [face["intensity"] for face in group]
        every = [record.action_units[unit] for record in records_there]
        np.testing.assert_allclose(intensities, np.sort(every)[::-1][:6], atol=1e-5)


def test_warnings_stand_in_report_statistics_and_summary(dataset, page, facts, capsys):
    messages = [warning["message"] for warning in facts["warnings"]]
    assert any("40 faces are fewer than 10,000" in message for message in messages)
    assert page.index("warnings</h2>") < page.index("<h2>Action Units")
    preprocess(dataset, *PEOPLE, output="again")
    printed = capsys.readouterr().out
    for message in messages:
        assert text(message) in page and f"warning    {message}" in printed
    assert f"report     {dataset / 'again' / manifest.REPORT}" in printed


@pytest.mark.parametrize("more", [["--workers", "2"], ["--shards", "3"]], ids=["2", "1"])
def test_same_bytes_with_more_workers(dataset, more):
    again = preprocess(dataset, *PEOPLE, *more, output=f"workers{len(more[1])}{more[0]}")
    for name in (manifest.STATISTICS, manifest.REPORT):
        assert (again / name).read_bytes() == (dataset / "out" / name).read_bytes()


def test_no_faces_for_eval(tmp_path):
    write_faces(tmp_path, ["a", "b"])
    output = preprocess(tmp_path, "--eval-fraction", "0")
    page = Elements((output / manifest.REPORT).read_text(encoding="utf-8"))
    said = " ".join(" ".join(page.words).split())
    assert "eval" in said and "NaN" not in said and "None" not in said


@pytest.mark.parametrize(
    ("subjects", "exact", "alone"), [(1, True, False), (None, True, True), (None, False, False)]
)
def test_each_photo_is_a_subject_only_where_there_are_as_many(
    dataset, facts, subjects, exact, alone
):
    """Annotations name subjects, too, without any pattern."""
    made = dataclasses.replace(manifest.Manifest.load(dataset / "out"), options={})
    splits = {
        name: split | {"subjects": {"count": subjects or split["records"], "exact": exact}}
        for name, split in facts["splits"].items()
    }
    summary = report_page._summary({"splits": splits}, made)
    assert ("subjects: each photo one" in summary) == alone
