"""`ganimation reanimate` and `face-model`: what lies in the folder is what `preprocess` needs."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

import tiny_portraits
from ganimation_tf import cli
from ganimation_tf.faces import alignment, images
from ganimation_tf.faces.decoded import Decoded
from ganimation_tf.synthetic.reanimation import (
    Portrait,
    RejectedPortrait,
    exchange_skin,
    faces,
    load_face_model,
    sources,
    writing,
)
from jobs import kept, preprocess
from jobs import rejected as rejected_records


def run(folder, out, *more):
    arguments = ["--face-model", folder / "model.npz", "--portraits", folder / "photos"]
    arguments += ["--annotations", folder / "csv", *more, out]
    return cli.main(["reanimate", *map(str, arguments)])


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def codes(out):
    lines = (out / "rejected.jsonl").read_text().splitlines()
    return {line["key"]: line["code"] for line in map(json.loads, lines)}


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """Two portraits that can be used and six that cannot."""
    folder = tmp_path_factory.mktemp("portraits")
    points = tiny_portraits.landmarks()
    tiny_portraits.save(
        folder,
        {
            "ada": points,
            "bob, the 2nd": points + [2, 1],
            "alone": None,
            "border": points + [70, 0],
            "elsewhere": points + 1000,
            "profile": tiny_portraits.landmarks(yaw=50),
            "tiny": points * 0.1 + 50,
        },
    )
    (folder / "photos" / "torn.png").write_bytes(b"\x89PNG\r\n")
    (folder / "csv" / "torn.csv").write_text((folder / "csv" / "ada.csv").read_text())
    return folder


@pytest.fixture(scope="module")
def made(portraits, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    assert run(portraits, out, "--count", 24, "--size", 96, "--format", "png") == 0
    return out


def test_inputs_are_portraits_and_rejections(portraits, made):
    assert codes(made) == {
        "alone": "no_annotation",
        "border": "face_at_border",
        "elsewhere": "landmarks_elsewhere",
        "profile": "turned_away",
        "tiny": "eyes_too_small",
        "torn": "unsupported_format",
    }
    settings = json.loads((made / "reanimate.json").read_text())
    assert settings["portraits"] == ["ada", "bob_the_2nd"]
    assert len(list((portraits / "photos").iterdir())) == len(settings["portraits"]) + 6
    assert settings["face_model"]["digest"] == load_face_model(portraits / "model.npz").digest


def test_portraits_take_turns_and_each_look_begins_neutral(made):
    names = sorted(path.stem for path in (made / "imgs").iterdir())
    assert len(names) == 24
    assert sum(name.startswith("ada_look_0000_") for name in names) == 8
    assert sum(name.startswith("ada_look_0001_") for name in names) == 8
    assert sum(name.startswith("bob_the_2nd_look_0000_") for name in names) == 8
    assert names == sorted(path.stem for path in (made / "openface_csv").iterdir())


def test_preprocess_needs_no_option(made, tmp_path):
    out = preprocess(made / "imgs", made / "openface_csv", tmp_path / "data")
    by_key = kept(out)
    assert rejected_records(out) == {} and len(by_key) == 24
    for key, record in by_key.items():
        look = key.split("_expr_")[0]
        assert record.pair == look
        assert record.subject == look.split("_look_")[0]
        if key.endswith("_expr_000"):
            assert not record.action_units.any()
    crops = {(record.pair, record.transform.tobytes()) for record in by_key.values()}
    assert len(crops) == 3  # one for each look


def test_truth_is_exact_after_the_crop(portraits, made):
    """Not a pixel differs outside of what the expressions move."""
    model = load_face_model(portraits / "model.npz")
    spec = alignment.CropSpec(96, faces.FRAME_MARGIN)
    source = sources.AnnotatedFaces(portraits / "csv", portraits / "photos", model)
    path = portraits / "photos" / "ada.png"
    known, _ = source.known("ada", path)
    fitted, _ = faces.read_portrait(
        lambda scale: Decoded(images.decode(path.read_bytes()), (256, 256)),
        known.landmarks,
        model,
        known.expression,
        spec,
    )
    numbers = [(0, expression) for expression in range(8)]
    pictures, moved = [], np.zeros((90, 90), np.uint8)
    for face in faces.render_faces(fitted, "ada", numbers, 0, spec):
        name = f"ada_look_0000_expr_{face.expression:03d}.png"
        picture = images.decode((made / "imgs" / name).read_bytes())
        np.testing.assert_array_equal(picture, face.rendering.image)
        crop = alignment.crop_transform(face.anchors, alignment.CropSpec(90, 0.45))
        pictures.append(alignment.crop(picture, crop, 90).astype(int))
        mask = np.repeat(face.rendering.moved[..., None] * np.uint8(255), 3, axis=2)
        moved |= alignment.crop(mask, crop, 90)[..., 0]
    change = np.ptp(np.stack(pictures), axis=0).max(axis=2)
    assert (moved == 0).sum() > 20
    assert change[moved == 0].max() == 0
    assert change.max() > 20


def test_middle_of_the_picture_is_the_crop():
    """At 192 pixels a crop of 128 is cut out, not resampled."""
    anchors = np.array([[80.0, 90.0], [130.0, 92.0], [104.0, 140.0]])
    frame = alignment.crop_transform(anchors, alignment.CropSpec(192, faces.FRAME_MARGIN))
    crop = alignment.crop_transform(anchors, alignment.CropSpec(128))
    inside = np.vstack([frame, [0, 0, 1]])
    actual = np.linalg.inv(inside) @ np.vstack([crop, [0, 0, 1]])
    np.testing.assert_allclose(actual[:2], [[1, 0, 32], [0, 1, 32]], atol=0.01)


def interrupted_after(files, portraits, out, options, monkeypatch):
    """Ctrl-C when so many files are written; their paths."""
    written = []

    def interrupted(path, data, whole=writing.files.write_whole):
        if len(written) == files:
            raise KeyboardInterrupt
        written.append(path)
        whole(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(writing.files, "write_whole", interrupted)
        assert run(portraits, out, *options) == 130
    return written


def test_same_seed_same_bytes_and_an_interrupted_call_goes_on(
    portraits, made, tmp_path, monkeypatch
):
    options = ("--count", 24, "--size", 96, "--format", "png")
    out = tmp_path / "out"
    interrupted_after(21, portraits, out, options, monkeypatch)
    assert (out / ".reanimate.json").exists() and not (out / "reanimate.json").exists()
    assert run(portraits, out, *options) == 0
    assert contents(out) == contents(made)


@pytest.mark.parametrize("change", ["one more", "another photo", "another annotation"])
def test_other_portraits_do_not_go_on(tmp_path, capsys, monkeypatch, change):
    """Two share the faces otherwise than three: pictures of the first call would be left over."""
    points = tiny_portraits.landmarks()
    folder, out = tmp_path / "in", tmp_path / "out"
    tiny_portraits.save(folder, {"ada": points, "bob": points + [2, 1]})
    options = ("--count", 9, "--size", 48)
    interrupted_after(8, folder, out, options, monkeypatch)
    before = contents(out)
    tiny_portraits.save(tmp_path / "more", {"x": points, "y": points, "cy": points + [1, 2]})
    new = "cy" if change == "one more" else "bob"
    for name in {"another photo": ["photos"], "another annotation": ["csv"]}.get(
        change, ["photos", "csv"]
    ):
        (file,) = (tmp_path / "more" / name).glob("cy.*")
        file.replace(folder / name / f"{new}{file.suffix}")
    assert run(folder, out, *options) == 2
    assert "holds an unfinished set of other inputs" in capsys.readouterr().err
    assert contents(out) == before
    assert run(folder, tmp_path / "anew", *options) == 0


def test_fewer_faces_are_the_first_of_more(portraits, made, tmp_path):
    out = tmp_path / "out"
    assert run(portraits, out, "--count", 5, "--size", 96, "--format", "png") == 0
    few = {name: data for name, data in contents(out).items() if not name.endswith("json")}
    few.pop("rejected.jsonl")
    assert len(few) == 10
    assert few.items() <= contents(made).items()


@pytest.fixture(scope="module")
def exchanged(portraits, tmp_path_factory):
    """As `made`, with a second look of the second portrait, and odd looks in each other's skin."""
    out = tmp_path_factory.mktemp("exchanged") / "out"
    assert run(portraits, out, *EXCHANGED) == 0
    return out


