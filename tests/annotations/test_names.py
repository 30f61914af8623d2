"""Which image a name in a table means."""

import pickle

import pytest

from ganimation_tf.annotations import names as names_module
from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.names import ImageNames


@pytest.mark.parametrize("rows", [["b.jpg", "a.jpg"], ["a.jpg", "b.jpg"]])
def test_what_a_name_means_does_not_depend_on_the_rows_before_it(rows):
    names, meant = ImageNames(["s1/a", "s2/a", "s1/b"]), {}
    for name in rows:
        try:
            meant[name] = names.key(name, True)
        except AnnotationError as error:
            meant[name] = error.code
    assert meant == {"b.jpg": "s1/b", "a.jpg": "ambiguous_key"}


def test_a_row_without_image_costs_the_same_among_many_directories(monkeypatch):
    """What is looked up are the base name and the ends of the row's own directory: at most 4."""
    counted = []
    hash_of = names_module._hash
    monkeypatch.setattr(names_module, "_hash", lambda word: counted.append(word) or hash_of(word))
    names = ImageNames([f"set/p{person:04}/{i}" for person in range(2000) for i in range(3)])
    counted.clear()
    assert names.key("/other/set/p9999/7.jpg", False) == "7"
    assert counted == ["7"]
    counted.clear()
    names.key("/other/set/p0003/2.jpg", False)
    assert len(counted) <= 4


def test_an_image_takes_twelve_bytes_on_the_way_to_a_worker():
    few, many = (
        len(pickle.dumps(ImageNames([f"p{i % 10}/photo{i:06}" for i in range(count)])))
        for count in (1_000, 11_000)
    )
    assert many - few == pytest.approx(12 * 10_000, rel=0.01)


def test_a_photo_and_another_of_its_name_are_one_key():
    assert ImageNames(["a/x", "a/x", "b/y"]).key("x.jpg", False) == "a/x"


PEOPLE = ["p1/0001", "p2/0002", "all/p1/s1/x", "all/p2/s1/y"]


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0001.jpg", "p1/0001"),
        ("./0001.jpg", "p1/0001"),
        ("../0001", "p1/0001"),
        ("/elsewhere/imgs/p1/0001.jpg", "p1/0001"),
        ("imgs/p1/0001.jpg", "p1/0001"),
        ("C:\\imgs\\p1\\0001.jpg", "p1/0001"),
        ("s1/x.jpg", "all/p1/s1/x"),
        ("/elsewhere/before/p1/s1/x.jpg", "all/p1/s1/x"),
        ("p9/0001.jpg", None),  # a person of whom there is no photo
        ("p2/0001.jpg", None),  # one of whom there are others
        ("/elsewhere/imgs/p9/0001.jpg", None),
        ("/elsewhere/before/p2/s1/x.jpg", None),
        ("p2/s1/x.jpg", None),
    ],
)
def test_another_directory_s_photo_of_the_same_name_is_not_meant(name, expected, agreed):
    found = ImageNames(PEOPLE, "/data/photos").key(name, agreed)
    assert (found if found in PEOPLE else None) == expected


def test_by_agreement_a_directory_that_is_there_has_the_photo_or_nobody_has():
    names = ImageNames(["a", "s1/a", "p1/s1/b"])
    assert names.key("p1/s1/a.jpg", True) == "p1/s1/a"
    assert names.key("/elsewhere/p1/s1/a.jpg", True) == "s1/a"
    assert names.key("elsewhere/s1/a.jpg", True) == "s1/a"
