"""The statement in each kind of file, read by Pillow and ElementTree; pixels stay as they are.

Where `exiftool` is installed, it reads the files too.
"""

import io
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

from ganimation_tf.errors import UserError
from ganimation_tf.export.model_card import ModelCard
from ganimation_tf.faces import images
from ganimation_tf.faces.alignment import CropSpec
from ganimation_tf.media import gif, video, webp
from ganimation_tf.media.provenance import Provenance, label, save

FACTS = Provenance("faces & <more>", 12, {"AU06": 0.6, "AU12": 1.0})
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
STATED = {
    "DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/"
    "compositeWithTrainedAlgorithmicMedia",
    "AISystemUsed": "faces & <more>",
    "AISystemVersionUsed": "12",
    "AIPromptInformation": "AU06=0.60 AU12=1.00",
}


def frames():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(3)]


def shown():
    return zip(frames(), (0.08, 0.16, 0.24), strict=True)


def still_gif() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frames()[0]).save(buffer, "GIF")
    return buffer.getvalue().replace(b"GIF87a", b"GIF89a")


def mp4() -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "a.mp4"
        video.write(path, frames(), 12.5)
        return path.read_bytes()


KINDS = {
    "png": lambda: images.encode_png(frames()[0]),
    "jpg": lambda: images.encode_jpeg(frames()[0]),
    "gif": lambda: gif.encode(shown()),
    "still.gif": still_gif,
    "mp4": lambda: mp4(),
    "webp": lambda: webp.encode(shown()),
}


def check_packet(packet: bytes) -> None:
    text = packet.decode()
    assert text.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    (description,) = ElementTree.fromstring(text).iter(f"{RDF}Description")
    stated = {child.tag.removeprefix(EXT): child.text for child in description}
    assert {name: stated[name] for name in STATED} == STATED


def pixels(encoded: bytes) -> list[np.ndarray]:
    """Every frame, as a viewer shows it."""
    with Image.open(io.BytesIO(encoded)) as picture:
        shown = []
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            shown.append(np.asarray(picture.convert("RGB")))
        return shown


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "still.gif", "webp"])
def test_a_picture_says_what_it_is_and_keeps_its_pixels(kind):
    plain = KINDS[kind]()
    marked = label(plain, FACTS)
    with Image.open(io.BytesIO(marked)) as picture:
        picture.load()
        if picture.format != "GIF":  # there Pillow passes it over
            check_packet(picture.info["xmp"])
    before, after = pixels(plain), pixels(marked)
    assert len(before) == len(after)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_animation_still_plays_for_ever():
    with Image.open(io.BytesIO(label(KINDS["gif"](), FACTS))) as shown:
        assert (shown.info["loop"], shown.info["duration"]) == (0, 80)


def test_gif_blocks_lead_from_any_byte_of_the_text_to_the_next_block():
    """A reader that knows nothing of XMP skips by block lengths and must come out right."""
    marked = label(KINDS["gif"](), FACTS)
    place = marked.index(b"XMP DataXMP") + 11
    end = marked.index(b"<?xpacket end") + len(b'<?xpacket end="r"?>') + 258
    check_packet(marked[place : end - 258])
    while marked[place]:
        place += 1 + marked[place]
    assert place + 1 == end
    assert marked[end:] == b";"


def test_a_video_says_what_it_is_in_a_box_of_its_own(tmp_path):
    plain = KINDS["mp4"]()
    marked = label(plain, FACTS)
    boxes, place = [], 0
    while place < len(marked):
        size, kind = struct.unpack(">I4s", marked[place : place + 8])
        boxes.append((kind, marked[place + 8 : place + size]))
        place += size
    assert place == len(marked)
    (content,) = [content for kind, content in boxes if kind == b"uuid"]
    assert content[:16].hex() == "be7acfcb97a942e89c71999491e3afac"
    check_packet(content[16:])
    assert marked.startswith(plain)
    path = tmp_path / "marked.mp4"
    path.write_bytes(marked)
    video = cv2.VideoCapture(str(path))
    shown = 0
    while video.read()[0]:
        shown += 1
    assert shown == 3


@pytest.mark.parametrize("kind", list(KINDS))
def test_exiftool_reads_it(tmp_path, kind):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    path = tmp_path / f"picture.{kind}"
    save(path, KINDS[kind](), FACTS)
    command = ["exiftool", "-json", "-n", "-G1", "-XMP:all", "-validate", "-warning", str(path)]
    (done,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    stated = {name.rpartition(":")[2].lower(): value for name, value in done.items()}
    for name, value in STATED.items():
        assert str(stated[name.lower()]) == value
    assert stated["creatortool"].startswith("ganimation-tf ")


def test_the_facts_come_from_the_card():
    card = ModelCard(("AU04", "AU12"), CropSpec(16), model_name="smiles", version=3)
    provenance = Provenance.of(card, np.array([0.25, 1.0], np.float32))
    assert provenance == Provenance("smiles", 3, {"AU04": 0.25, "AU12": 1.0})
    with pytest.raises(ValueError):
        Provenance.of(card, [0.5])


def test_what_xml_forbids_is_left_out():
    strange = Provenance("a\0b\x1bc\ud800d\uffffe <\u00e4\U0001f600>\n", 1, {"AU\x0806": 1.0})
    (description,) = ElementTree.fromstring(strange.packet()).iter(f"{RDF}Description")
    stated = {child.tag.removeprefix(EXT): child.text for child in description}
    assert stated["AISystemUsed"] == "abcde <\u00e4\U0001f600>\n"
    assert stated["AIPromptInformation"] == "AU06=1.00"


def test_a_statement_has_to_fit_into_a_jpeg():
    def named(letters: int) -> Provenance:
        return Provenance("a" * letters, 1, {})

    # The name stands in it twice; the rest is what is left with an empty one.
    room = (65_502 - len(named(0).packet())) // 2
    with Image.open(io.BytesIO(label(KINDS["jpg"](), named(room)))) as picture:
        assert picture.info["xmp"] == named(room).packet()
    with pytest.raises(UserError, match="must have at most 65502 bytes, got 6550[34] with 0 AUs"):
        named(room + 1)


@pytest.mark.parametrize("encoded", [b"", b"text", b"RIFF....WEBP", b"BM"])
def test_other_files_are_refused(encoded):
    with pytest.raises(ValueError, match="only PNG, JPEG, GIF, MP4 and animated WebP are labelled"):
        label(encoded, FACTS)


def test_save_writes_whole_or_not_at_all(tmp_path):
    plain = KINDS["png"]()
    save(tmp_path / "marked.png", plain, FACTS)
    save(tmp_path / "plain.png", plain, None)
    assert (tmp_path / "plain.png").read_bytes() == plain
    assert (tmp_path / "marked.png").read_bytes() == label(plain, FACTS)
    with pytest.raises(UserError, match="cannot be written"):
        save(tmp_path / "none" / "x.png", plain, FACTS)
    with pytest.raises(UserError, match="cannot be written"):
        save(tmp_path / "plain.png" / "x.png", plain, FACTS)  # below what is no directory
    assert sorted(path.name for path in tmp_path.iterdir()) == ["marked.png", "plain.png"]