EXCHANGED = ("--count", 32, "--size", 96, "--format", "png", "--exchange-skins")


def pictures(out, look):
    """int (8, 96, 96, 3): the expressions of a look."""
    names = [out / "imgs" / f"{look}_expr_{number:03d}.png" for number in range(8)]
    return np.stack([images.decode(path.read_bytes()) for path in names]).astype(int)


def test_couples_and_nothing_else_are_said_beside_the_settings(made, exchanged):
    before, after = (json.loads((out / "reanimate.json").read_text()) for out in (made, exchanged))
    assert after.pop("couples") == [["ada", "bob_the_2nd"]] and after.pop("exchange_skins") is True
    assert after == before | {"count": 32}
    assert codes(made) == codes(exchanged)


def test_look_0_is_the_person_and_odd_looks_have_the_others_skin(made, exchanged):
    for portrait in ("ada", "bob_the_2nd"):
        for path in made.glob(f"imgs/{portrait}_look_0000_*"):
            assert path.read_bytes() == (exchanged / "imgs" / path.name).read_bytes()
    own, other = (pictures(out, "ada_look_0001") for out in (made, exchanged))
    change = np.abs(own - other).max(axis=(0, 3))
    change[80:] = 0  # below the photo, where it is mirrored
    # The oval ends 1.3 of the tiny head's centimetres above the brows, and within its outline.
    points = np.concatenate([_points(made, "ada_look_0001", number) for number in range(8)])
    middle = points.mean(0)
    hull = cv2.convexHull(((points - middle) * 1.25 + middle).astype(np.float32))
    inside = cv2.fillConvexPoly(np.zeros((96, 96), np.uint8), hull.astype(np.int32), 1) > 0
    assert (~inside).sum() > 1000 and change[~inside].max() == 0
    assert np.median(change[40:56, 40:56]) > 10


