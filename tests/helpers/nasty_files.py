"""Photos and annotations as they should not be, and what the preprocessing must make of each.

`CASES` are pairs of one photo and one annotation; both are good unless a case says otherwise.
"""

import dataclasses
import io
import os
import pathlib
import pickle
import socket
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from openface_files import HEADER, csv_text, picture, row

RECORD = "record"


@dataclasses.dataclass(frozen=True)
class Case:
    """One photo with its annotation.

    Attributes:
        key: what both are called.
        expected: reason codes and `RECORD`, one for each input that the two files are.
        photo: the photo's bytes, or what makes the file at a path; None for no photo.
        csv: the annotation's bytes or text, or what makes it; None for no annotation.
        suffix: of the photo.
        says: what the rejection's message must contain, the place above all.
    """

    key: str
    expected: Sequence[str]
    photo: bytes | Callable[[pathlib.Path], object] | None = b"good"
    csv: bytes | str | Callable[[pathlib.Path], object] | None = "good"
    suffix: str = ".jpg"
    says: str = ""

    def write(self, photos: pathlib.Path, csv: pathlib.Path) -> None:
        """Makes the case's two files in these directories."""
        photo = GOOD_PHOTO if self.photo == b"good" else self.photo
        text = GOOD_CSV if self.csv == "good" else self.csv
        _make(photos / f"{self.key}{self.suffix}", photo)
        _make(csv / f"{self.key}.csv", text)


