"""Pictures that a decoder refuses though viewers show them, and files that are no picture."""

import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")
"""Chunks of a PNG that its pixels, or which way up they are, depend on."""
_LARGEST_PROFILE = 1 << 20  # bytes; Pillow refuses a PNG with a larger one

_JPEG = b"\xff\xd8\xff"
_FILLINGS = (b"\x55" * 64, b"\xaa" * 64)

_KINDS = (
    ((b"<!doctype html", b"<html", b"<?xml", b"<svg"), "a web page or drawing in text"),
    ((b"version https://git-lfs",), "a pointer of Git LFS (`git lfs pull` fetches the file)"),
    ((b"%pdf",), "PDF"),
    ((b"pk\x03\x04",), "a ZIP archive"),
    ((b"8bps",), "Photoshop's own format"),
    ((b"\x00\x00\x00\x0cjxl ", b"\xff\x0a"), "JPEG XL"),
    ((b"\x00\x00\x00\x0cjp  ",), "JPEG 2000"),
)
"""How files begin, in lower case, and what they are."""

_HEIC = "HEIC (`sips -s format jpeg`, `heif-convert` or `magick` makes a JPEG of it)"
_AVIF = "AVIF (`magick` makes a PNG of it)"
SUFFIXES = {".heic": _HEIC, ".heif": _HEIC, ".avif": _AVIF}
"""Names of pictures that are not read, and what they are, in words."""

_HEIF = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


def kind_of(encoded: bytes) -> str | None:
    """In words, what a file is that is no picture of a format that is read; None if unknown."""
    begin = encoded[:64].lstrip().lower()
    if encoded[4:8] == b"ftyp":
        brand = encoded[8:12]
        if brand in _HEIF:
            return _HEIC
        return _AVIF if brand == b"avif" else "a video"
    for beginnings, kind in _KINDS:
        if begin.startswith(beginnings):
            return kind
    return None


def mended(encoded: bytes) -> list[bytes]:
    """The same picture without what no pixel depends on; [] if nothing can be left out.

    If there are several, it is the same picture only if all of them show the same.

    A PNG may have a damaged or very long text; a JPEG may lack its end mark. A JPEG that lacks
    more is told by filling it up: what is decoded then depends on the filling.
    """
    if encoded.startswith(_JPEG):
        whole = encoded.removesuffix(b"\xff")  # half of the mark
        return [whole + filling + b"\xff\xd9" for filling in _FILLINGS]
    if encoded.startswith(_PNG):
        needed = _needed_chunks(encoded)
        return [needed] if len(needed) < len(encoded) else []
    return []


def _needed_chunks(png: bytes) -> bytes:
    parts, place = [_PNG], len(_PNG)
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        end = place + 12 + length
        if png[place + 4 : place + 8] in _NEEDED or _is_profile(png[place:end]):
            parts.append(png[place:end])
        place = end
    return b"".join(parts)


def _is_profile(chunk: bytes) -> bool:
    """Whether it is a color profile that is whole: what the pixels mean depends on it."""
    body, checksum = chunk[4:-4], chunk[-4:]
    if body[:4] != b"iCCP" or struct.pack(">I", zlib.crc32(body)) != checksum:
        return False
    name_and_profile = body.partition(b"\0\0")  # between them: compressed by zlib
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(name_and_profile[2], _LARGEST_PROFILE)
    except zlib.error:
        return False
    return not unpacking.unconsumed_tail