def test_annotations_differ_in_the_subject_only(made, exchanged):
    for path in (made / "openface_csv").iterdir():
        header, *rows = (
            folder.joinpath("openface_csv", path.name).read_text().splitlines()[row]
            for folder, row in ((made, 0), (made, 1), (exchanged, 1))
        )
        before, after = (
            dict(zip(header.split(", "), row.split(", "), strict=True)) for row in rows
        )
        assert before.pop("subject") == path.name.split("_look_")[0]
        assert after.pop("subject") == "ada"
        assert before == after


def test_truth_is_exact_with_another_skin_too(portraits, exchanged):
    """The pictures are the library's, and differ where an expression moves the face only."""
    model, spec = load_face_model(portraits / "model.npz"), alignment.CropSpec(96, 0.4776)
    source = sources.AnnotatedFaces(portraits / "csv", portraits / "photos", model)
    own, donor = (
        Portrait.from_photo(
            images.decode(path.read_bytes()), known.landmarks, model, known.expression
        )
        for path in (portraits / "photos" / f"{name}.png" for name in ("ada", "bob, the 2nd"))
        for known in [source.known(path.stem, path)[0]]
    )
    again = dataclasses.replace(own, photo=exchange_skin(own, donor))
    actual, moved = pictures(exchanged, "ada_look_0001"), np.zeros((96, 96), bool)
    numbers = [(1, number) for number in range(8)]
    for picture, face in zip(
        actual, faces.render_faces(again, "ada", numbers, 0, spec), strict=True
    ):
        np.testing.assert_array_equal(picture, face.rendering.image)
        moved |= face.rendering.moved
    change = np.ptp(actual, axis=0).max(axis=2)
    assert (~moved).sum() > 20 and change[~moved].max() == 0
    assert change.max() > 20


def test_a_couple_is_one_subject_and_each_look_a_pair(exchanged, tmp_path):
    by_key = kept(preprocess(exchanged / "imgs", exchanged / "openface_csv", tmp_path / "data"))
    assert len(by_key) == 32
    assert {record.subject for record in by_key.values()} == {"ada"}
    assert all(record.pair == key.split("_expr_")[0] for key, record in by_key.items())