def _make(path: pathlib.Path, content: object) -> None:
    if content is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def encoded(kind: str, pixels: np.ndarray | Image.Image | None = None, **options) -> bytes:
    """A picture in one of Pillow's formats."""
    buffer = io.BytesIO()
    if not isinstance(pixels, Image.Image):
        pixels = Image.fromarray(picture() if pixels is None else pixels)
    pixels.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes, checksum: int | None = None) -> bytes:
    """One chunk of a PNG."""
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def png(*chunks: bytes, width: int = 160, height: int = 180, data: bytes | None = None) -> bytes:
    """An 8-bit RGB PNG with these chunks before its pixels; black unless `data` is given."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = zlib.compress(bytes(height * (1 + 3 * width)) if data is None else data)
    tail = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + tail


def with_exif(jpeg: bytes, exif: bytes) -> bytes:
    """The JPEG with an EXIF block of these bytes."""
    body = b"Exif\0\0" + exif
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def sparse(size: int) -> Callable[[pathlib.Path], object]:
    """Makes a file of this size that takes no room on the disk."""

    def make(path: pathlib.Path) -> None:
        with open(path, "wb") as file:
            file.truncate(size)

    return make


def unix_socket(path: pathlib.Path) -> None:
    """Makes a socket; by a relative name, since the full one may be too long for it."""
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


class _Evil:
    """Unpickled, it makes a directory `PWNED` in the current one."""

    def __reduce__(self):
        return os.mkdir, ("PWNED",)


def line_of(fields: Mapping[str, str], header=HEADER) -> str:
    """One row of a CSV file, without line end."""
    return csv_text(fields, header=header).splitlines()[1]


def changed(**values: str) -> str:
    """The text of an annotation with one face, some of whose values are replaced."""
    return csv_text(row(**values))


PROGRAM = pickle.dumps(_Evil())
GOOD_PHOTO = encoded("JPEG", quality=90)
GOOD_CSV = csv_text(row())
FIRST, SECOND = csv_text(row()).splitlines()
PNG = encoded("PNG")
GOOD = [RECORD]
DAMAGED, UNSUPPORTED = ["unreadable_image"], ["unsupported_format"]

PHOTOS = [
    *(
        Case(f"truncated {kept:.0%}", DAMAGED, GOOD_PHOTO[: int(kept * len(GOOD_PHOTO))])
        for kept in (0.2, 0.5, 0.8, 0.97)
    ),
    Case("three bytes", UNSUPPORTED, b"\xff\xd8\xff"),
    Case("marker only", UNSUPPORTED, b"\xff\xd8"),
    Case("no bytes", ["empty_image"], b"", says="no bytes.jpg: "),
    Case("zeros", UNSUPPORTED, bytes(5000)),
    Case("huge header", ["too_many_pixels"], png(width=60000, height=60000, data=b"")),
    Case("long strip", ["too_many_pixels"], png(width=2**31 - 1, height=1, data=b"")),
    Case("no width", UNSUPPORTED, png(width=0, data=b"")),
    # They are never unpacked: no pixel depends on them.
    Case("zip bomb iCCP", GOOD, png(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1 << 28))))),
    Case("zip bomb zTXt", GOOD, png(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 28))))),
    Case("zip bomb pixels", GOOD, png(data=bytes(1 << 28)), suffix=".png"),
    # The pixels have a checksum of their own, which is right.
    Case("bad checksum", GOOD, PNG[:-16] + b"\0\0\0\0" + PNG[-12:], suffix=".png"),
    Case("bad header checksum", UNSUPPORTED, PNG[:29] + bytes(4) + PNG[33:], suffix=".png"),
    Case("flipped bit", DAMAGED, PNG[:200] + bytes([PNG[200] ^ 1]) + PNG[201:], suffix=".png"),
    Case("chunk past the end", DAMAGED, PNG[:33] + b"\x7f\xff\xff\xffzTXt", suffix=".png"),
    Case("half a png", DAMAGED, PNG[: len(PNG) // 2], suffix=".png"),
    Case("half a webp", DAMAGED, encoded("WEBP")[:400], suffix=".webp"),
    Case("half a bmp", DAMAGED, encoded("BMP")[:40000], suffix=".bmp"),
    Case("half a tiff", DAMAGED, encoded("TIFF")[:40000], suffix=".tiff"),
    Case("gif", GOOD, encoded("GIF")),
    Case("tga", UNSUPPORTED, encoded("TGA")),
    Case("heic", UNSUPPORTED, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)),
    Case("svg", UNSUPPORTED, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    Case("pdf", UNSUPPORTED, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    Case("html", UNSUPPORTED, b"<!DOCTYPE html><title>404 Not Found</title>"),
    Case("postscript", UNSUPPORTED, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n"),
    Case("archive", UNSUPPORTED, b"PK\x03\x04" + bytes(200)),
    Case("program", UNSUPPORTED, PROGRAM),
    Case("webp named jpg", GOOD, encoded("WEBP", quality=90)),
    Case("png named jpg", GOOD, PNG),
    Case("jpeg named png", GOOD, GOOD_PHOTO, suffix=".png"),
    Case(
        "animated",
        GOOD,
        encoded("PNG", save_all=True, append_images=[Image.new("RGB", (160, 180))]),
    ),
    Case("garbage exif", GOOD, with_exif(GOOD_PHOTO, bytes(range(256)) * 20)),
    Case("endless exif", GOOD, with_exif(GOOD_PHOTO, b"II*\0\x08\0\0\0\xff\xff" + b"\x12\1" * 99)),
    Case("upper case", GOOD, suffix=".JPG"),
    Case("trailing bytes", GOOD, GOOD_PHOTO + b"junk" * 1000),
    Case("one pixel", ["outside_image"], encoded("PNG", np.zeros((1, 1, 3), np.uint8)), says=":2:"),
    Case("cmyk", GOOD, encoded("JPEG", Image.fromarray(picture()).convert("CMYK"))),
    Case("floats", UNSUPPORTED, encoded("TIFF", np.zeros((180, 160), np.float32)), suffix=".tif"),
    Case("many gigabytes", ["file_too_large"], sparse(10 << 30), says="has 10737418240 bytes"),
    Case("sparse", UNSUPPORTED, sparse(8 << 20)),
]

ROWS = [
    Case("nan", ["bad_value"], csv=changed(AU06_r="nan"), says="nan.csv:2: AU06_r"),
    Case("infinite", ["bad_value"], csv=changed(x_5="inf"), says=".csv:2: x_5"),
    Case("overflow", ["bad_value"], csv=changed(y_5="1e999"), says=".csv:2: y_5"),
    Case("text", ["bad_value"], csv=changed(AU12_r="high"), says=".csv:2: AU12_r"),
    Case("empty cell", ["bad_value"], csv=changed(AU12_r=""), says=".csv:2: AU12_r"),
    Case("hexadecimal", ["bad_value"], csv=changed(AU12_r="0x1"), says=".csv:2: AU12_r"),
    Case("comma for point", ["bad_row"], csv=changed(AU12_r="1,5"), says=".csv:2: "),
    Case("far away", ["bad_geometry"], csv=changed(x_36="1e308"), says=".csv:2: "),
    Case("one place", ["bad_geometry"], csv=csv_text(row(points=((9, 9),) * 3)), says=":2: "),
    Case(
        "beside",
        ["outside_image"],
        csv=csv_text(row(points=((600, 9), (640, 9), (620, 50)))),
    ),
    Case("tiny", ["too_small"], csv=csv_text(row(points=((60, 70), (64, 70), (62, 74))))),
    Case(
        "in the corner", ["cut_off"], csv=csv_text(row(points=((139, 179), (159, 159), (158, 178))))
    ),
    Case("above the scale", GOOD, csv=changed(AU12_r="7.5")),
    Case("below the scale", GOOD, csv=changed(AU12_r="-2.5")),
    Case("far above the scale", ["bad_value"], csv=changed(AU12_r="77"), says="got 77"),
    Case("far below the scale", ["bad_value"], csv=changed(AU12_r="-3"), says="got -3"),
    Case("enormous AU", ["bad_value"], csv=changed(AU12_r="1e308"), says="got 1e+308"),
    Case("unsure", ["low_confidence"], csv=csv_text(row(confidence=0.5)), says=":2: "),
    Case("too sure", ["bad_value"], csv=csv_text(row(confidence=1e300)), says=":2: confidence"),
    Case("less than unsure", ["bad_value"], csv=csv_text(row(confidence=-1)), says=":2: "),
    Case("row too short", ["bad_row"], csv=f"{FIRST}\n0, 0.98\n", says=".csv:2: "),
    Case("row too long", ["bad_row"], csv=f"{GOOD_CSV[:-1]}, 1, 2\n", says=".csv:2: "),
    Case("trailing commas", GOOD, csv=f"{GOOD_CSV[:-1]}, , ,\n"),
    Case(
        "one id twice",
        ["duplicate_face", RECORD],
        csv=csv_text(row("0"), row("0")),
        says=".csv:3: ",
    ),
    Case(
        "second row bad",
        ["bad_value", RECORD],
        csv=csv_text(row("0"), row("1", AU12_r="?")),
        says=".csv:3: AU12_r",
    ),
    Case("two faces", ["extra_face", RECORD], csv=csv_text(row("0"), row("1")), says=":3: "),
    Case("blank lines", GOOD, csv=f"{FIRST}\n\n\n{SECOND}\n\n   \n"),
]

_WITHOUT = [name for name in HEADER if name != "AU45_r"]
_UTF16 = GOOD_CSV.encode("utf-16")

TABLES = [
    Case("byte order mark", GOOD, csv=b"\xef\xbb\xbf" + GOOD_CSV.encode()),
    Case("crlf", GOOD, csv=GOOD_CSV.replace("\n", "\r\n")),
    Case("cr only", GOOD, csv=GOOD_CSV.replace("\n", "\r")),
    Case("no last line end", GOOD, csv=GOOD_CSV.rstrip("\n")),
    Case("blanks in the header", GOOD, csv=GOOD_CSV.replace(", ", "  ,\t ")),
    Case("quoted", GOOD, csv=f"{FIRST}\n{SECOND}\n".replace(", AU12_r", ',"AU12_r"')),
    Case("utf-16", ["bad_annotation"], csv=_UTF16, says="utf-16.csv: "),
    Case("latin-1", ["bad_annotation"], csv=FIRST.encode() + b"\n\xe9\n"),
    Case("nul bytes", ["bad_row"], csv=f"{FIRST}\n\0\0\0\n"),
    Case("all nul", ["bad_annotation"], csv=bytes(3000)),
    Case("unbalanced", ["bad_annotation"], csv=f'{FIRST}\n"{SECOND}\n'),
    Case("no text", ["empty_annotation"], csv=b""),
    Case("blank", ["empty_annotation"], csv=b"\n\n \n"),
    Case("header only", ["no_face"], csv=f"{FIRST}\n"),
    Case("AU missing", ["missing_column"], csv=csv_text(row(), header=_WITHOUT), says="AU45_r"),
    Case("AU twice", ["duplicate_column"], csv=GOOD_CSV.replace("AU02_r", "AU01_r")),
    Case("landmark missing", ["missing_column"], csv=GOOD_CSV.replace("x_67", "x_n")),
    Case("no header", ["missing_column"], csv=f"{SECOND}\n{SECOND}\n"),
    Case("semicolons", GOOD, csv=GOOD_CSV.replace(",", ";")),
    Case("photo as annotation", ["bad_annotation"], csv=GOOD_PHOTO),
    Case("program as annotation", ["bad_annotation"], csv=PROGRAM),
    Case("long line", ["bad_annotation"], csv=f"{FIRST}\n{'9' * (2 << 20)}\n"),
    Case("many columns", ["bad_annotation"], csv="," * (8 << 20)),
    Case("many lines", ["no_face"], csv=f"{FIRST}\n" + "\n" * (8 << 20)),
    Case("large annotation", ["file_too_large"], csv=sparse(10 << 30)),
    Case("no annotation", ["no_annotation"], csv=None),
    Case("no photo", ["no_image"], photo=None),
]

_LONG = "n" * 240

NAMES = [
    Case("two words", GOOD),
    Case("-rf", GOOD),
    Case("--output=x", GOOD),
    Case("caf\u00e9 composed", GOOD),
    Case("cafe\u0301 decomposed", GOOD),
    Case("\U0001f600", GOOD),
    Case("line\nbreak", GOOD),
    Case("tab\tand \"quotes\" and 'more'", GOOD),
    Case("back\\slash", GOOD),
    Case("star*[1]?", GOOD),
    Case("%s %(x)d {0}", GOOD),
    Case("a.b.c", GOOD),
    Case(_LONG, GOOD),
    Case("deep/" * 30 + "x", GOOD),
    Case("#0", GOOD),
]

PLACES = [
    Case("directory", ["not_a_file", "no_image"], photo=os.mkdir),
    Case("directory as annotation", ["not_a_file", "no_annotation"], csv=os.mkdir),
    Case("dangling", ["broken_link", "no_image"], photo=lambda path: path.symlink_to("nowhere")),
    Case("itself", ["broken_link", "no_image"], photo=lambda path: path.symlink_to(path.name)),
    Case("loop", ["not_a_file", "no_image"], photo=lambda path: path.symlink_to(path.parent)),
    Case("pipe", ["not_a_file", "no_image"], photo=os.mkfifo, says="pipe.jpg: "),
    Case("pipe as annotation", ["not_a_file", "no_annotation"], csv=os.mkfifo),
    Case("socket", ["not_a_file", "no_image"], photo=unix_socket),
    Case("device", ["not_a_file", "no_image"], photo=lambda path: path.symlink_to("/dev/zero")),
    Case(
        "dangling annotation",
        ["broken_link", "no_annotation"],
        csv=lambda path: path.symlink_to("x/y"),
    ),
]

CASES = [*PHOTOS, *ROWS, *TABLES, *NAMES, *PLACES]
