"""Fuzzing of the annotation readers: faces, rejections or an `AnnotationError`, and no row lost."""

import csv
import io
import os
import pathlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ganimation_tf.annotations.face import AnnotationError, FaceAnnotation
from ganimation_tf.annotations.openface import OpenFaceReader
from ganimation_tf.annotations.plain import FORM, PlainTable
from ganimation_tf.annotations.rejections import REASONS, Rejection
from jobs import faces_in
from openface_files import HEADER, csv_text, row

EXAMPLES = int(os.environ.get("GANIMATION_FUZZ_EXAMPLES", "150"))
"""For each test; a long run is `GANIMATION_FUZZ_EXAMPLES=100000 pytest tests/*/test_fuzz_*.py`."""

FUZZ = settings(
    derandomize="GANIMATION_FUZZ_EXAMPLES" not in os.environ,
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the file is written anew
)

TABLE_HEADER = ["key", "AU01", "AU12", "confidence", "left", "top", "width", "height", "subject"]
READERS = {
    "openface": OpenFaceReader(),
    "table": PlainTable(form=FORM, action_units=("AU01", "AU12"), maximum=1.0),
}
TEXTS = {
    "openface": csv_text(row("0"), row("1", AU12_r=2.5), row("2")),
    "table": "\n".join([",".join(TABLE_HEADER), *(f"a/{i},0,1,1,2,3,40,50,s" for i in range(3))]),
}


def entry_text(name: str) -> list[str]:
    """Fields that are worth trying in any place."""
    marks = ["", " ", ",", ";", "\t", '"', '""', "\r", "\n", "\r\n", "\0", "\ufeff", "#", "\u2028"]
    numbers = ["0", "-1", "5", "nan", "inf", "1e308", "1e999", "0x1", "1_0", "٣", "1,5", "9" * 400]
    return marks + numbers + (HEADER if name == "openface" else TABLE_HEADER)


def read(name: str, path: pathlib.Path) -> int | None:
    """Reads the file as the job does and checks all that comes of it.

    Returns:
        How many rows were accounted for; None if none could be.
    """
    reader = READERS[name]
    outcomes: list[FaceAnnotation | Rejection] = []
    references: dict[str, list] = {}
    try:
        for one in reader.index(str(path), path.name):
            if isinstance(one, Rejection):
                outcomes.append(one)
            elif reader.opens_index:
                references.setdefault(one.key, []).extend(one.reference)
            else:
                references[one.key] = one.reference
        for key, reference in references.items():
            outcomes += faces_in(reader, key, path.name, reference)
    except AnnotationError as error:
        assert error.code in REASONS
        return None
    for outcome in outcomes:
        if isinstance(outcome, Rejection):
            assert outcome.code in REASONS and outcome.message.startswith(path.name)
            outcome.to_json()
        else:
            check_face(outcome, len(reader.action_units))
    return len(outcomes)


def check_face(face: FaceAnnotation, units: int) -> None:
    assert face.intensities.shape == (units,) and np.isfinite(face.intensities).all()
    assert 0 <= face.confidence <= 1
    for values, shape in ((face.landmarks, (68, 2)), (face.box, (4,)), (face.pose, (3,))):
        assert values is None or (values.shape == shape and np.isfinite(values).all())
    assert face.key is not None and face.face


@pytest.mark.parametrize("name", READERS)
def test_the_undamaged_text_is_read(name, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXTS[name])
    assert read(name, path) == 3


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(data=st.binary(max_size=200))
@example(data=b"\xff\xfe")
def test_noise(name, tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    # No file has more faces than bytes; the file itself may be refused.
    assert (read(name, path) or 0) <= len(data) + 1


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(text=st.text(max_size=200))
def test_text_below_a_good_header(name, tmp_path, text):
    path = tmp_path / "a.csv"
    header = TEXTS[name].split("\n")[0]
    path.write_bytes(f"{header}\n{text}".encode("utf-8", "surrogatepass"))
    assert (read(name, path) or 0) <= len(text.encode("utf-8", "surrogatepass")) + 1


edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), st.integers(0, 10_000)),
    max_size=6,
)


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(edits=edits)
def test_damaged_text(name, tmp_path, edits):
    text = TEXTS[name]
    pieces = entry_text(name)
    for where, deleted, piece in edits:
        at = int(where * len(text))
        text = text[:at] + pieces[piece % len(pieces)] + text[at + deleted :]
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert (read(name, path) or 0) <= len(text) + 1


@st.composite
def tables(draw, name: str) -> list[list[str]]:
    """A good header, in any order, and rows of any fields."""
    header = draw(st.permutations(TEXTS[name].split("\n")[0].split(",")))
    field = st.one_of(st.sampled_from(entry_text(name)), st.floats().map(str), st.text(max_size=5))
    width = len(header)
    good = TEXTS[name].split("\n")[1].split(",")
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        cells = list(good)
        for _ in range(draw(st.integers(0, 4))):
            cells[draw(st.integers(0, width - 1))] = draw(field)
        rows.append(cells[: width + draw(st.integers(-1, 0))] + ["x"] * draw(st.integers(0, 1)))
    return [header, *rows]


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(data=st.data())
def test_every_row_is_accounted_for(name, tmp_path, data):
    rows = data.draw(tables(name))
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = tmp_path / "a.csv"
    encoded = text.getvalue().encode("utf-8", "surrogatepass")
    path.write_bytes(encoded)
    try:
        encoded.decode()
    except UnicodeDecodeError:
        return  # read to the bad byte only
    actual = read(name, path)
    expected = sum(any(cell.strip() for cell in cells) for cells in rows[1:])
    assert actual in (None, expected)