def test_interrupted_exchange_goes_on_with_the_same_option_only(
    portraits, exchanged, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "out"
    # After 41 files it is in the odd look of the first portrait.
    written = interrupted_after(41, portraits, out, EXCHANGED, monkeypatch)
    assert any("ada_look_0001" in path.name for path in written)
    assert run(portraits, out, *EXCHANGED[:-1]) == 2
    assert "unfinished set of other options" in capsys.readouterr().err
    assert run(portraits, out, *EXCHANGED) == 0
    assert contents(out) == contents(exchanged)


def test_processes_that_share_the_work_write_the_same(portraits, exchanged, tmp_path):
    assert run(portraits, tmp_path / "out", *EXCHANGED, "--workers", 2) == 0
    assert contents(tmp_path / "out") == contents(exchanged)


def test_a_skin_that_does_not_fit_loses_no_face(portraits, made, exchanged, tmp_path, monkeypatch):
    """Of one portrait: it keeps its own skin, and it is told; the other is as ever."""
    refused = []

    def exchange(portrait, donor, exchange=writing.exchange_skin):
        if not refused:
            refused.append(portrait)
            raise RejectedPortrait("unlike", "skin can be exchanged up to a difference of 1")
        return exchange(portrait, donor)

    monkeypatch.setattr(writing, "exchange_skin", exchange)
    out = tmp_path / "out"
    assert run(portraits, out, *EXCHANGED) == 0
    assert codes(out) == codes(made) | {"ada#skin": "unlike"}
    assert len(list((out / "imgs").iterdir())) == 32
    for expected, name in ((made, "ada_look_0001"), (exchanged, "bob_the_2nd_look_0001")):
        np.testing.assert_array_equal(pictures(out, name), pictures(expected, name))
    settings = json.loads((out / "reanimate.json").read_text())
    assert settings["rejected"]["unlike"] == 1
    refused_portraits = [key for key in codes(out) if "#" not in key]
    inputs = len(list((portraits / "photos").iterdir()))
    assert inputs == len(settings["portraits"]) + len(refused_portraits)


def test_a_skin_that_does_not_fit_is_told_after_an_interruption_too(
    portraits, made, tmp_path, monkeypatch
):
    """All faces are there, and only what came of it had still to be written."""

    def refuse(portrait, donor):
        raise RejectedPortrait("unlike", "skin can be exchanged up to a difference of 1")

    monkeypatch.setattr(writing, "exchange_skin", refuse)
    whole, out = tmp_path / "whole", tmp_path / "out"
    options = ("--count", 32, "--size", 48, "--exchange-skins")
    assert run(portraits, whole, *options) == 0
    told = {"ada#skin": "unlike", "bob_the_2nd#skin": "unlike"}
    assert codes(whole) == codes(made) | told
    # The settings, twice, the rejected portraits and 2 x 32 files of faces are written.
    interrupted_after(3 + 64, portraits, out, options, monkeypatch)
    assert len(list((out / "openface_csv").iterdir())) == 32 and codes(out) == codes(made)
    assert run(portraits, out, *options) == 0
    assert contents(out) == contents(whole)


def test_who_is_alone_stays_as_photographed(tmp_path, capsys):
    tiny_portraits.save(tmp_path / "in", {"ada": tiny_portraits.landmarks()})
    options = ("--count", 9, "--size", 64)
    assert run(tmp_path / "in", tmp_path / "plain", *options) == 0
    assert run(tmp_path / "in", tmp_path / "out", *options, "--exchange-skins") == 0
    assert "couples that exchange skins: 0" in capsys.readouterr().out
    expected, actual = contents(tmp_path / "plain"), contents(tmp_path / "out")
    assert json.loads(actual.pop("reanimate.json"))["couples"] == []
    expected.pop("reanimate.json")
    assert actual == expected


def test_too_few_faces_to_show_exchanged_skins_is_said(portraits, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(portraits, out, "--count", 2, "--size", 64, "--exchange-skins") == 0
    assert "a --count of at least 17 would show exchanged skins" in capsys.readouterr().out


def test_real_portraits_that_are_alike_become_a_couple(photoreal_dir, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("faker_female_46", "faker_male_21", "faker_female_70"):
        (photos / f"{name}.jpg").symlink_to(photoreal_dir / "portraits" / f"{name}.jpg")
    arguments = ["--face-model", photoreal_dir / "ict_face_model.npz", "--portraits", photos]
    arguments += ["--count", 1, "--size", 64, "--exchange-skins", tmp_path / "out"]
    assert cli.main(["reanimate", *map(str, arguments)]) == 0
    settings = json.loads((tmp_path / "out" / "reanimate.json").read_text())
    assert len(settings["portraits"]) == 3
    assert settings["couples"] == [["faker_female_46", "faker_male_21"]]


def _points(out, look, number):
    text = (out / "openface_csv" / f"{look}_expr_{number:03d}.csv").read_text()
    header, row = (line.split(", ") for line in text.splitlines())
    face = dict(zip(header, row, strict=True))
    return np.array([[float(face[f"{axis}_{i}"]) for axis in "xy"] for i in range(68)])


def test_other_options_do_not_go_on(portraits, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".reanimate.json").write_text('{"count": 1}')
    assert run(portraits, out, "--count", 2) == 2
    assert "holds an unfinished set of other options" in capsys.readouterr().err


def test_none_usable_is_said(tmp_path, capsys):
    tiny_portraits.save(tmp_path / "in", {"tiny": tiny_portraits.landmarks() * 0.1 + 50})
    assert run(tmp_path / "in", tmp_path / "out", "--count", 1) == 2
    assert "none of the 1 portraits can be used" in capsys.readouterr().err
    assert codes(tmp_path / "out") == {"tiny": "eyes_too_small"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", 0], "--count must be at least 1, got 0"),
        (["--size", 31], "--size must be in [32, 2048] pixels, got 31"),
        (["--seed", -1], "--seed must be at least 0, got -1"),
        (["--landmarker", "x.task"], "leave one out"),
        (["--face-model", "missing.npz"], "missing.npz: cannot be read as a face model"),
        (["--portraits", "missing"], "missing: there is no such directory of portraits"),
    ],
)
def test_wrong_options_stop_before_any_work(portraits, tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert run(portraits, out, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_grey_photos_and_alpha_are_shown_in_rgb(tmp_path, mode):
    from PIL import Image

    tiny_portraits.save(tmp_path / "in", {"ada": tiny_portraits.landmarks()})
    photo = tmp_path / "in" / "photos" / "ada.png"
    Image.open(photo).convert(mode).save(photo)
    out = tmp_path / "out"
    assert run(tmp_path / "in", out, "--count", 1, "--size", 64) == 0
    (picture,) = (out / "imgs").iterdir()
    assert images.decode(picture.read_bytes()).shape == (64, 64, 3)


def test_large_photos_are_reduced_and_give_the_same_face(tmp_path):
    """40 megapixels: of a photo of 6400 x 6400 the picture is that of its small copy."""
    import cv2

    tiny_portraits.save(tmp_path / "in", {"ada": tiny_portraits.landmarks()})
    photo = tmp_path / "in" / "photos" / "ada.png"
    smooth = cv2.GaussianBlur(images.decode(photo.read_bytes()), (0, 0), 4)
    photo.write_bytes(images.encode_png(smooth))
    assert run(tmp_path / "in", tmp_path / "small", "--count", 1, "--size", 64) == 0
    large = tmp_path / "large"
    points = (tiny_portraits.landmarks() + 0.5) * 25 - 0.5
    tiny_portraits.save(large, {"ada": points})
    (large / "photos" / "ada.png").unlink()
    blown = cv2.resize(smooth, (6400, 6400), interpolation=cv2.INTER_LINEAR)
    (large / "photos" / "ada.jpg").write_bytes(images.encode_jpeg(blown, 90))
    assert run(large, tmp_path / "out", "--count", 1, "--size", 64) == 0
    small, big = (
        images.decode(next((tmp_path / name / "imgs").iterdir()).read_bytes()).astype(int)
        for name in ("small", "out")
    )
    assert np.abs(small - big).mean() < 4


class TestFaceModel:
    def test_compact_file_is_read_and_written(self, portraits, tmp_path, capsys):
        out = tmp_path / "again.npz"
        assert cli.main(["face-model", str(portraits / "model.npz"), str(out)]) == 0
        before, after = load_face_model(portraits / "model.npz"), load_face_model(out)
        assert before.digest == after.digest
        assert before.digest[:12] in capsys.readouterr().out

    def test_a_missing_file_is_named(self, tmp_path, capsys):
        (tmp_path / "ICT").mkdir()
        assert cli.main(["face-model", str(tmp_path / "ICT"), str(tmp_path / "out.npz")]) == 2
        assert "generic_neutral_mesh.obj: is missing" in capsys.readouterr().err
        assert not (tmp_path / "out.npz").exists()

    def test_output_must_be_called_npz(self, tmp_path, capsys):
        assert cli.main(["face-model", str(tmp_path), "model.obj"]) == 2
        assert "OUT must end in .npz, got model.obj" in capsys.readouterr().err

    def test_another_topology_is_refused(self, tmp_path, capsys):
        source = tmp_path / "other.npz"
        np.savez(source, neutral=np.zeros((10, 3)), faces=np.zeros((4, 4), int))
        assert cli.main(["face-model", str(source), str(tmp_path / "out.npz")]) == 2
        assert "the array identity is missing" in capsys.readouterr().err
