"""Listing local files: nothing that looks like an input is left out in silence."""

import os

import pytest

from ganimation_tf import inputs
from pipeline import files


def listing(where, suffixes=(".jpg",)):
    source = files.source(files.IMAGE, str(where), suffixes)
    return {one.file: one.problem and one.problem.code for one in source.listing()}


def test_what_is_no_file_has_a_problem(tmp_path):
    (tmp_path / "a.jpg").write_text("")
    (tmp_path / "b.JPG").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "c.jpg").symlink_to("nowhere")
    (tmp_path / "d.jpg").symlink_to("d.jpg")
    (tmp_path / "e.jpg").mkdir()
    (tmp_path / "e.jpg/f.jpg").write_text("")
    os.mkfifo(tmp_path / "g.jpg")
    (tmp_path / "notes.txt").symlink_to("nowhere")
    assert listing(tmp_path) == {
        "a.jpg": None,
        "b.JPG": None,
        "c.jpg": "broken_link",
        "d.jpg": "broken_link",
        "e.jpg": "not_a_file",
        "e.jpg/f.jpg": None,
        "g.jpg": "not_a_file",
    }


def test_links_to_directories(tmp_path):
    """Those elsewhere are followed; those into what is listed anyway, and loops, are not."""
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for directory in (photos / "x", elsewhere):
        directory.mkdir(parents=True)
        (directory / "a.jpg").write_text("")
    (photos / "linked").symlink_to(elsewhere)
    (photos / "twice").symlink_to(photos / "x")
    (photos / "loop").symlink_to(photos)
    (photos / "out").symlink_to(tmp_path)
    (elsewhere / "back").symlink_to(photos)
    (elsewhere / "self").symlink_to(elsewhere)
    assert listing(photos) == {"x/a.jpg": None, "linked/a.jpg": None}


def test_globs(tmp_path):
    for name in ("x/a.jpg", "x/b.png", "y/a.jpg", "y/z/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "y/gone.jpg").symlink_to("nowhere")
    expected = {"x/a.jpg": None, "y/a.jpg": None, "y/gone.jpg": "broken_link"}
    assert listing(tmp_path / "*/*.jpg") == expected
    assert listing(tmp_path / "x/a.jpg") == {"a.jpg": None}
    assert set(listing(tmp_path / "**.jpg")) == {*expected, "y/z/c.jpg"}


def test_a_directory_that_cannot_be_listed(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.jpg").write_text("")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert listing(tmp_path) == {"a.jpg": None, "closed": "unreadable_directory"}


def test_a_remote_file_is_copied_and_the_copy_deleted(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"video")
    monkeypatch.setattr(files, "is_local", lambda path: False)
    monkeypatch.setattr(files, "opened", lambda path: open(path, "rb"))
    with files.local_copy(str(tmp_path / "a.mp4")) as local:
        assert local != str(tmp_path / "a.mp4") and local.endswith(".mp4")
        with open(local, "rb") as file:
            assert file.read() == b"video"
    assert not os.path.exists(local)


def test_reading(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(str(tmp_path / "a"), 5) == b"12345"
    for path, code in (("a", "file_too_large"), ("b", "unreadable_file"), ("", "unreadable_file")):
        with pytest.raises(inputs.FileError) as caught:
            files.read(str(tmp_path / path), 4)
        assert caught.value.code == code
